"""Whether to trade, what, and how much: from market, wallet, policy, mood and trusted memories, never by chance."""

from services.agents.domain.trading.appraisal import measures_in
from services.agents.domain.trading.deciding import decide
from services.agents.domain.trading.floor import expected_output, least_output
from services.agents.domain.trading.model import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Buy,
    Decision,
    Hold,
    Holding,
    MarketView,
    PastTrade,
    Policy,
    Sell,
    TokenView,
    Wallet,
    bought,
    sold,
)

__all__ = [
    "LAMPORTS_PER_SOL",
    "WRAPPED_SOL",
    "Buy",
    "Decision",
    "Hold",
    "Holding",
    "MarketView",
    "PastTrade",
    "Policy",
    "Sell",
    "TokenView",
    "Wallet",
    "bought",
    "decide",
    "expected_output",
    "least_output",
    "measures_in",
    "sold",
]
