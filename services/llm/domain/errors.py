"""What a caller of the llm service may be refused with, and what a provider may fail with."""

from collections.abc import Sequence
from typing import TypeAlias

from services.runtime import errors


class ProviderNotFound(errors.NotFound):
    """No configured provider goes by this name."""

    reason = "PROVIDER_NOT_FOUND"

    def __init__(self, provider: str) -> None:
        super().__init__(f"no provider {provider!r} is configured", provider=provider)


class Billed:
    """What may have cost something though it failed."""

    cost_nanos: int | None = 0
    """What it was billed at in nano-dollars, an estimate where that isn't told; None when a price isn't known."""


class ProviderRefused(Billed, errors.WrongState):
    """The provider refused the request: its key, its account, its model or a field."""

    reason = "PROVIDER_REFUSED"
    may_be_billed = False
    """Whether it may cost something that isn't known: the request went out, and what came of it isn't seen."""

    def __init__(self, provider: str, why: str, pause: float = 0.0) -> None:
        """Take for how many seconds it would refuse whatever is asked; 0 when it may have been this request alone."""
        super().__init__(f"{provider}: {why}", provider=provider)
        self.provider, self.why, self.pause = provider, why, pause


class ProviderRateLimited(Billed, errors.Exhausted):
    """The provider's rate limit is reached."""

    reason = "PROVIDER_RATE_LIMITED"
    may_be_billed = False

    def __init__(self, provider: str, retry_after: float) -> None:
        super().__init__(f"{provider}: its rate limit is reached", retry_after, provider, provider=provider)


class ProviderUnavailable(Billed, errors.Unavailable):
    """The provider did not answer, or its answer was none: the next in the order of fallback may."""

    reason = "PROVIDER_UNAVAILABLE"

    def __init__(self, provider: str, why: str, retry_after: float = 5.0, *, may_be_billed: bool = False) -> None:
        super().__init__(f"{provider}: {why}", retry_after, provider=provider)
        self.provider, self.why, self.may_be_billed = provider, why, may_be_billed


class SchemaMismatch(ProviderRefused):
    """The provider wrote, and was paid for it, but nothing that fits the schema."""

    reason = "SCHEMA_MISMATCH"

    def __init__(self, provider: str, why: str, cost_nanos: int | None) -> None:
        """Take what all that was written cost."""
        text = f"wrote nothing that fits the json_schema ({why}): does the model know schemas, is max_tokens enough?"
        super().__init__(provider, text)
        self.cost_nanos = cost_nanos


class PriceUnknown(ProviderRefused):
    """A budget in dollars holds for the call, and what the model costs isn't known."""

    def __init__(self, provider: str, model: str) -> None:
        variable = f"PUPPET_LLM_{provider.upper()}_USD_PER_MILLION"
        super().__init__(provider, f"what {model or 'its model'} costs isn't known, and a budget asks: set {variable}")


class BudgetExhausted(Billed, errors.Exhausted):
    """The day's budget of an agent, or of the suite, has no room for the call."""

    reason = "BUDGET_EXHAUSTED"

    def __init__(self, agent_id: str, unit: str, retry_after: float) -> None:
        whose = agent_id or "the suite"
        text = f"the day's budget of {whose} has not enough {unit} left for this call"
        super().__init__(text, retry_after, f"budget of {whose}", agent_id=agent_id, unit=unit)


Failure: TypeAlias = ProviderRefused | ProviderRateLimited | ProviderUnavailable | BudgetExhausted


class NoProviderAvailable(errors.Unavailable):
    """None of the providers in the order of fallback answered."""

    reason = "PROVIDER_UNAVAILABLE"

    def __init__(self, failures: Sequence[Failure]) -> None:
        waits = [failure.retry_after for failure in failures if not isinstance(failure, ProviderRefused)]
        super().__init__("no provider answered: " + "; ".join(failure.message for failure in failures), min(waits))


class AllProvidersRefused(errors.WrongState):
    """Each of the providers in the order of fallback refused the request."""

    reason = "PROVIDER_REFUSED"

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("; ".join(failure.message for failure in failures))


def failed(failures: Sequence[Failure]) -> errors.PuppetError:
    """Return what to tell the caller when none of the providers wrote: one refusal as it is, several as one error."""
    match failures:
        case [ProviderRefused() | ProviderRateLimited() | BudgetExhausted() as only]:
            return only
    exhausted = [failure for failure in failures if isinstance(failure, BudgetExhausted)]
    if exhausted and all(isinstance(failure, BudgetExhausted | ProviderRefused) for failure in failures):
        return min(exhausted, key=lambda failure: failure.retry_after)
    if failures and all(isinstance(failure, SchemaMismatch) for failure in failures):
        return failures[-1]
    if all(isinstance(failure, ProviderRefused) for failure in failures):
        return AllProvidersRefused(failures)
    return NoProviderAvailable(failures)
