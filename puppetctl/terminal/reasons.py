"""Why something was done, made from what the log keeps: in one line for everybody, or all of it for who asks."""

import re
from collections.abc import Iterator, Sequence

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.terminal.words import cut, plain, quoted, shortened

_BETWEEN = " · "
_CODE = re.compile(r"^[A-Z]+(_[A-Z]+)*: ")
_MAX_MEMORY = 52


def in_a_line(activity: log_pb.Activity, width: int) -> str:
    """Return the first reasons, as many as fit into a line; the first one is cut where it is longer."""
    first, *others = list(_reasons(activity)) or [""]
    line = cut(plain(first), width)
    for part in map(plain, others):
        if len(line) + len(_BETWEEN) + len(part) <= width:
            line += _BETWEEN + part
    return line


def in_full(activity: log_pb.Activity) -> str:
    """Return all reasons, with scores and models."""
    parts = [part for part in activity.reason.split("; ") if part]
    # What is concluded follows from more memories than anybody wants to read here.
    told: Sequence[log_pb.RecalledMemory] = () if activity.HasField("reflection") else activity.memories
    parts[:0] = [f"remembers “{memory.text}”" for memory in told if memory.text not in activity.reason]
    if signature := activity.trade.swap.signature or activity.post.swap.signature:
        parts.append(f"signature {shortened(signature)}")
    return plain(_BETWEEN.join(parts))


def in_short(reason: str) -> str:
    """Return reasons, as the services join them, without how the words were chosen: models and scores."""
    return plain(_BETWEEN.join(part for part in reason.split("; ") if part and not part.startswith("best of ")))


def _reasons(activity: log_pb.Activity) -> Iterator[str]:
    match activity.kind:
        case log_pb.ACTIVITY_KIND_POST | log_pb.ACTIVITY_KIND_REPLY:
            yield from _of_words(activity)
        case log_pb.ACTIVITY_KIND_TRADE:
            yield from activity.trade.reasons or activity.reason.split("; ")
        case _:
            # The code before the words is for programs, and for `--why`.
            yield from (_CODE.sub("", part) for part in activity.reason.split("; ") if part)


def _of_words(activity: log_pb.Activity) -> Iterator[str]:
    """Yield what the words tell of: a memory, else the trade, the news or the topic; and how the character felt."""
    if activity.is_edited:
        yield "in words of a person"
    if activity.memories:
        yield f"remembers {quoted(activity.memories[0].text, _MAX_MEMORY)}"
    elif activity.post.HasField("swap"):
        yield f"tells of its trade of {activity.post.swap.symbol or 'a token'}"
    elif activity.post.news_text:
        yield f"heard {quoted(activity.post.news_text, _MAX_MEMORY)}"
    elif activity.post.topic:
        yield f"about {activity.post.topic}"
    if activity.mood:
        yield f"feels {activity.mood}"
