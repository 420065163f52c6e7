"""What tokens are called is asked of the market now and then, and known while it doesn't answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.trading import MarketView
from services.agents.service import Tokens
from tests.fakes.agents import FakeTrading
from tests.fakes.clock import FixedClock


@dataclass
class Market(FakeTrading):
    asked: int = 0
    is_closed: bool = False

    async def market(self, mints: Sequence[str]) -> MarketView:
        self.asked += 1
        if self.is_closed:
            raise DependencyUnavailable("trading", 1)
        return await super().market(mints)


async def test_symbols_are_asked_for_once_in_ten_minutes() -> None:
    market, clock = Market(), FixedClock()
    tokens = Tokens(market, clock)
    assert [await tokens.symbols() for _ in range(3)] == [("SOL", "MOSS")] * 3
    assert market.asked == 1
    clock.advance(minutes=10)
    await tokens.symbols()
    assert market.asked == 2


async def test_a_market_that_does_not_answer_leaves_what_was_known() -> None:
    market, clock = Market(is_closed=True), FixedClock()
    tokens = Tokens(market, clock)
    assert await tokens.symbols() == ("SOL",)
    market.is_closed = False
    clock.advance(minutes=10)
    await tokens.symbols()
    market.is_closed = True
    clock.advance(minutes=10)
    assert await tokens.symbols() == ("SOL", "MOSS")
