"""What networks let accounts do, which only the social service knows."""

from collections import OrderedDict
from datetime import datetime, timedelta

from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Capabilities, Refused, SocialPort
from services.runtime.clock import Clock
from services.runtime.text.weight import TextLimit, WeightRange

CAUTIOUS = Capabilities(
    TextLimit(
        280,
        default_weight=2,
        ranges=(WeightRange(0, 0x10FF, 1), WeightRange(0x2000, 0x200D, 1), WeightRange(0x2010, 0x201F, 1)),
        emoji_weight=2,
    )
)
"""What every network takes: a text that keeps to it can be written before the account's own network is known."""
_KEPT = timedelta(hours=1)
_MAX_KEPT = 20_000


class NetworkCapabilities:
    """Asks what accounts may do, each once an hour, and again when something was refused by it."""

    def __init__(self, social: SocialPort, clock: Clock) -> None:
        self._social = social
        self._clock = clock
        self._known: OrderedDict[str, tuple[datetime, Capabilities]] = OrderedDict()

    async def of(self, account_id: str) -> Capabilities:
        """Return what an account may do; while the social service doesn't answer, what it said before.

        Raises DependencyUnavailable and Refused when it has never said.
        """
        now, known = self._clock.now(), self._known.get(account_id)
        if known is not None and now - known[0] < _KEPT:
            return known[1]
        try:
            told = await self._social.capabilities(account_id)
        except DependencyUnavailable:
            if known is None:
                raise
            return known[1]
        self._known[account_id] = now, told
        self._known.move_to_end(account_id)
        if len(self._known) > _MAX_KEPT:
            self._known.popitem(last=False)
        return told

    async def expected(self, account_id: str) -> Capabilities:
        """Return what an account may do, as far as is known: a text is written meanwhile, and waits to be sent.

        Raises Refused.
        """
        try:
            return await self.of(account_id)
        except DependencyUnavailable:
            return CAUTIOUS

    def learn(self, account_id: str, refused: Refused) -> None:
        """Ask again next time when a text was refused: by what was known, it should have been taken."""
        if any(violation.field == "text" for violation in refused.violations):
            self._known.pop(account_id, None)
