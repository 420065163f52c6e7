"""What a caller of the llm service may be refused with, and what a provider may fail with."""

from collections.abc import Sequence
from typing import TypeAlias

from services.runtime import errors


class ProviderNotFound(errors.NotFound):
    """No configured provider goes by this name."""

    reason = "PROVIDER_NOT_FOUND"

    def __init__(self, provider: str) -> None:
        super().__init__(f"no provider {provider!r} is configured", provider=provider)


class ProviderRefused(errors.WrongState):
    """The provider refused the request: its key, its account, its model or a field."""

    reason = "PROVIDER_REFUSED"

    def __init__(self, provider: str, why: str, pause: float = 0.0) -> None:
        """Take for how many seconds it would refuse whatever is asked; 0 when it may have been this request alone."""
        super().__init__(f"{provider}: {why}", provider=provider)
        self.provider, self.why, self.pause = provider, why, pause


class ProviderRateLimited(errors.Exhausted):
    """The provider's rate limit is reached."""

    reason = "PROVIDER_RATE_LIMITED"

    def __init__(self, provider: str, retry_after: float) -> None:
        super().__init__(f"{provider}: its rate limit is reached", retry_after, provider, provider=provider)


class ProviderUnavailable(errors.Unavailable):
    """The provider did not answer, or its answer was none: the next in the order of fallback may."""

    reason = "PROVIDER_UNAVAILABLE"

    def __init__(self, provider: str, why: str, retry_after: float = 5.0) -> None:
        super().__init__(f"{provider}: {why}", retry_after, provider=provider)


Failure: TypeAlias = ProviderRefused | ProviderRateLimited | ProviderUnavailable


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
        case [ProviderRefused() | ProviderRateLimited() as only]:
            return only
    if all(isinstance(failure, ProviderRefused) for failure in failures):
        return AllProvidersRefused(failures)
    return NoProviderAvailable(failures)
