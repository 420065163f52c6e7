"""How fast the characters can live: as fast as the model can follow, by a measurement and by what comes late."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import Clients, in_words
from puppetctl.suite import SuiteError
from services.agents.domain.persona import Behavior
from services.runtime.ids import new_id

_POST_SECONDS = 180.0
_BUSY = 0.6
"""Which part of the time the model is to be at work: what comes by chance comes in heaps."""
_ACTIONS_A_POST = 2.0
"""A post is answered as often as not, and tries that come to nothing cost as much."""
_SLOWER, _FASTER = 0.6, 1.6
_LAST = 6
_LATE_HOURS, _EASY_HOURS = 1.0, 0.2
"""Of the characters' time: later than this is too late, where it isn't how long a post takes anyway."""
_LATE_TIMES = 4.0
_DUE = re.compile(r"[a-z_]+/[^/]+/(\d{4}-\d\d-\d\dT[^/]+)")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a post takes while all characters write."""

    seconds: float
    """Of the whole machine."""
    latency_seconds: float
    """Until it is there."""
    warming_seconds: float
    """Until the very first one is there, for which the service reads what it reads once."""


async def measured(clients: Clients, agent_ids: Sequence[str]) -> Measured:
    """Let each character post, and the first one twice. Raises SuiteError when one can't."""
    warming = await timed_post(clients, agent_ids[0])
    begun = time.monotonic()
    latencies = await asyncio.gather(*(timed_post(clients, agent_id) for agent_id in agent_ids))
    return Measured((time.monotonic() - begun) / len(agent_ids), max(latencies), warming)


def followed(found: Measured, behaviors: Iterable[Behavior], events_a_day: float, wanted: float) -> float:
    """Return the speed at which this can be lived, and no more than what is wanted."""
    posts_an_hour = sum(2 / (one.min_hours_between_posts + one.max_hours_between_posts) for one in behaviors)
    actions_an_hour = posts_an_hour * _ACTIONS_A_POST + events_a_day / 24
    return max(1.0, min(wanted, _BUSY * 3600 / (found.seconds * actions_an_hour)))


def due_time(activity: log_pb.Activity) -> datetime | None:
    """Return when a character had planned what it did by itself; None of what came otherwise."""
    found = _DUE.fullmatch(activity.workflow_id)
    try:
        return datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


class Lateness:
    """Tells by how late comes what the characters have planned whether they should live slower, or can live faster."""

    def __init__(self, found: Measured, since: datetime) -> None:
        """Take from when on what is planned counts."""
        self._found = found
        self._late: deque[float] = deque(maxlen=2 * _LAST)
        self._since = since

    def add(self, activity: log_pb.Activity) -> None:
        """Take what a character did."""
        if (due := due_time(activity)) and due >= self._since:
            self._late.append((activity.create_time.ToDatetime(tzinfo=UTC) - due).total_seconds())

    def better(self, speed: float, wanted: float) -> float | None:
        """Return a speed that fits better: one that can be followed, or one that is nearer to what is wanted."""
        late = list(self._late)
        if len(late) >= _LAST and speed > 1:
            limit = max(_LATE_HOURS * 3600 / speed, _LATE_TIMES * self._found.latency_seconds)
            if median(late[-_LAST:]) > limit:
                return max(1.0, speed * _SLOWER)
        if len(late) == self._late.maxlen and median(late) * speed < _EASY_HOURS * 3600 and speed * _FASTER <= wanted:
            return speed * _FASTER
        return None

    def begin(self, time: datetime) -> None:
        """Count only what is planned for later: the service has just been started, and reads what it reads once."""
        self._late.clear()
        self._since = time + timedelta(seconds=self._found.warming_seconds)


async def timed_post(clients: Clients, agent_id: str) -> float:
    """Let a character post, and return how many seconds that took. Raises SuiteError when it can't."""
    begun = time.monotonic()
    request = pb.TriggerPostRequest(agent_id=agent_id, request_id=new_id("ctl"))
    try:
        answer = await clients.agents.TriggerPost(request, timeout=_POST_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise SuiteError(f"{agent_id} can't post: {in_words(error)}") from None
    if not answer.HasField("activity"):
        raise SuiteError(
            f"{agent_id} had not posted after {_POST_SECONDS:.0f} s: the model is too slow to rehearse with"
        )
    if answer.activity.HasField("failure"):
        raise SuiteError(f"{agent_id}: {answer.activity.summary}: {answer.activity.reason}")
    return time.monotonic() - begun
