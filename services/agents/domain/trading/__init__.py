"""What to trade, and how much of what is allowed: by market, portfolio, mood and trusted memories, never by chance."""

from services.agents.domain.trading.appraisal import measures_in, weighing
from services.agents.domain.trading.deciding import decide
from services.agents.domain.trading.floor import expected_output, least_output
from services.agents.domain.trading.model import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Allowance,
    Buy,
    Decision,
    Hold,
    Holding,
    MarketView,
    Portfolio,
    Sell,
    TokenView,
    bought,
    sold,
)

__all__ = [
    "LAMPORTS_PER_SOL",
    "WRAPPED_SOL",
    "Allowance",
    "Buy",
    "Decision",
    "Hold",
    "Holding",
    "MarketView",
    "Portfolio",
    "Sell",
    "TokenView",
    "bought",
    "decide",
    "expected_output",
    "least_output",
    "measures_in",
    "sold",
    "weighing",
]
