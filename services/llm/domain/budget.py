"""Budgets: what an agent, and the suite, may spend in a day (UTC), and what calls under way hold in reserve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlmodel import BigInteger, Date, DateTime, Field, SQLModel

from services.llm.domain.errors import BudgetExhausted
from services.runtime import errors
from services.runtime.columns import text_of

SUITE = ""
"""What stands in place of an agent for the suite as a whole."""

BUDGET_LOCK_KEY = "budgets"
"""The lock under which all money is reserved and counted: each call counts for the suite too."""

_LOW_TENTHS = 8
_SHORTLY = 1.0
"""When to come back if only what others hold in reserve is in the way, in seconds."""


class BudgetState(StrEnum):
    """How much of a budget is left, the worst last."""

    FINE = "fine"
    LOW = "low"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in nano-dollars and tokens; money that isn't known is None."""

    nanos: int | None
    tokens: int


class Budget(SQLModel, table=True):
    """The limits of an agent, or of the suite; None is no limit."""

    agent_id: str = Field(primary_key=True)
    nanos_per_day: int | None = Field(default=None, sa_type=BigInteger)
    tokens_per_day: int | None = Field(default=None, sa_type=BigInteger)
    version: int = 0

    @property
    def etag(self) -> str:
        """Names the limits as they are."""
        return str(self.version)

    def set(self, nanos_per_day: int | None, tokens_per_day: int | None, etag: str) -> None:
        """Set the limits. Raises Conflict when an etag is given and isn't the current one."""
        if etag and etag != self.etag:
            raise errors.Conflict(f"the budget of {self.agent_id or 'the suite'} has changed since", etag=self.etag)
        if (nanos_per_day, tokens_per_day) != (self.nanos_per_day, self.tokens_per_day):
            self.nanos_per_day, self.tokens_per_day = nanos_per_day, tokens_per_day
            self.version += 1


class Spending(SQLModel, table=True):
    """What was spent on a day, and what calls under way may take of it at most."""

    agent_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True, sa_type=Date)
    spent_nanos: int = Field(default=0, sa_type=BigInteger)
    spent_tokens: int = Field(default=0, sa_type=BigInteger)
    reserved_nanos: int = Field(default=0, sa_type=BigInteger)
    reserved_tokens: int = Field(default=0, sa_type=BigInteger)

    def reserve(self, amount: Amount) -> None:
        """Hold this back."""
        self.reserved_nanos += amount.nanos or 0
        self.reserved_tokens += amount.tokens

    def settle(self, reserved: Amount, spent: Amount) -> None:
        """Count what was spent in place of what was held back for it."""
        self.reserved_nanos -= reserved.nanos or 0
        self.reserved_tokens -= reserved.tokens
        self.spent_nanos += spent.nanos or 0
        self.spent_tokens += spent.tokens


class AttemptState(StrEnum):
    """How far an attempt is. RESERVED: nothing was sent. SENT: it may cost. DONE: its bill is known, or settled."""

    RESERVED = "reserved"
    SENT = "sent"
    DONE = "done"


class Attempt(SQLModel, table=True):
    """One asking of a provider: what was reserved for it, and what it took."""

    id: str = Field(primary_key=True)
    agent_id: str
    purpose: str
    workflow: str
    provider: str
    model: str
    day: date = Field(sa_type=Date)
    state: AttemptState = Field(sa_type=text_of(AttemptState))
    reserved_nanos: int = Field(default=0, sa_type=BigInteger)
    reserved_tokens: int = Field(default=0, sa_type=BigInteger)
    cost_nanos: int | None = Field(default=None, sa_type=BigInteger)
    prompt_tokens: int = Field(default=0, sa_type=BigInteger)
    completion_tokens: int = Field(default=0, sa_type=BigInteger)
    cached_tokens: int = Field(default=0, sa_type=BigInteger)
    reasoning_tokens: int = Field(default=0, sa_type=BigInteger)
    reason: str = ""
    is_estimate: bool = False
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    lease_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When it is taken for dead, unless it is DONE."""

    @property
    def reserved(self) -> Amount:
        """What is held back for it."""
        return Amount(self.reserved_nanos, self.reserved_tokens)


@dataclass(frozen=True, slots=True)
class Account:
    """A budget with what is spent of it on a day."""

    budget: Budget
    spending: Spending

    @property
    def state(self) -> BudgetState:
        """How much is left."""
        spent = self.spending
        pairs = ((self.budget.nanos_per_day, spent.spent_nanos), (self.budget.tokens_per_day, spent.spent_tokens))
        limited = [(limit, used) for limit, used in pairs if limit is not None]
        if any(used >= limit for limit, used in limited):
            return BudgetState.OUT
        is_low = any(used * 10 >= limit * _LOW_TENTHS for limit, used in limited)
        return BudgetState.LOW if is_low else BudgetState.FINE

    def limits(self, amount: Amount) -> bool:
        """Say whether a call that takes this is limited by it: one that costs nothing isn't, by dollars."""
        return self.budget.tokens_per_day is not None or (self.budget.nanos_per_day is not None and amount.nanos != 0)

    def check(self, amount: Amount, now: datetime) -> None:
        """Raise BudgetExhausted when this doesn't fit into what is left."""
        spent, turn = self.spending, (next_day(now) - now).total_seconds()
        nanos, tokens = self.budget.nanos_per_day, self.budget.tokens_per_day
        wanted = amount.nanos or 0
        if nanos is not None and wanted and spent.spent_nanos + spent.reserved_nanos + wanted > nanos:
            raise self._exhausted("dollars", turn if spent.spent_nanos + wanted > nanos else _SHORTLY)
        if tokens is not None and spent.spent_tokens + spent.reserved_tokens + amount.tokens > tokens:
            raise self._exhausted("tokens", turn if spent.spent_tokens + amount.tokens > tokens else _SHORTLY)

    def _exhausted(self, unit: str, retry_after: float) -> BudgetExhausted:
        return BudgetExhausted(self.budget.agent_id, unit, retry_after)


def worst(accounts: Sequence[Account]) -> BudgetState:
    """Return the state of the budget that has the least left."""
    order = list(BudgetState)
    return max((account.state for account in accounts), key=order.index, default=BudgetState.FINE)


def scopes(agent_id: str) -> tuple[str, ...]:
    """Return whose budgets a call of an agent counts for."""
    return (SUITE, agent_id) if agent_id else (SUITE,)


def next_day(now: datetime) -> datetime:
    """Return when the day turns, in UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def granted(accounts: Mapping[str, Account], agent_id: str, amounts: Sequence[Amount], now: datetime) -> int:
    """Return which of these amounts, the largest first, is the first that fits into all budgets of a call.

    Raises BudgetExhausted, as for the last of them, when none does.
    """
    for number, amount in enumerate(amounts):
        try:
            for scope in scopes(agent_id):
                accounts[scope].check(amount, now)
        except BudgetExhausted:
            if number == len(amounts) - 1:
                raise
        else:
            return number
    raise ValueError("there is nothing to choose from")
