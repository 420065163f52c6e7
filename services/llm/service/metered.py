"""A provider whose every attempt is reserved before it, and counted after it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from typing_extensions import override

from services.llm.domain.budget import Amount
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import Failure
from services.llm.domain.generation import Generation, Price, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Bill, Labels, Usage
from services.llm.ports import Bounds, Guarded, Tariff
from services.llm.service.ledger import Asking, Ledger, Reservation
from services.runtime.errors import PuppetError

_SHORTEST = 64
"""A candidate isn't made shorter than this many tokens for want of money."""
_MOST_SIZES = 7


class Metered(Guarded):
    """Reserves the most that a task can take; with little left it asks for less rather than not at all."""

    def __init__(self, provider: Guarded, ledger: Ledger, tariff: Tariff, bounds: Bounds) -> None:
        self._provider = provider
        self._ledger = ledger
        self._tariff = tariff
        self._bounds = bounds
        self.name = provider.name
        self.shows_background = provider.shows_background
        self.price_source = tariff.source

    @override
    def pause(self, agent_id: str) -> Failure | None:
        return self._provider.pause(agent_id)

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        attempt, size = await self._begin(task, seconds)
        try:
            written = await self._provider.generate(size, seconds)
        except BaseException as error:
            await attempt.failed(error)
            raise
        return replace(written, price=await attempt.ended(written.model, written.usage, written.misses_bills))

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        attempt, size = await self._begin(task, seconds)
        try:
            async with aclosing(self._provider.stream(size, seconds)) as parts:
                async for part in parts:
                    if isinstance(part, StreamEnd):
                        part = replace(part, price=await attempt.ended(part.model, part.usage, misses_bills=False))
                    yield part
        except BaseException as error:
            await attempt.failed(error)
            raise

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        most = self._bounds.most_embedding(task)
        attempt = await self._reserve(task.labels, task.model or self._bounds.embedding_model, [most], seconds)
        try:
            made = await self._provider.embed(replace(task, before_sending=attempt.sending), seconds)
        except BaseException as error:
            await attempt.failed(error)
            raise
        return replace(made, price=await attempt.ended(made.model, made.usage, misses_bills=False))

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        return await self._provider.models(seconds)

    async def _begin(self, task: Task, seconds: float) -> tuple["_Attempt", Task]:
        """Return the attempt, and the task in the size that there is room for."""
        sizes = smaller(task, self._bounds.max_tokens)
        most = [self._bounds.most(size) for size in sizes]
        attempt = await self._reserve(task.labels, task.model or self._bounds.model, most, seconds)
        return attempt, replace(sizes[attempt.choice], before_sending=attempt.sending)

    async def _reserve(self, labels: Labels, model: str, most: Sequence[Usage], seconds: float) -> "_Attempt":
        amounts = [Amount(await self._tariff.cost(model, usage), usage.tokens) for usage in most]
        asking = Asking(labels, self.name, model, min(seconds, self._bounds.timeout_seconds))
        reservation = await self._ledger.reserve(asking, amounts)
        return _Attempt(most[reservation.choice], reservation, self._ledger, self._tariff)


class _Attempt:
    """One asking of a provider; its bill is told once."""

    def __init__(self, most: Usage, reservation: Reservation, ledger: Ledger, tariff: Tariff) -> None:
        self.choice = reservation.choice
        self._most = most
        self._reservation = reservation
        self._ledger = ledger
        self._tariff = tariff
        self._is_sent = self._is_told = False

    async def ended(self, model: str, usage: Usage, misses_bills: bool) -> Price:
        """Tell what it took. A server that doesn't say it, of what costs something, may have taken all."""
        name = self._reservation.asking.model or model
        cost = await self._tariff.cost(name, usage)
        is_estimate = misses_bills or not usage.prompt_tokens
        if is_estimate and await self._tariff.cost(name, self._most):
            usage, cost = self._most, await self._tariff.cost(name, self._most)
        else:
            is_estimate = False
        self._tell(Bill(usage, cost, is_estimate=is_estimate))
        return Price(cost, self._reservation.state)

    async def failed(self, error: BaseException) -> None:
        """Tell that it failed: what was sent and has no answer may have cost all that was reserved."""
        reason = error.reason if isinstance(error, PuppetError) else "CANCELLED"
        cost = await self._tariff.cost(self._reservation.asking.model, self._most)
        if self._is_sent and getattr(error, "may_be_billed", True) and cost:
            self._tell(Bill(self._most, cost, reason, is_estimate=True))
        else:
            self._tell(Bill(reason=reason))

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
    while limit // 2 >= _SHORTEST and not task.json_schema and len(sizes) < _MOST_SIZES:
        limit //= 2
        sizes.append(replace(sizes[-1], sampling=replace(task.sampling, max_tokens=limit)))
    return sizes
