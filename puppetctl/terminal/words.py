"""Words for people: texts that can't steer the terminal, cut where they are long, and what is counted."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb

_MAX_NOTICES = 5
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


def plain(text: str) -> str:
    """Return a text that can't steer the terminal: strangers write some of it."""
    return "".join(_harmless(character) for character in text)


def _harmless(character: str) -> str:
    if character in _BIDI_CONTROLS:
        return ""
    return " " if unicodedata.category(character) == "Cc" else character


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many characters; where something was left out it ends with `…`."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def quoted(text: str, limit: int) -> str:
    """Return somebody's words between quotation marks, harmless and cut; empty when there are none."""
    return f"“{cut(plain(text), limit)}”" if text else ""


def shortened(signature: str) -> str:
    """Return the two ends of a long id, by which people tell it from others."""
    return signature if len(signature) <= 12 else f"{signature[:4]}…{signature[-4:]}"


def clock(time: Timestamp) -> str:
    """Return a time of the log by this machine's clock: `16:52:51`."""
    return f"{time.ToDatetime(tzinfo=UTC).astimezone():%H:%M:%S}"


def moment(time: Timestamp) -> str:
    """Return a time with its day, by this machine's clock: `2026-05-04 09:30:15`."""
    local: datetime = time.ToDatetime(tzinfo=UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """Return how long something takes, as people say it: `40 s`, `12 min`, `3 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def counts(kinds: Counter[int]) -> str:
    """Return how many of each kind there were: `2 posts, 1 reply`."""
    said = [f"{kinds[kind]} {words[kinds[kind] != 1]}" for kind, words in _COUNTED.items() if kinds[kind]]
    return ", ".join(said) or "nothing yet"


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
    shown = [plain(words) for words in notices[:_MAX_NOTICES]]
    more = len(notices) - len(shown)
    return [*shown, f"and {more} more like this (GetAgentStatus has all)"] if more else shown
