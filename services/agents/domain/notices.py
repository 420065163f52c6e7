"""What the messages to a person say: JSON with a type, and a `text` that chats show.

A person reads them in a chat, where words may be links, commands and calls to everybody: words that a character or a
stranger wrote are cut, and have no such effect. A stranger's are marked as such.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.agents.domain.alerts import AlertKind
from services.agents.domain.drafts import DraftRecord
from services.agents.domain.proposals import Order, PostProposal, ReplyProposal

_MAX_TEXT, _MAX_WORDS, _MAX_HEARD, _MAX_NAMES = 1_900, 1_000, 280, 5
_MAX_NAME = 100
NOBODY = "a character that was deleted"
"""Of whom it was told, where nobody else is left."""
_HARMLESS = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "@": "\uff20", "[": "(", "]": ")", "`": "'", "*": "\u2217", "|": "\u00a6"}
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message: its type, what a chat shows, and what programs read."""

    type: str
    text: str
    data: Mapping[str, Any]

    def body(self, now: datetime) -> str:
        """Return it as it is signed and sent."""
        return json.dumps(
            {"type": self.type, "timestamp": _time(now), "text": self.text[:_MAX_TEXT], "data": self.data},
            ensure_ascii=False,
        )


def trial_notice() -> Notice:
    """Return a message that shows that messages come through."""
    return Notice("webhook.test", "Puppet Engine can reach you here: drafts and alerts come this way.", {})


def draft_notice(draft: DraftRecord, public_url: str) -> Notice:
    """Return that a draft waits, with the page where it is approved, or the command where there is no page.

    To open the page approves nothing.
    """
    proposal = draft.proposal
    words = proposal.words
    url = f"{public_url.rstrip('/')}/drafts/{draft.id}" if public_url else ""
    command = f"puppetctl drafts approve {draft.id}"
    data: dict[str, Any] = {
        "id": draft.id,
        "agent_id": draft.agent_id,
        "agent_name": draft.agent_name,
        "behaviour": draft.behaviour,
        "words": _cut(words, _MAX_WORDS),
        "expire_time": _time(draft.expire_time),
        "command": command,
    }
    parts = [
        f"{_name(draft.agent_name)} proposes a {draft.behaviour.replace('_', ' ')}:",
        f"“{_shown(words, _MAX_WORDS)}”",
    ]
    match proposal:
        case ReplyProposal(mention=mention, heard=heard):
            data["answers"] = _heard(mention.text, heard.author_name, is_external=heard.is_external)
            who = f"{_name(heard.author_name)}, {'a stranger' if heard.is_external else 'a character'},"
            parts.append(f"to {who} who wrote: “{_shown(mention.text, _MAX_HEARD)}”")
        case PostProposal(news_text=news) if news:
            data["answers"] = _heard(news, "", is_external=True)
            parts.append(f"about what strangers wrote: “{_shown(news, _MAX_HEARD)}”")
        case Order(reasons=reasons):
            data["reasons"] = [_cut(reason, _MAX_HEARD) for reason in reasons]
        case _:
            pass
    if url:
        data["url"] = url
    where = f"on {url}" if url else f"with `{command}`"
    parts.append(f"Approve or reject it {where} until {draft.expire_time.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    return Notice("draft.waiting", "\n".join(parts), data)


_TOLD = {
    AlertKind.BUDGET_NEARLY_SPENT: "nearly has its day's budget spent",
    AlertKind.KEY_REFUSED: "is refused: a key, or what it may be used for",
    AlertKind.ACCOUNT_QUIET: "is kept quiet by the network",
    AlertKind.CHARACTER_SILENT: "is silent for much longer than its longest pause",
}


def alert_notice(kind: AlertKind, cause: str, agents: Sequence[tuple[str, str]], words: str, since: datetime) -> Notice:
    """Return that something should be looked after."""
    names = names_of(agents)
    text = f"{names} {_TOLD[kind]} ({cause}). {_shown(words, _MAX_HEARD)}".rstrip()
    data = _alert(kind, cause, names, since) | {
        "agents": [{"id": agent_id, "name": _cut(name, _MAX_NAME)} for agent_id, name in agents[:_MAX_NAMES]],
        "agent_count": len(agents),
        "words": _cut(words, _MAX_HEARD),
    }
    return Notice("alert.opened", text, data)


def resolved_notice(
    kind: AlertKind, cause: str, names: str, since: datetime, until: datetime, *, is_deleted: bool = False
) -> Notice:
    """Return that something is over that was told of, or that whom it was about is deleted."""
    end = " It was deleted." if is_deleted else ""
    text = f"Over: {names} {_TOLD[kind]} ({cause}), since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC.{end}"
    data = _alert(kind, cause, names, since) | {"end_time": _time(until), "is_deleted": is_deleted}
    return Notice("alert.resolved", text, data)


def names_of(agents: Sequence[tuple[str, str]]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(_name(name) for _, name in agents[:_MAX_NAMES])
    more = len(agents) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def is_named(name: str, names: str) -> bool:
    """Tell whether somebody of this name may be among those that `names_of` has named."""
    return _name(name) in names


def _alert(kind: AlertKind, cause: str, names: str, since: datetime) -> dict[str, Any]:
    return {"alert": kind.value, "cause": cause, "names": names, "begin_time": _time(since)}


def _heard(text: str, author: str, *, is_external: bool) -> dict[str, str]:
    origin = "EXTERNAL" if is_external else "AGENT"
    return {"text": _cut(text, _MAX_HEARD), "author": _cut(author, _MAX_NAME), "origin": origin}


def _name(name: str) -> str:
    return _shown(name, _MAX_NAME)


def _shown(text: str, limit: int) -> str:
    """Return words that no chat takes for a link, a command or a call to somebody."""
    return _cut(text, limit).translate(_HARMLESS).replace("://", ":// ").replace("www.", "www. ")


def _cut(text: str, limit: int) -> str:
    """Return a text on one line, without what steers terminals and writing directions."""
    line = " ".join("".join(one for one in text if unicodedata.category(one) not in _STEERING or one.isspace()).split())
    return f"{line[: limit - 1]}…" if len(line) > limit else line


_STEERING = frozenset(("Cc", "Cf", "Cs"))


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
