"""A provider whose answers to identical requests are kept, where they would be the same again. In memory alone."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace

from typing_extensions import override

from services.llm.domain.generation import FinishReason, Generation, Price
from services.llm.domain.prompt import Task
from services.llm.domain.usage import NOBODY, Usage
from services.llm.ports import Guarded
from services.llm.service.decorator import Decorator

_BESIDE_TEXT = 500
"""The bytes of an entry beside its texts, about."""


@dataclass(frozen=True, slots=True)
class _Entry:
    written: Generation
    size: int
    until: float


class Cached(Decorator):
    """Keeps what was asked with a seed or without chance, for the agent that asked; a hit costs nothing."""

    def __init__(self, provider: Guarded, most_bytes: int, seconds: float) -> None:
        """Take how much is kept, and for how long."""
        super().__init__(provider)
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        if not task.is_deterministic:
            return await self._provider.generate(task, seconds)
        key, now = _key(task), asyncio.get_running_loop().time()
        found = self._entries.get(key)
        if found is not None and now < found.until:
            self._entries.move_to_end(key)
            return found.written
        written = await self._provider.generate(task, seconds)
        if _is_whole(task, written):
            self._keep(key, replace(written, usage=Usage(), price=Price(0), is_cached=True), now + self._seconds)
        return written

    def _keep(self, key: bytes, written: Generation, until: float) -> None:
        size = _BESIDE_TEXT + sum(len(candidate.text.encode()) for candidate in written.candidates)
        self._drop(key)
        self._entries[key] = _Entry(written, size, until)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        if dropped := self._entries.pop(key, None):
            self._bytes -= dropped.size


def _key(task: Task) -> bytes:
    # An agent isn't shown that another has asked the same.
    asked = replace(task, labels=replace(NOBODY, agent_id=task.labels.agent_id))
    return hashlib.sha256(repr(asked).encode(errors="surrogatepass")).digest()


def _is_whole(task: Task, written: Generation) -> bool:
    """Say whether all came that was asked for, and nothing of it is cut, withheld or empty."""
    is_all = len(written.candidates) == task.candidate_count
    return is_all and all(candidate.finish_reason is FinishReason.STOP for candidate in written.candidates)
