"""When a provider is left alone: calls don't wait for what fails, and don't hammer it. Times are in seconds."""

from collections import OrderedDict

from services.llm.domain.errors import Failure, ProviderRateLimited, ProviderRefused, ProviderUnavailable

_IN_A_ROW = 3
_REFUSING_SECONDS = 30.0
_MOST_CALLERS = 1_000


class Breaker:
    """Opens for as long as a provider says, or after three failures in a row; then the provider is asked again."""

    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._in_a_row = 0
        self._until = 0.0

    def failed(self, failure: Failure, now: float) -> None:
        """Take down a failure, and open when the next call would fail as well."""
        self._failure = failure
        self._in_a_row += 1
        self._until = now + self._pause(failure)

    def failure(self, now: float) -> Failure | None:
        """Return the failure for which nothing is asked now, and None when it is closed.

        What was refused is Unavailable until then, unless the provider would refuse everything.
        """
        if self._failure is None or now >= self._until:
            return None
        if isinstance(self._failure, ProviderRefused) and not self._failure.pause:
            return ProviderUnavailable(self._failure.provider, self._failure.why, self._until - now)
        return self._failure

    def _pause(self, failure: Failure) -> float:
        if isinstance(failure, ProviderRateLimited):
            return failure.retry_after
        if isinstance(failure, ProviderRefused) and failure.pause:
            return failure.pause
        if self._in_a_row < _IN_A_ROW:
            return 0.0
        return _REFUSING_SECONDS if isinstance(failure, ProviderRefused) else failure.retry_after


class Breakers:
    """A breaker for each provider, and one for each agent at it.

    A refusal of one request says nothing of the provider: it may be what somebody made a character say.
    So it counts for this character alone, and for nobody when the call is for none.
    """

    def __init__(self) -> None:
        self._breakers: OrderedDict[tuple[str, str | None], Breaker] = OrderedDict()
        """By provider and agent; None is everybody."""

    def failure(self, provider: str, agent_id: str, now: float) -> Failure | None:
        """Return the failure for which a provider isn't asked for an agent now; None when it may be asked."""
        found = (self._breakers.get(key) for key in ((provider, None), (provider, agent_id)))
        return next((failure for breaker in found if breaker and (failure := breaker.failure(now))), None)

    def failed(self, provider: str, agent_id: str, failure: Failure, now: float) -> None:
        """Take down a failure of a call for an agent."""
        is_for_all = not isinstance(failure, ProviderRefused) or bool(failure.pause)
        if not (is_for_all or agent_id):
            return
        key = (provider, None if is_for_all else agent_id)
        self._breakers.setdefault(key, Breaker()).failed(failure, now)
        self._breakers.move_to_end(key)
        while len(self._breakers) > _MOST_CALLERS:
            self._breakers.popitem(last=False)

    def succeeded(self, provider: str, agent_id: str) -> None:
        """Close both."""
        self._breakers.pop((provider, None), None)
        self._breakers.pop((provider, agent_id), None)
