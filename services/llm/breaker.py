"""When a provider is left alone for a while, so that calls don't wait for what fails, or hammer it."""

from services.llm.domain import Failure, ProviderRateLimited, ProviderRefused

_IN_A_ROW = 3
_REFUSING_SECONDS = 30.0


class Breaker:
    """Opens for as long as a provider says, or after three failures in a row; then the provider is asked again."""

    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._in_a_row = 0
        self._until = 0.0

    def succeeded(self) -> None:
        """Close it."""
        self._failure, self._in_a_row, self._until = None, 0, 0.0

    def failed(self, failure: Failure, now: float) -> None:
        """Take down a failure, and open when the next call would fail as well."""
        self._failure = failure
        self._in_a_row += 1
        self._until = now + self._pause(failure)

    def failure(self, now: float) -> Failure | None:
        """Return the failure for which the provider is left alone now; None when it may be asked."""
        return self._failure if now < self._until else None

    def _pause(self, failure: Failure) -> float:
        if isinstance(failure, ProviderRateLimited):
            return failure.retry_after
        if isinstance(failure, ProviderRefused) and failure.pause:
            return failure.pause
        if self._in_a_row < _IN_A_ROW:
            return 0.0
        return _REFUSING_SECONDS if isinstance(failure, ProviderRefused) else failure.retry_after
