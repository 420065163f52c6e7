"""The end of the activity log, read once for everybody who watches it.

A thousand watchers that each look for themselves keep a core busy with nothing. So one loop looks, and keeps what it
has lately read; each watcher has a place of its own in that, and wakes when there is more. One that falls behind what
is kept reads from the store at its own pace: it delays nobody, and nothing piles up for it.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence

from services.agents.domain.entities import ActivityRecord
from services.agents.ports.store import Store
from services.runtime.errors import InvalidRequest, Stopping, Violation

log = logging.getLogger(__name__)

_BATCH = 100
_KEPT = 1_000
"""How many activities stay in memory, for all watchers together."""
_LOOK_SECONDS = 1.0
"""How often activities of other replicas are looked for; those of this process are announced."""
_HEARTBEAT_SECONDS = 5.0
_TOGETHER_SECONDS = 0.5
"""Heartbeats that are due within this time are sent at once: a thousand by themselves cost more than twice as much."""


class Tail:
    """Follows the log while somebody watches it."""

    def __init__(self, store: Store, draining: asyncio.Event) -> None:
        """Take what is set when everybody has to stop watching."""
        self._store = store
        self._draining = draining
        self._recent: deque[ActivityRecord] = deque()
        self._begin: int | None = None
        """What came after this place, up to `_end`, is in `_recent`; None while the log isn't followed."""
        self._end = 0
        self._watchers = 0
        self._grown = asyncio.Event()
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Look now: something was logged."""
        self._stirred.set()

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the log until the block ends."""
        tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._tell_of_the_end())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(
        self, agent_ids: Sequence[str], after: int | None
    ) -> AsyncIterator[tuple[int, ActivityRecord | None]]:
        """Yield what is logged after this place, or from now on; None when nothing happens for long.

        Each comes with its place, from which one can go on. The first item is None: from then on nothing is missed.
        Raises Stopping when everybody has to stop, and InvalidRequest for a place that the log hasn't come to: it is
        another log's, and whoever waits for it would miss what happens until then.
        """
        last = await self._last()
        place = last if after is None else after
        if place > last:
            raise InvalidRequest([Violation("after_cursor", "is beyond the end of this log")])
        wanted, now = frozenset(agent_ids), asyncio.get_running_loop().time
        with self._watching():
            yield place, None
            told = now()
            while not self._draining.is_set():
                grown, before = self._grown, place
                batch, place = await self._after(wanted, place)
                for activity in batch:
                    yield _seq(activity), activity
                    told = now()
                if place == before and not await _is_set(grown, _beat_after(told) - now()):
                    yield place, None
                    told = now()
        raise Stopping

    async def _after(self, wanted: Collection[str], place: int) -> tuple[list[ActivityRecord], int]:
        """Return what comes next after a place, and the place from which to go on."""
        end = self._end
        if self._begin is not None and self._begin <= place:
            batch = []
            for activity in reversed(self._recent):
                if _seq(activity) <= place:
                    break
                if not wanted or activity.agent_id in wanted:
                    batch.append(activity)
            return batch[::-1], max(place, end)
        is_followed = self._begin is not None
        async with self._store.reading() as records:
            batch = await records.activities_after(list(wanted), place, _BATCH)
        if batch:
            place = _seq(batch[-1])
        if is_followed and len(batch) < _BATCH:
            # Of what was logged up to there before we looked, there is no more for this watcher.
            place = max(place, end)
        return batch, place

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        self._watchers += 1
        self.stir()
        try:
            yield
        finally:
            self._watchers -= 1

    async def _follow(self) -> None:
        while True:
            self._stirred.clear()
            try:
                more = await self._look() if self._watchers else self._rest()
            except Exception:
                log.exception("the activity log can't be followed")
                more = False
            if not more:
                await _is_set(self._stirred, _LOOK_SECONDS if self._watchers else None)

    async def _look(self) -> bool:
        """Read on; True when there may be more at once."""
        if self._begin is None:
            # Whoever came meanwhile with an earlier place is woken, and reads what lies between from the store.
            self._begin = self._end = await self._last()
            self._wake()
        async with self._store.reading() as records:
            batch = await records.activities_after([], self._end, _BATCH)
        if batch:
            self._recent.extend(batch)
            while len(self._recent) > _KEPT:
                self._begin = _seq(self._recent.popleft())
            self._end = _seq(batch[-1])
            self._wake()
        return len(batch) == _BATCH

    def _rest(self) -> bool:
        self._begin = None
        self._recent.clear()
        return False

    async def _last(self) -> int:
        async with self._store.reading() as records:
            return await records.last_seq()

    async def _tell_of_the_end(self) -> None:
        await self._draining.wait()
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


def _beat_after(told: float) -> float:
    """Return when a watcher hears something again who was last told something then, on the event loop's clock."""
    return math.ceil((told + _HEARTBEAT_SECONDS) / _TOGETHER_SECONDS) * _TOGETHER_SECONDS


def _seq(activity: ActivityRecord) -> int:
    return activity.seq or 0


async def _is_set(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event for so long, and tell whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
