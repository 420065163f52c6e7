"""What the llm service needs from outside."""

from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime
from typing import Protocol, TypeAlias

from services.llm.domain.answers import Answer
from services.llm.domain.budget import Account, Attempt, Budget, Spending
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import Failure
from services.llm.domain.fitting import Misfit
from services.llm.domain.generation import Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Need, Usage, UsageQuery, UsageRow
from services.runtime import unit_of_work
from services.runtime.idempotency import RequestKey
from services.runtime.unit_of_work import UnitOfWork


class Provider(Protocol):
    """Runs models.

    Every method raises ProviderRefused, ProviderRateLimited or ProviderUnavailable, and nothing else; what is counted
    raises BudgetExhausted too.
    """

    name: str
    """The name under which it is configured."""
    shows_background: bool
    """Whether the background and the conversation of a prompt are shown."""

    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates within this time."""
        ...

    def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        """Write one candidate, piece by piece, each at most `seconds` after the one before; StreamEnd comes last.

        The pieces are not empty, and joined have no white space at their ends.
        """
        ...

    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        """Make vectors of the texts within this time."""
        ...

    async def models(self, seconds: float) -> Sequence[Model]:
        """List the models that it offers now, within this time."""
        ...


class Guarded(Provider, Protocol):
    """A provider of which it is known when it isn't worth asking."""

    price_source: str
    """Where its prices come from; empty when it costs nothing."""

    def pause(self, agent_id: str) -> Failure | None:
        """Return the failure for which it isn't asked for an agent now; None when it may be asked."""
        ...


class Schema(Protocol):
    """A JSON Schema."""

    async def misfit(self, text: str) -> Misfit | None:
        """Return what is wrong with a text; None when it is JSON that fits."""
        ...


class Schemas(Protocol):
    """Reads JSON Schemas."""

    async def load(self, text: str) -> Schema:
        """Return the schema that a text is. Raises InvalidRequest when it is none, or refers to something outside."""
        ...


class Tariff(Protocol):
    """What a provider's models cost."""

    source: str
    """Where its prices come from; empty when it costs nothing."""

    async def cost(self, model: str, usage: Usage) -> int | None:
        """Return what this costs, in nano-dollars, rounded up; None when that isn't known."""
        ...


class Bounds(Protocol):
    """What a provider may take at most."""

    max_tokens: int
    """How long a candidate may get when a task doesn't say."""
    model: str
    """The model for tasks that name none; empty: the server's own."""
    embedding_model: str
    """The model that makes vectors for tasks that name none."""
    timeout_seconds: float
    """How long it is given at most."""
    concurrency: int
    """How many calls it gets at once."""

    def need(self, task: Task) -> Need:
        """Return the most that a task can take."""
        ...

    def need_of_vectors(self, task: EmbedTask) -> Need:
        """Return the most that vectors can take."""
        ...


class Records(UnitOfWork, Protocol):
    """Budgets, what was spent, the attempts that took it, and the answers that are kept for a while."""

    async def now(self) -> datetime:
        """Return the time by the database's clock, which all replicas share."""
        ...

    async def budget(self, agent_id: str) -> Budget | None:
        """Return the limits of an agent, or of the suite."""
        ...

    async def accounts(self, scopes: Sequence[str], day: date) -> list[Account]:
        """Return the accounts of these agents on a day, with new rows for those without."""
        ...

    async def attempt(self, attempt_id: str) -> Attempt:
        """Return an attempt. Raises LookupError when there is none."""
        ...

    async def lapsed_attempts(self, now: datetime) -> Sequence[Attempt]:
        """Return the attempts that aren't done, and whose lease has ended."""
        ...

    async def usage(self, query: UsageQuery, limit: int) -> list[UsageRow]:
        """Return up to so many rows of what was spent, the dearest first."""
        ...

    async def forget_attempts(self, before: date, limit: int) -> int:
        """Forget up to `limit` attempts, and days, of before this day; the value says how many attempts."""
        ...

    async def answer_of(self, key: RequestKey) -> Answer | None:
        """Return what is kept of a request's answer, whatever its body was and however old it is."""
        ...

    async def keep_answers(self, answers: Sequence[Answer]) -> None:
        """Keep answers, in place of what was kept for the same requests."""
        ...

    async def forget_answers(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` answers of before this time; the value says how many."""
        ...

    async def save(self, *rows: Budget | Spending | Attempt) -> None:
        """Add rows, or write their changes."""
        ...


Store: TypeAlias = unit_of_work.Store[Records]
