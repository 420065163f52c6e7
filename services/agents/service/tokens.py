"""What tokens are called, which a reply to a stranger doesn't say."""

from datetime import datetime, timedelta

from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused, TradingPort
from services.runtime.clock import Clock

_KEPT = timedelta(minutes=10)
_NATIVE = "SOL"


class Tokens:
    """Knows the symbols of the tokens in fashion, as they were at most ten minutes ago."""

    def __init__(self, trading: TradingPort, clock: Clock) -> None:
        self._trading = trading
        self._clock = clock
        self._symbols: tuple[str, ...] = (_NATIVE,)
        self._asked: datetime | None = None

    async def symbols(self) -> tuple[str, ...]:
        """Return the symbols, that of SOL among them; while the market doesn't answer those of before."""
        now = self._clock.now()
        if self._asked is None or now - self._asked >= _KEPT:
            self._asked = now
            try:
                market = await self._trading.market([])
            except (DependencyUnavailable, Refused):
                return self._symbols
            found = (token.symbol for token in market.tokens if token.symbol != token.mint)
            self._symbols = tuple(dict.fromkeys((_NATIVE, *found)))
        return self._symbols
