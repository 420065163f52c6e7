"""The memories that have no vector of a model yet.

Which these are the store says, so nothing is lost with a process. Where vectors are made by somebody else they come
later, or not today: what makes them may be down, slow, or refuse. It is asked for those of one agent at a time, whose
budget they are paid from, and asked again after pauses that double, or that are as long as it says. A text that is
refused is left out for an hour, and keeps no other from its vector.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from services.memory.domain.vectors import EmbedderDown, Text, TextsRefused, Vector
from services.memory.ports.embedder import Embedder
from services.memory.ports.store import Store

log = logging.getLogger(__name__)

_CHUNK = 1_000
_NONE = 2**63 - 1
"""No memory's number is higher."""
_FIRST_PAUSE_SECONDS, _PAUSE_SECONDS = 1.0, 300.0
_LONGEST_PAUSE_SECONDS = 3_600.0
"""How long it waits at most, whatever it is asked for: the budget may have been raised."""
_LOOK_SECONDS = 5.0
"""How often it is looked for what other processes have stored."""
_REFUSED_SECONDS = 3_600.0
_REFUSALS = 3
"""When so many texts are refused one after the other, it isn't because of the texts."""

Keep: TypeAlias = Callable[[Embedder, Sequence[Text], Sequence[bytes]], Awaitable[Sequence[Vector]]]
"""Stores vectors of those memories that still have these texts, and returns them."""

Alone: TypeAlias = Callable[[], AbstractAsyncContextManager[bool]]
"""Opens what only one process has at a time; the value says whether it is this one."""


class Backlog:
    """Has vectors of one model made for the memories that have none."""

    def __init__(self, store: Store, embedder: Embedder, keep: Keep, alone: Alone) -> None:
        self._store = store
        self._embedder = embedder
        self._keep = keep
        self._alone = alone
        self.problem = ""
        """Why memories are without a vector; empty when nothing keeps them from it."""
        self._after = 0
        """All memories up to this number have a vector, or were refused."""
        self._told, self._filled = asyncio.Event(), asyncio.Event()
        self._pause = _FIRST_PAUSE_SECONDS
        self._paused: dict[str, float] = {}
        """By agent, until when nothing is asked for."""
        self._refused: set[int] = set()
        self._refused_until = 0.0
        self._refusals = 0

    @property
    def is_filled(self) -> bool:
        """Whether all memories that were there at the start have a vector, or were refused."""
        return self._filled.is_set()

    async def filled(self) -> None:
        """Wait for that."""
        await self._filled.wait()

    def lacks(self, seqs: Sequence[int]) -> None:
        """Say that these memories have no vector."""
        if seqs:
            self._after = min(self._after, min(seqs) - 1)
            self._told.set()

    def look(self) -> None:
        """Say that any memory may have none."""
        self._after = 0
        self._told.set()

    async def work(self) -> None:
        """Go once through what has no vector, and wait for more, or as long as there is no sense in asking again."""
        now = asyncio.get_running_loop().time
        try:
            await self._round()
        except EmbedderDown as down:
            self._note(down.message)
            pause = min(max(self._pause, down.retry_after), _LONGEST_PAUSE_SECONDS)
            self._pause = min(2 * self._pause, _PAUSE_SECONDS)
            await asyncio.sleep(pause)
            return
        self._pause = _FIRST_PAUSE_SECONDS
        if not self._paused:
            self._note("")
        dues = [*self._paused.values(), *([self._refused_until] if self._refused else ())]
        waits = [due - now() for due in dues]
        if self._looks:
            waits.append(_LOOK_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(waits)) if waits else None):
                await self._told.wait()

    @property
    def _looks(self) -> bool:
        """Whether others may store memories without a vector, and don't tell."""
        return self._store.is_shared and not self._embedder.is_instant

    async def _round(self) -> None:
        now = asyncio.get_running_loop().time()
        self._paused = {agent_id: until for agent_id, until in self._paused.items() if until > now}
        if self._refused and now >= self._refused_until:
            self._refused.clear()
            self._after = 0
        self._told.clear()
        begun, self._after, is_done = 0 if self._looks else self._after, _NONE, False
        try:
            is_done = await self._go_through(begun)
        finally:
            if not is_done:
                self._after = min(self._after, begun)

    async def _go_through(self, after: int) -> bool:
        """Embed what has no vector behind this number; True when all that is there has one, or was refused."""
        if not (texts := await self._next(after)):
            self._filled.set()
            return True
        async with self._alone() as is_alone:
            is_done = is_alone
            while texts and is_alone:
                after = texts[-1].seq
                for batch in self._batches([text for text in texts if text.seq not in self._refused]):
                    is_done &= await self._has_embedded(batch)
                texts = await self._next(after)
        if is_done:
            self._filled.set()
        return is_done

    async def _next(self, after: int) -> list[Text]:
        async with self._store.reading() as records:
            return await records.without_vector(self._embedder.model, after, _CHUNK)

    def _batches(self, texts: Sequence[Text]) -> Iterator[Sequence[Text]]:
        """Cut these into what is asked for at once."""
        by_agent: dict[str, list[Text]] = {}
        for text in texts:
            by_agent.setdefault("" if self._embedder.is_instant else text.agent_id, []).append(text)
        for own in by_agent.values():
            for start in range(0, len(own), self._embedder.batch):
                yield own[start : start + self._embedder.batch]

    async def _has_embedded(self, batch: Sequence[Text]) -> bool:
        """Embed these; False when their agent has to wait. Raises EmbedderDown when all have to."""
        agent_id, now = batch[0].agent_id, asyncio.get_running_loop().time()
        if agent_id in self._paused:
            return False
        try:
            await self._embed(batch)
        except EmbedderDown as down:
            if not down.agent_id:
                raise
            self._paused[agent_id] = now + min(max(_FIRST_PAUSE_SECONDS, down.retry_after), _LONGEST_PAUSE_SECONDS)
            self._note(down.message)
            return False
        return True

    async def _embed(self, texts: Sequence[Text]) -> None:
        try:
            vectors = await self._embedder.embed([text.text for text in texts], texts[0].agent_id)
        except TextsRefused as refused:
            if len(texts) == 1:
                self._refuse(texts[0], refused)
                return
            for half in (texts[: len(texts) // 2], texts[len(texts) // 2 :]):
                await self._embed(half)
            return
        self._refusals = 0
        kept = {vector.seq for vector in await self._keep(self._embedder, texts, vectors)}
        # What isn't kept is gone, has changed, or is changing: then it is looked at again.
        self.lacks([text.seq for text in texts if text.seq not in kept])

    def _refuse(self, text: Text, refused: TextsRefused) -> None:
        """Leave a text out. Raises EmbedderDown when so many are refused that it isn't because of them."""
        if not self._refused:
            self._refused_until = asyncio.get_running_loop().time() + _REFUSED_SECONDS
        self._refused.add(text.seq)
        self._refusals += 1
        log.warning("a text is not embedded", extra={"agent_id": text.agent_id, "problem": refused.message})
        if self._refusals >= _REFUSALS:
            raise EmbedderDown(refused.message)

    def _note(self, problem: str) -> None:
        if problem and not self.problem:
            log.warning("embeddings are behind", extra={"model": self._embedder.model, "problem": problem})
        elif self.problem and not problem:
            log.info("embeddings have caught up", extra={"model": self._embedder.model})
        self.problem = problem
