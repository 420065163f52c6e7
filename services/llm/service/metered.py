"""A provider whose every attempt is reserved before it, and counted after it."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from typing_extensions import override

from services.llm.domain.budget import Amount
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import Billed
from services.llm.domain.generation import Generation, Price, StreamEnd
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Bill, Need, Usage
from services.llm.ports import Bounds, Guarded, Tariff
from services.llm.service.decorator import Decorator
from services.llm.service.ledger import Asking, Ledger, Reservation
from services.runtime.errors import PuppetError

_SHORTEST = 64
"""A candidate isn't made shorter than this many tokens for want of money."""
_MAX_SIZES = 7


class Metered(Decorator):
    """Reserves the most that a task can take; with little left it asks for less rather than not at all."""

    def __init__(self, provider: Guarded, ledger: Ledger, tariff: Tariff, bounds: Bounds) -> None:
        super().__init__(provider)
        self._ledger = ledger
        self._tariff = tariff
        self._bounds = bounds
        self.price_source = tariff.source
        self._calls = 0
        """How many calls are under way, or about to be."""

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        sizes = smaller(task, self._bounds.max_tokens)
        async with self._attempt(task, self._bounds.model, self._needs(sizes), seconds) as attempt:
            size = replace(sizes[attempt.choice], before_sending=attempt.sending)
            written = await self._provider.generate(size, seconds)
            price = await attempt.ended(written.model, written.usage, written.misses_bills)
        return replace(written, price=price)

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        sizes = smaller(task, self._bounds.max_tokens)
        async with self._attempt(task, self._bounds.model, self._needs(sizes), seconds) as attempt:
            size = replace(sizes[attempt.choice], before_sending=attempt.sending)
            async with aclosing(self._provider.stream(size, seconds)) as parts:
                async for part in parts:
                    if isinstance(part, StreamEnd):
                        part = replace(part, price=await attempt.ended(part.model, part.usage, misses_bills=False))
                    yield part

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        needs = [self._bounds.need_of_vectors(task)]
        async with self._attempt(task, self._bounds.embedding_model, needs, seconds) as attempt:
            made = await self._provider.embed(replace(task, before_sending=attempt.sending), seconds)
            price = await attempt.ended(made.model, made.usage, misses_bills=False)
        return replace(made, price=price)

    def _needs(self, sizes: Sequence[Task]) -> list[Need]:
        return [self._bounds.need(size) for size in sizes]

    @asynccontextmanager
    async def _attempt(
        self, task: Task | EmbedTask, model: str, needs: Sequence[Need], seconds: float
    ) -> AsyncIterator["_Attempt"]:
        """Hold the first of these needs that there is room for until the block ends, and tell how it ended.

        What finds a free slot is written down as sent at once: another transaction would say that it goes out now.
        """
        model = task.model or model
        amounts = [Amount(await self._tariff.cost(model, need.usage), need.usage.tokens) for need in needs]
        asking = Asking(task.labels, self.name, model, min(seconds, self._bounds.timeout_seconds))
        goes_out = self._calls < self._bounds.concurrency
        self._calls += needs[0].calls
        try:
            reservation = await self._ledger.reserve(asking, amounts, is_sent=goes_out)
            attempt = _Attempt(needs[reservation.choice].usage, reservation, self._ledger, self._tariff)
            try:
                yield attempt
            except BaseException as error:
                await attempt.failed(error)
                raise
        finally:
            self._calls -= needs[0].calls


class _Attempt:
    """One asking of a provider; its bill is told once."""

    def __init__(self, limit: Usage, reservation: Reservation, ledger: Ledger, tariff: Tariff) -> None:
        self.choice = reservation.choice
        self._limit = limit
        self._reservation = reservation
        self._ledger = ledger
        self._tariff = tariff
        self._is_sent = self._is_told = False

    async def ended(self, model: str, usage: Usage, misses_bills: bool) -> Price:
        """Tell what it took. A server that doesn't say it, of what costs something, may have taken all."""
        name = self._reservation.asking.model or model
        cost = await self._tariff.cost(name, usage)
        is_estimate = misses_bills or not usage.prompt_tokens
        if is_estimate and await self._tariff.cost(name, self._limit):
            usage, cost = self._limit, await self._tariff.cost(name, self._limit)
        else:
            is_estimate = False
        self._tell(Bill(usage, cost, is_estimate=is_estimate))
        return Price(cost, self._reservation.state)

    async def failed(self, error: BaseException) -> None:
        """Tell that it failed: what was sent and has no answer may have cost all that was reserved."""
        reason = error.reason if isinstance(error, PuppetError) else "CANCELLED"
        cost = await self._tariff.cost(self._reservation.asking.model, self._limit)
        bill = Bill(reason=reason)
        if self._is_sent and getattr(error, "may_be_billed", True) and cost:
            bill = Bill(self._limit, cost, reason, is_estimate=True)
        if isinstance(error, Billed):
            error.cost_nanos = bill.cost_nanos
        self._tell(bill)

    async def sending(self) -> None:
        """Tell that its request goes out now."""
        if not self._is_sent:
            await self._ledger.sent(self._reservation)
            self._is_sent = True

    def _tell(self, bill: Bill) -> None:
        if not self._is_told:
            self._is_told = True
            self._ledger.settle(self._reservation, bill)


def smaller(task: Task, max_tokens: int) -> list[Task]:
    """Return a task, then what can be asked for in its place: fewer candidates, then shorter ones as well."""
    sizes, count, limit = [task], task.candidate_count, task.sampling.max_tokens or max_tokens
    while count > 1:
        count //= 2
        sizes.append(replace(task, candidate_count=count))
    # JSON that is cut is none.
    while limit // 2 >= _SHORTEST and not task.json_schema and len(sizes) < _MAX_SIZES:
        limit //= 2
        sizes.append(replace(sizes[-1], sampling=replace(task.sampling, max_tokens=limit)))
    return sizes
