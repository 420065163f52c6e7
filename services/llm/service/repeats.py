"""Requests that are repeated by their id: what was answered is paid for once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from services.llm.domain.answers import Answer
from services.llm.ports import Store
from services.runtime.errors import RequestIdReused
from services.runtime.grouping import Grouping
from services.runtime.idempotency import RequestKey
from services.runtime.tidying import in_batches

log = logging.getLogger(__name__)

_MAX_AT_ONCE = 100


class Repeats:
    """Gives a repeated request the answer that is kept, or the one that is being written in this process."""

    def __init__(self, store: Store, kept: timedelta) -> None:
        """Take how long answers are kept."""
        self._store = store
        self._kept = kept
        self._under_way: dict[RequestKey, _UnderWay] = {}
        self._group: Grouping[Answer, None] = Grouping(self._save, _MAX_AT_ONCE)

    async def answer(self, key: RequestKey, write: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return what the request was answered, or have it written; a failure isn't kept. Raises RequestIdReused."""
        name = RequestKey(key.principal, key.method, key.request_id, "")
        under_way = self._under_way.get(name)
        if under_way is None:
            under_way = self._under_way[name] = _UnderWay(key, asyncio.create_task(self._answered(key, write)))
        try:
            return await under_way.answer(key)
        finally:
            # Who comes after the last one that waits has it written anew, or finds what was kept.
            if not under_way.waiting and self._under_way.get(name) is under_way:
                del self._under_way[name]

    async def tidy(self) -> None:
        """Delete the answers that are too old."""

        async def some(limit: int) -> int:
            async with self._store.writing() as records:
                number = await records.forget_answers(await records.now() - self._kept, limit)
                await records.commit()
            return number

        await in_batches(some)

    async def _answered(self, key: RequestKey, write: Callable[[], Awaitable[bytes]]) -> bytes:
        async with self._store.reading() as records:
            now = await records.now()
            kept = await records.answer_of(key)
        if kept is not None and kept.create_time > now - self._kept:
            if kept.fingerprint != key.fingerprint:
                raise RequestIdReused(key.request_id)
            return kept.body
        body = await write()
        if not self._kept:
            return body
        try:
            await self._group.join(
                Answer(
                    principal=key.principal,
                    method=key.method,
                    request_id=key.request_id,
                    fingerprint=key.fingerprint,
                    body=body,
                    create_time=now,
                )
            )
        except Exception:
            # It is paid for: who asked for it gets it all the same.
            log.exception("an answer can't be kept")
        return body

    async def _save(self, answers: Sequence[Answer]) -> Sequence[None]:
        async with self._store.writing() as records:
            await records.keep_answers(answers)
            await records.commit()
        return [None] * len(answers)


class _UnderWay:
    """A request that is being answered, for as long as somebody waits for that."""

    def __init__(self, key: RequestKey, task: asyncio.Task[bytes]) -> None:
        self._key = key
        self._task = task
        self.waiting = 0

    async def answer(self, key: RequestKey) -> bytes:
        """Return the answer. Raises RequestIdReused to who asks something else."""
        if key != self._key:
            raise RequestIdReused(key.request_id)
        self.waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self._task.done():
                self._task.cancel()
                await asyncio.wait({self._task})
