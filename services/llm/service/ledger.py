"""The ledger: money is reserved before a provider is asked, and what it cost is counted after it.

What arrives at once goes into one transaction, so many calls at a time wait for one flush of the disk.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from services.llm.domain.budget import (
    BUDGET_LOCK_KEY,
    SUITE,
    Account,
    Amount,
    Attempt,
    AttemptState,
    Budget,
    BudgetState,
    granted,
    scopes,
    worst,
)
from services.llm.domain.errors import PriceUnknown
from services.llm.domain.usage import Bill, Labels, Usage, UsageQuery, UsageRow
from services.llm.ports import Records, Store
from services.runtime.errors import PuppetError
from services.runtime.grouping import Grouping
from services.runtime.idempotency import NO_REQUEST, RequestKey
from services.runtime.ids import new_id
from services.runtime.tidying import in_batches

_MAX_AT_ONCE = 100
_KEPT_DAYS = 400
_GATHERING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is going to be asked, for how many seconds at most, and for whom."""

    labels: Labels
    provider: str
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was granted: which of the amounts, under which id (empty when nothing limits it), how the budgets stand."""

    asking: Asking
    id: str
    choice: int
    state: BudgetState
    is_sent: bool = False
    """Whether it is written down already that its request goes out."""


_Work: TypeAlias = Callable[["_Books"], Awaitable[Reservation]]


class Ledger:
    """Reserves and counts, for every replica on one database."""

    def __init__(self, store: Store, lease_seconds: float) -> None:
        """Take how much longer than its time an attempt may take, until it is held to be dead."""
        self._store = store
        self._lease = timedelta(seconds=lease_seconds)
        self._group: Grouping[_Work, Reservation] = Grouping(self._carry_out, _MAX_AT_ONCE)
        self._settling: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()
        """Set while somebody waits until all is counted."""

    async def reserve(self, asking: Asking, amounts: Sequence[Amount], *, is_sent: bool = False) -> Reservation:
        """Reserve the first of these amounts, the largest first, that the budgets have room for.

        What costs nothing, and what no limit of tokens holds for, isn't written before it is over. What goes out at
        once `is_sent` already. Raises BudgetExhausted.
        """
        if not amounts[0].nanos:
            async with self._store.reading() as records:
                accounts = await _Books(records, await records.now(), self._lease).accounts(asking.labels.agent_id)
            if not any(account.limits(amounts[0]) for account in accounts.values()):
                return Reservation(asking, "", 0, worst(list(accounts.values())))
        joined = asyncio.ensure_future(self._group.join(lambda books: books.reserve(asking, amounts, is_sent=is_sent)))
        try:
            return await asyncio.shield(joined)
        except asyncio.CancelledError:
            # It may be written all the same: then it is taken back.
            joined.add_done_callback(self._take_back)
            raise

    async def sent(self, reservation: Reservation) -> None:
        """Write down that a request goes out now, which may cost something whatever becomes of this process."""
        if reservation.id and not reservation.is_sent:
            await self._group.join(lambda books: books.sent(reservation))

    def settle(self, reservation: Reservation, bill: Bill) -> None:
        """Count what an attempt took, soon; until then what was reserved for it stays so."""
        task = asyncio.create_task(self._settle(reservation, bill))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def settled(self) -> None:
        """Wait until all that this process was told of is counted."""
        self._hurry.set()
        try:
            while self._settling:
                await asyncio.gather(*self._settling, return_exceptions=True)
        finally:
            self._hurry.clear()

    async def release_lapsed(self) -> None:
        """Settle the attempts whose process is gone: what was never sent is free, what was sent counts in full."""
        async with self._store.writing(BUDGET_LOCK_KEY) as records:
            books = _Books(records, await records.now(), self._lease)
            for attempt in await records.lapsed_attempts(books.now):
                await books.end(attempt)
            await books.close()

    async def tidy(self) -> None:
        """Forget attempts of more than a year ago."""

        async def some(limit: int) -> int:
            async with self._store.writing() as records:
                before = (await records.now()).date() - timedelta(days=_KEPT_DAYS)
                number = await records.forget_attempts(before, limit)
                await records.commit()
            return number

        await in_batches(some)

    async def account(self, agent_id: str) -> tuple[Account, datetime]:
        """Return the budget of an agent, or of the suite, as it stands, and the time that it is now."""
        await self.settled()
        async with self._store.reading() as records:
            now = await records.now()
            return (await _Books(records, now, self._lease).accounts(agent_id))[agent_id], now

    async def limit(
        self, agent_id: str, nanos: int | None, tokens: int | None, etag: str = "", key: RequestKey = NO_REQUEST
    ) -> None:
        """Set what an agent, or the suite, may spend in a day; once for a request. Raises Conflict, RequestIdReused."""
        async with self._store.writing(BUDGET_LOCK_KEY) as records:
            if await records.claim(key, agent_id) is not None:
                return
            budget = await records.budget(agent_id) or Budget(agent_id=agent_id)
            budget.set(nanos, tokens, etag)
            await records.save(budget)
            await records.commit()

    async def limit_at_first(self, nanos: int) -> None:
        """Set what the suite may spend in a day, unless somebody has set its budget before."""
        async with self._store.writing(BUDGET_LOCK_KEY) as records:
            if await records.budget(SUITE) is None:
                await records.save(Budget(agent_id=SUITE, nanos_per_day=nanos))
                await records.commit()

    async def usage(self, query: UsageQuery, limit: int) -> Sequence[UsageRow]:
        """Return up to so many rows of what was spent, the dearest first."""
        await self.settled()
        async with self._store.reading() as records:
            return await records.usage(query, limit)

    async def today(self) -> datetime:
        """Return the time by the clock that days are counted by."""
        async with self._store.reading() as records:
            return await records.now()

    async def _settle(self, reservation: Reservation, bill: Bill) -> None:
        if not reservation.id or reservation.state is BudgetState.FINE:
            # Nobody waits for the money that is held for it: it is counted with others, and not in their way.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _GATHERING_SECONDS)
        await self._group.join(lambda books: books.settle(reservation, bill))

    def _take_back(self, joined: "asyncio.Future[Reservation]") -> None:
        if not joined.cancelled() and not joined.exception():
            self.settle(joined.result(), Bill(reason="CANCELLED"))

    async def _carry_out(self, works: Sequence[_Work]) -> Sequence[Reservation | Exception]:
        results: list[Reservation | Exception] = []
        async with self._store.writing(BUDGET_LOCK_KEY) as records:
            books = _Books(records, await records.now(), self._lease)
            for work in works:
                try:
                    results.append(await work(books))
                except PuppetError as error:
                    results.append(error)
            await books.close()
        return results


class _Books:
    """The accounts within one transaction: read once, changed here, written at its end."""

    def __init__(self, records: Records, now: datetime, lease: timedelta) -> None:
        self._records = records
        self.now = now
        self._lease = lease
        self._accounts: dict[tuple[str, date], Account] = {}
        self._attempts: dict[str, Attempt] = {}

    async def accounts(self, agent_id: str, day: date | None = None) -> dict[str, Account]:
        """Return the accounts that a call of an agent counts for, by whose they are."""
        day = day or self.now.astimezone(UTC).date()
        missing = [scope for scope in scopes(agent_id) if (scope, day) not in self._accounts]
        if missing:
            for account in await self._records.accounts(missing, day):
                self._accounts[account.budget.agent_id, day] = account
        return {scope: self._accounts[scope, day] for scope in scopes(agent_id)}

    async def reserve(self, asking: Asking, amounts: Sequence[Amount], *, is_sent: bool) -> Reservation:
        """Reserve the first amount that fits. Raises BudgetExhausted."""
        labels = asking.labels
        accounts = await self.accounts(labels.agent_id)
        if amounts[0].nanos is None and any(each.budget.nanos_per_day is not None for each in accounts.values()):
            raise PriceUnknown(asking.provider, asking.model)
        choice = granted(accounts, labels.agent_id, amounts, self.now)
        for account in accounts.values():
            account.spending.reserve(amounts[choice])
        attempt = self._begun(asking, AttemptState.SENT if is_sent else AttemptState.RESERVED)
        attempt.reserved_nanos, attempt.reserved_tokens = amounts[choice].nanos or 0, amounts[choice].tokens
        return Reservation(asking, attempt.id, choice, worst(list(accounts.values())), is_sent)

    async def sent(self, reservation: Reservation) -> Reservation:
        """Write down that an attempt may cost something from now on."""
        attempt = await self._attempt(reservation.id)
        if attempt.state is AttemptState.RESERVED:
            attempt.state = AttemptState.SENT
        return reservation

    async def settle(self, reservation: Reservation, bill: Bill) -> Reservation:
        """Count a bill in place of what was reserved, or of what was held to be spent."""
        if reservation.id:
            attempt = await self._attempt(reservation.id)
        else:
            attempt = self._begun(reservation.asking, AttemptState.DONE)
        before = Amount(attempt.cost_nanos, attempt.prompt_tokens + attempt.completion_tokens)
        accounts = await self.accounts(attempt.agent_id, attempt.day)
        for account in accounts.values():
            if attempt.state is AttemptState.DONE:
                account.spending.settle(Amount(0, 0), Amount(-(before.nanos or 0), -before.tokens))
                account.spending.settle(Amount(0, 0), Amount(bill.cost_nanos, bill.usage.tokens))
            else:
                account.spending.settle(attempt.reserved, Amount(bill.cost_nanos, bill.usage.tokens))
        attempt.state = AttemptState.DONE
        attempt.cost_nanos, attempt.reason, attempt.is_estimate = bill.cost_nanos, bill.reason, bill.is_estimate
        attempt.prompt_tokens, attempt.completion_tokens = bill.usage.prompt_tokens, bill.usage.completion_tokens
        attempt.cached_tokens, attempt.reasoning_tokens = bill.usage.cached_tokens, bill.usage.reasoning_tokens
        return reservation

    async def end(self, attempt: Attempt) -> None:
        """Settle an attempt of which nobody will tell any more."""
        self._attempts[attempt.id] = attempt
        asking = Asking(Labels(attempt.agent_id), attempt.provider, attempt.model, 0.0)
        bill = Bill(reason="UNAVAILABLE")
        if attempt.state is AttemptState.SENT:
            usage = Usage(prompt_tokens=attempt.reserved_tokens)
            bill = Bill(usage, attempt.reserved_nanos, "UNAVAILABLE", is_estimate=True)
        await self.settle(Reservation(asking, attempt.id, 0, BudgetState.FINE), bill)

    async def close(self) -> None:
        """Write what has changed, and make it durable."""
        await self._records.save(*self._attempts.values(), *(each.spending for each in self._accounts.values()))
        await self._records.commit()

    async def _attempt(self, attempt_id: str) -> Attempt:
        if attempt_id not in self._attempts:
            self._attempts[attempt_id] = await self._records.attempt(attempt_id)
        return self._attempts[attempt_id]

    def _begun(self, asking: Asking, state: AttemptState) -> Attempt:
        labels = asking.labels
        attempt = Attempt(
            id=new_id("att"),
            agent_id=labels.agent_id,
            purpose=labels.purpose,
            workflow=labels.workflow,
            provider=asking.provider,
            model=asking.model,
            day=self.now.astimezone(UTC).date(),
            state=state,
            create_time=self.now,
            lease_time=self.now + timedelta(seconds=asking.seconds) + self._lease,
        )
        self._attempts[attempt.id] = attempt
        return attempt
