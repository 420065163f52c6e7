"""Says by the chain's own books whether something was stolen."""

from puppet.trading.v1 import trading_service_pb2 as pb
from tests.integration.trading.conftest import SOL
from tests.security.conftest import Books, Scene

_MAX_RENT = 2_200_000
"""What a token account with a fee on transfers has to hold, about."""


def judge(
    before: Books, after: Books, trade: pb.Trade | None, source: str, target: str, amount: int, fees: int
) -> None:
    """Fail unless the wallet lost at most the amount and the chain's fees, and got what it was promised for it."""
    assert after.faults == before.faults
    opened = {mint: rent for mint, rent in after.rents.items() if mint not in before.rents}
    assert all(rent <= _MAX_RENT for rent in opened.values())
    lost = {mint: before.tokens[mint] - after.tokens.get(mint, 0) for mint in before.tokens}
    lost[SOL] = before.all_lamports - after.all_lamports - fees
    given = lost.pop(source, 0)
    got = -lost.pop(target, 0) if target in lost else after.tokens.get(target, 0)
    assert given <= amount
    assert not {mint: loss for mint, loss in lost.items() if loss > 0}
    if trade is not None and trade.state == pb.TRADE_STATE_SETTLED:
        assert got >= trade.min_output_amount > 0
        assert fees <= 40_000
    else:
        assert given <= 0
        assert got >= 0


async def rob(scene: Scene, source: str, target: str, amount: int) -> pb.Trade | None:
    """Ask for a swap, and let the chain's books say whether something was stolen."""
    before, fees = await scene.books(), await scene.fees()
    trade = await scene.trade(source, target, amount)
    judge(before, await scene.books(), trade, source, target, amount, await scene.fees() - fees)
    return trade
