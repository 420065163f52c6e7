"""What `puppetctl portfolio` and `trades` say of a character's wallet."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from puppet.trading.v1 import trading_service_pb2 as pb
from puppetctl.suite import SuiteError
from puppetctl.wallets import books, halting
from tests.integration.puppetctl.conftest import World

SOL = "So11111111111111111111111111111111111111112"
NOON = Timestamp(seconds=1_795_348_800)  # 2026-11-22 12:00 UTC


@pytest.fixture
def trader(world: World) -> World:
    """Return the world, in which Pia has a wallet with one token that it bought, and one that came in otherwise."""
    world.trading.owners["wal_pia"] = "pia"
    world.trading.portfolio = pb.Portfolio(
        wallet_id="wal_pia",
        lamports=940_000_000,
        trade_count=3,
        realised_pnl_lamports=-2_000_000,
        uncosted_proceeds_lamports=70_000_000,
        fee_lamports=15_000,
    )
    world.trading.holdings = [
        pb.Holding(
            mint="sockmint1",
            symbol="SO\x1bCK",
            amount=12_500_000,
            decimals=6,
            costed_amount=12_000_000,
            cost_lamports=50_000_000,
            value_lamports=62_500_000,
            unrealised_pnl_lamports=10_000_000,
            realised_pnl_lamports=-2_000_000,
            purchase_time=NOON,
        ),
        pb.Holding(mint="spammint12345", amount=5, decimals=0),
    ]
    world.trading.allowance = pb.Allowance(
        max_input_lamports=100_000_000,
        remaining_volume_lamports=950_000_000,
        remaining_trades=7,
        increase_time=NOON,
    )
    return world


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


async def test_a_portfolio_tells_cost_worth_and_gain_and_what_may_still_be_traded(
    trader: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await books.portfolio("pia", everything=False) == 0
    shown = told(capsys)
    assert "SO CK 12.5 0.05 + ? 0.0625 +0.01 -0.002" in shown
    assert "spammint" not in shown
    assert "0.94 SOL, 3 trades, gain +0.01, realised -0.002, 0.07 for tokens of unknown cost, fees 0.000015" in shown
    assert "may give 0.1 SOL now; left of 24 hours: 0.95 SOL in 7 trades, more from 2026-11-22 12:00" in shown


async def test_what_came_in_otherwise_is_shown_when_it_is_asked_for(
    trader: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await books.portfolio("pia", everything=True)
    assert "spam…2345 5 ? ? 0" in told(capsys)


async def test_a_halted_wallet_is_said_to_trade_nothing(trader: World, capsys: pytest.CaptureFixture[str]) -> None:
    await halting.halt("pia", "she sleeps")
    await books.portfolio("pia", everything=False)
    assert "trades nothing: it is halted (she sleeps)" in told(capsys)


async def test_trades_are_listed_newest_first_up_to_a_limit(trader: World, capsys: pytest.CaptureFixture[str]) -> None:
    trader.trading.trades = [
        pb.Trade(
            id=f"trd_{number}",
            input_mint=SOL,
            output_mint="sockmint1",
            input_amount=20_000_000,
            output_amount=number,
            state=pb.TRADE_STATE_FAILED if number else pb.TRADE_STATE_SETTLED,
            state_reason="it expired" if number else "",
            create_time=NOON,
        )
        for number in range(3)
    ]
    assert await books.trades("pia", 2) == 0
    shown = told(capsys)
    assert "2026-11-22 12:00 0.02 SOL 0 SO CK settled trd_0" in shown
    assert "failed: it expired trd_1" in shown
    assert "trd_2" not in shown


async def test_a_sale_is_listed_with_what_it_realised(trader: World, capsys: pytest.CaptureFixture[str]) -> None:
    sold = pb.Trade(
        id="trd_1",
        input_mint="sockmint1",
        input_amount=2_000_000,
        output_mint=SOL,
        output_amount=10_000_000,
        state=pb.TRADE_STATE_SETTLED,
        create_time=NOON,
        realised_pnl_lamports=-3_000_000,
    )
    trader.trading.trades = [sold]
    await books.trades("pia", 2)
    assert "2 SO CK 0.01 SOL settled: realised -0.003 trd_1" in told(capsys)


async def test_a_token_that_calls_itself_sol_is_named_by_its_mint(
    trader: World, capsys: pytest.CaptureFixture[str]
) -> None:
    trader.trading.holdings = [pb.Holding(mint="falsemint12345", symbol="Sol", decimals=3, purchase_time=NOON)]
    bought = pb.Trade(input_mint=SOL, input_amount=20_000_000, output_mint="falsemint12345", output_amount=5000)
    sold = pb.Trade(input_mint="othermint12345", input_amount=7, output_mint=SOL, output_amount=1_000_000)
    trader.trading.trades = [bought, sold]
    await books.trades("pia", 2)
    shown = told(capsys)
    assert "0.02 SOL 5 fals…2345" in shown
    assert "7 of othe…2345 0.001 SOL" in shown


async def test_without_a_wallet_or_a_trade_that_is_said(trader: World, capsys: pytest.CaptureFixture[str]) -> None:
    await books.trades("pia", 5)
    assert told(capsys) == "no trades"
    for command in (books.trades("basil", 5), books.portfolio("basil", everything=False)):
        with pytest.raises(SuiteError, match="'basil' has no wallet"):
            await command
