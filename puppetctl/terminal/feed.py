"""What the characters do, in words and colours for a terminal of 80 columns. Pure: activities in, renderables out."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb

_INDENT = 10
_QUOTE_LENGTH = 66
_MOST_NOTICES = 5
_NAME_STYLES = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")
# They change the direction of everything after them.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_COUNTED = {
    log_pb.ACTIVITY_KIND_POST: ("post", "posts"),
    log_pb.ACTIVITY_KIND_REPLY: ("reply", "replies"),
    log_pb.ACTIVITY_KIND_TRADE: ("trade", "trades"),
    log_pb.ACTIVITY_KIND_PASS: ("pass", "passes"),
    log_pb.ACTIVITY_KIND_FAILURE: ("failure", "failures"),
    log_pb.ACTIVITY_KIND_DRAFT: ("draft", "drafts"),
}


class Feed:
    """Renders activities; each character keeps the colour that it got when it was first seen."""

    def __init__(self) -> None:
        self._styles: dict[str, str] = {}

    def name(self, agent_id: str, name: str) -> Text:
        """Return a character's name in its colour."""
        style = self._styles.setdefault(agent_id, _NAME_STYLES[len(self._styles) % len(_NAME_STYLES)])
        return Text(plain(name), style=f"bold {style}")

    def entry(self, activity: log_pb.Activity) -> RenderableType:
        """Return one entry: when, who and what; the words; and dimmed, why."""
        time = activity.create_time.ToDatetime(tzinfo=UTC).astimezone()
        head = Text.assemble((f"{time:%H:%M:%S}", "dim"), "  ", self.name(activity.agent_id, activity.agent_name), " ")
        summary, why = plain(activity.summary), plain(_why(activity))
        match activity.kind:
            case log_pb.ACTIVITY_KIND_POST | log_pb.ACTIVITY_KIND_REPLY:
                head.append(_says(activity))
                quote = _quote(activity.reply.mention_text)
                return Group(head, *_lines((quote, "dim italic"), (summary, ""), (why, "dim")))
            case log_pb.ACTIVITY_KIND_TRADE:
                head.append(summary, "bold green")
                return Group(head, *_lines((why, "dim")))
            case log_pb.ACTIVITY_KIND_EVENT:
                head.append("hears" if activity.notice.is_news else summary, "italic")
                quote = _quote(activity.notice.text) if activity.notice.is_news else ""
                return Group(head, *_lines((quote, "dim italic"), (why, "dim")))
            case log_pb.ACTIVITY_KIND_DRAFT:
                head.append(f"proposes {activity.behaviour}", "yellow")
                how = f"puppetctl drafts approve {plain(activity.draft.draft_id)}"
                return Group(head, *_lines((summary, ""), (how, "yellow"), (why, "dim")))
            case log_pb.ACTIVITY_KIND_FAILURE:
                head.append(summary, "red")
                return Group(head, *_lines((why, "dim")))
            case _:
                head.append(summary, "dim")
                return Group(head, *_lines((why, "dim")))


def told_of(notices: Iterable[pb.Notice]) -> tuple[str, ...]:
    """Return what notices say, those of fields without any effect in one line."""
    given = list(notices)
    idle = sum(one.reason == pb.NOTICE_REASON_NO_EFFECT for one in given)
    words = [one.description for one in given if one.reason != pb.NOTICE_REASON_NO_EFFECT]
    if idle:
        words.append(f"{idle} field{'s' if idle > 1 else ''} without effect (GetAgentStatus names them)")
    return tuple(words)


def in_short(notices: Sequence[str]) -> list[str]:
    """Return the first of what is to be told of one character, and how much more there is."""
    shown = [plain(words) for words in notices[:_MOST_NOTICES]]
    more = len(notices) - len(shown)
    return [*shown, f"and {more} more like this (GetAgentStatus has all)"] if more else shown


def notice(time: datetime, subject: str, words: str) -> RenderableType:
    """Return a line about the suite itself."""
    return Text.assemble((f"{time:%H:%M:%S}", "dim"), "  ", (plain(subject), "bold"), " ", (plain(words), "yellow"))


def counts(kinds: Counter[int]) -> str:
    """Return how many of each kind there were: `2 posts, 1 reply`."""
    said = [f"{kinds[kind]} {words[kinds[kind] != 1]}" for kind, words in _COUNTED.items() if kinds[kind]]
    return ", ".join(said) or "nothing yet"


def shortened(signature: str) -> str:
    """Return the two ends of a long id, by which people tell it from others."""
    return signature if len(signature) <= 12 else f"{signature[:4]}…{signature[-4:]}"


def plain(text: str) -> str:
    """Return a text that can't steer the terminal: strangers write some of it."""
    return "".join(_harmless(character) for character in text)


def _harmless(character: str) -> str:
    if character in _BIDI_CONTROLS:
        return ""
    return " " if unicodedata.category(character) == "Cc" else character


def _says(activity: log_pb.Activity) -> str:
    if activity.HasField("reply"):
        return f"replies to {plain(activity.reply.to_name or activity.reply.to_handle or 'somebody')}"
    return "posts about the trade" if activity.post.HasField("swap") else "posts"


def _quote(mention: str) -> str:
    mention = plain(mention)
    if not mention:
        return ""
    return f"“{mention[: _QUOTE_LENGTH - 1]}…”" if len(mention) > _QUOTE_LENGTH else f"“{mention}”"


def _why(activity: log_pb.Activity) -> str:
    parts = [part for part in activity.reason.split("; ") if part]
    # What is concluded follows from more memories than anybody wants to read here.
    told = () if activity.HasField("reflection") else activity.memories
    parts[:0] = [f"remembers “{memory.text}”" for memory in told if memory.text not in activity.reason]
    if signature := activity.trade.swap.signature or activity.post.swap.signature:
        parts.append(f"signature {shortened(signature)}")
    return " · ".join(parts)


def _lines(*parts: tuple[str, str]) -> list[RenderableType]:
    return [_Indented(Text(text, style)) for text, style in parts if text]


class _Indented:
    """A wrapped text below its heading. Unlike Rich's Padding it leaves no blanks at the ends of the lines."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._text.wrap(console, max(1, options.max_width - _INDENT)):
            line.rstrip()
            yield Text(" " * _INDENT) + line
