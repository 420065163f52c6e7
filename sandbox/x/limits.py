"""The rate limits of the X API, in windows of 15 minutes, and the count of calls against them."""

import time
from dataclasses import dataclass

from sandbox.x.database import Clock
from sandbox.x.oauth import Caller

WINDOW_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Limit:
    """Calls per window: for one user, and for one app with a bearer token (None where a user has to act)."""

    user: int
    app: int | None = None


LIMITS = {
    "POST /2/tweets": Limit(100),
    "DELETE /2/tweets/{id}": Limit(50),
    "GET /2/tweets": Limit(900, 450),
    "GET /2/tweets/{id}": Limit(900, 450),
    "GET /2/tweets/search/recent": Limit(300, 450),
    "GET /2/users/me": Limit(75),
    "GET /2/users/{id}": Limit(900, 300),
    "GET /2/users/by": Limit(900, 300),
    "GET /2/users/by/username/{username}": Limit(900, 300),
    "GET /2/users/{id}/tweets": Limit(900, 1500),
    "GET /2/users/{id}/mentions": Limit(300, 450),
    "POST /2/users/{id}/likes": Limit(50),
    "DELETE /2/users/{id}/likes/{tweet_id}": Limit(50),
    "POST /2/users/{id}/retweets": Limit(50),
    "DELETE /2/users/{id}/retweets/{tweet_id}": Limit(50),
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left on one endpoint; `reset` is in seconds since 1970."""

    limit: int
    remaining: int
    reset: int
    refused: bool

    def headers(self) -> dict[str, str]:
        """Return the headers that show it."""
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.remaining),
            "x-rate-limit-reset": str(self.reset),
        }


class Limiter:
    """Counts each caller's calls to each endpoint; a window opens with its first call, and a restart forgets it."""

    def __init__(self, *, enforced: bool = True, multiplier: float = 1.0, clock: Clock = time.time) -> None:
        self._enforced = enforced
        self._multiplier = multiplier
        self._clock = clock
        self._windows: dict[tuple[str, Caller], tuple[float, int]] = {}

    def take(self, endpoint: str, caller: Caller) -> Allowance:
        """Count a call, and tell whether it is one too many."""
        rule = LIMITS[endpoint]
        base = rule.user if rule.app is None or not caller.app_only else rule.app
        limit = max(1, int(base * self._multiplier))
        now = self._clock()
        key = (endpoint, caller)
        reset, used = self._windows.get(key, (0.0, 0))
        if now >= reset:
            reset, used = now + WINDOW_SECONDS, 0
        if not self._enforced:
            return Allowance(limit, limit, int(now) + WINDOW_SECONDS, refused=False)
        refused = used >= limit
        used = min(used + 1, limit)
        self._windows[key] = (reset, used)
        return Allowance(limit, limit - used, int(reset), refused)
