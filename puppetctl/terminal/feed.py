"""What characters do, for a terminal of 80 columns: their words first, and one dim line of why.

`up`, `watch`, `history` and whatever shows an activity use it. Pure: activities in, renderables out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.terminal import reasons
from puppetctl.terminal.palette import Palette
from puppetctl.terminal.threads import said_id, threaded
from puppetctl.terminal.words import clock, plain, quoted

_INDENT = 10
_STEP = 2
_MAX_STEPS = 4
_QUOTE_LENGTH = 64


_ASIDES = (log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_LIFECYCLE)
"""What is told in a line, where there is room: nothing was said or done."""


class Feed:
    """Renders activities, one after the other: a reply is indented below what it answers.

    What is answered is quoted, unless it is the entry above. With `explains` all reasons are shown, with scores and
    models.
    """

    def __init__(self, *, explains: bool = False) -> None:
        self._explains = explains
        self._palette = Palette()
        self._above = ""
        """The network's id of the post that was shown last; empty when something else was."""

    def name(self, agent_id: str, name: str) -> Text:
        """Return a character's name in its colour."""
        return Text(plain(name), style=f"bold {self._palette.style(agent_id)}")

    def entry(self, activity: log_pb.Activity) -> RenderableType:
        """Return one entry of a feed that goes on."""
        is_below = bool(self._above) and activity.reply.in_reply_to_network_post_id == self._above
        self._above = said_id(activity)
        return self._entry(activity, int(activity.HasField("reply")), quotes=not is_below)

    def threads(self, activities: Iterable[log_pb.Activity]) -> Iterator[RenderableType]:
        """Yield the entries of a past, oldest first, each reply below the one among them that it answers."""
        for activity, depth in threaded(activities):
            is_below = depth > 0
            depth = depth or int(activity.HasField("reply"))
            yield self._entry(activity, min(depth, _MAX_STEPS), quotes=not is_below)

    def _entry(self, activity: log_pb.Activity, steps: int, *, quotes: bool) -> RenderableType:
        indent = _INDENT + _STEP * steps
        arrow = "↳ ".rjust(_STEP * steps) if steps else ""
        head = Text.assemble((clock(activity.create_time), "dim"), "  ", (arrow, "dim"))
        head.append_text(self.name(activity.agent_id, activity.agent_name))
        words = _Lines(plain(activity.summary), "", indent)
        why = _Why(activity, indent, explains=self._explains)
        match activity.kind:
            case log_pb.ACTIVITY_KIND_POST:
                return Group(head, words, why)
            case log_pb.ACTIVITY_KIND_REPLY:
                whom = plain(activity.reply.to_name or activity.reply.to_handle or "somebody")
                head.append(f" to {whom}", "dim")
                return Group(head, _quote(activity.reply.mention_text if quotes else "", indent), words, why)
            case log_pb.ACTIVITY_KIND_EVENT if activity.notice.is_news:
                head.append(" hears", "italic")
                return Group(head, _quote(activity.notice.text, indent), why)
            case log_pb.ACTIVITY_KIND_DRAFT:
                head.append(f" proposes a {activity.behaviour.replace('_', ' ')}", "yellow")
                how = f"puppetctl drafts approve {plain(activity.draft.draft_id)}"
                return Group(head, words, _Lines(how, "yellow", indent), why)
            case kind:
                style = {log_pb.ACTIVITY_KIND_TRADE: "bold green", log_pb.ACTIVITY_KIND_FAILURE: "red"}.get(kind, "dim")
                head.append(f" {plain(activity.summary)}", style)
                return _Aside(head, why) if kind in _ASIDES else Group(head, why)


def notice(time: datetime, subject: str, words: str) -> RenderableType:
    """Return a line about the suite itself."""
    return Text.assemble((f"{time:%H:%M:%S}", "dim"), "  ", (plain(subject), "bold"), " ", (plain(words), "yellow"))


def _quote(text: str, indent: int) -> RenderableType:
    return _Lines(quoted(text, _QUOTE_LENGTH), "dim italic", indent)


class _Lines:
    """A wrapped text below its heading. Unlike Rich's Padding it leaves no blanks at the ends of the lines."""

    def __init__(self, text: str, style: str, indent: int) -> None:
        self._text = Text(text, style)
        self._indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._text:
            return
        for line in self._text.wrap(console, max(1, options.max_width - self._indent)):
            line.rstrip()
            yield Text(" " * self._indent) + line


class _Why:
    """The reasons of an activity: as many as fit into a line, or all of them."""

    def __init__(self, activity: log_pb.Activity, indent: int, *, explains: bool) -> None:
        self._activity = activity
        self._indent = indent
        # What has failed is told whole: somebody may have to mend it.
        self._is_full = explains or activity.kind == log_pb.ACTIVITY_KIND_FAILURE

    def words(self, width: int) -> str:
        """Return the reasons for lines of this width, indented as they are."""
        if self._is_full:
            return reasons.in_full(self._activity)
        return reasons.in_a_line(self._activity, max(1, width - self._indent))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _Lines(self.words(options.max_width), "dim", self._indent)


class _Aside:
    """What is told in one line with its reason, or in two where that is too long."""

    def __init__(self, head: Text, why: _Why) -> None:
        self._head = head
        self._why = why

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = self._why.words(options.max_width)
        line = Text.assemble(self._head, (f" · {words}" if words else "", "dim"))
        if line.cell_len <= options.max_width:
            yield line
        else:
            yield self._head
            yield self._why
