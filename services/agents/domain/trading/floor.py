"""The least that has to come out of a trade, so that an old decision isn't carried out at any price."""

from decimal import Decimal

from services.agents.domain.trading.model import LAMPORTS_PER_SOL, Buy, MarketView, Portfolio, Sell

_WHOLE = 10_000


def expected_output(decision: Buy | Sell, market: MarketView, portfolio: Portfolio) -> int:
    """Return what the prices that were seen give for it, in base units; 0 when price or decimals aren't known."""
    token = market.token(decision.mint)
    held = portfolio.holding(decision.mint)
    # The chain itself tells the decimals of what is held; a listing is somebody's word.
    decimals = held.decimals if held else token.decimals if token else None
    if token is None or decimals is None or token.usd <= 0 or market.sol_usd <= 0:
        return 0
    lamports_each = token.usd * LAMPORTS_PER_SOL / market.sol_usd / Decimal(10) ** decimals
    return int(decision.lamports / lamports_each if isinstance(decision, Buy) else decision.amount * lamports_each)


def least_output(expected: int, quoted: int, slippage_bps: int) -> int:
    """Return the least that may come out: of the price and the quote the larger one, less the slippage.

    Neither alone would do: decimals that are wrong would ask for nothing, and so would a thief's quote.
    """
    return max(expected, quoted) * (_WHOLE - slippage_bps) // _WHOLE
