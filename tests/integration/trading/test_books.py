"""What a wallet may still trade, and what it holds and gained, through the wire, on each database."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from solders.keypair import Keypair

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL, Cluster, Trader
from tests.support.refusals import fields_of, refusal

DAY_SECONDS = 86_400


@pytest.fixture
def settings(settings: TradingSettings, database_url: str) -> TradingSettings:
    return settings.model_copy(update={"database_url": database_url})


async def allowance(trader: Trader, *symbols: str) -> pb.Allowance:
    mints = [trader.mints[symbol] for symbol in symbols]
    request = pb.GetAllowanceRequest(wallet_id=trader.wallet.id, mints=mints)
    return (await trader.trading.GetAllowance(request)).allowance


async def portfolio(trader: Trader, **fields: Any) -> pb.GetPortfolioResponse:
    return await trader.trading.GetPortfolio(pb.GetPortfolioRequest(wallet_id=trader.wallet.id, **fields))


async def narrow(trader: Trader, **limits: Any) -> None:
    policy = pb.Policy(wallet_id=trader.wallet.id, **limits)
    await trader.trading.UpdatePolicy(pb.UpdatePolicyRequest(policy=policy, update_mask=FieldMask(paths=list(limits))))


async def test_a_new_wallet_may_trade_what_its_policy_says(trader: Trader) -> None:
    told = await allowance(trader)
    policy = (await trader.trading.GetPolicy(pb.GetPolicyRequest(wallet_id=trader.wallet.id))).policy
    assert told.policy == policy
    assert (told.remaining_trades, told.remaining_volume_lamports, told.max_worth_lamports) == (
        10,
        LAMPORTS_PER_SOL,
        100_000_000,
    )
    assert (told.free_lamports, told.max_input_lamports) == (950_000_000, 100_000_000)
    # A signature, the priority, and two accounts, of 182 and 165 bytes.
    assert told.fee_reserve_lamports == 5_000 + 500_000 + (128 + 182) * 6_960 + (128 + 165) * 6_960
    assert not told.HasField("increase_time")
    assert not told.HasField("halt")


async def test_a_trade_at_the_allowance_settles_and_one_lamport_above_is_refused(trader: Trader) -> None:
    await narrow(trader, max_daily_volume_lamports=30_000_000)
    first = await trader.swap("SOL", "SOCK", 10_000_000, "req_1")
    told = await allowance(trader)
    assert (told.remaining_trades, told.max_input_lamports) == (9, 20_000_000)
    assert told.increase_time.seconds == first.create_time.seconds + DAY_SECONDS
    refused = await refusal(trader.swap("SOL", "SOCK", 20_000_001, "req_2"))
    assert (refused.reason, refused.metadata["rule"]) == ("POLICY_VIOLATION", "max_daily_volume_lamports")
    assert (await trader.swap("SOL", "SOCK", 20_000_000, "req_3")).state == pb.TRADE_STATE_SETTLED
    assert (await allowance(trader)).max_worth_lamports == 0


async def test_where_the_balance_is_the_limit_the_trade_at_the_allowance_settles_too(trader: Trader) -> None:
    await narrow(trader, min_balance_lamports=970_000_000)
    told = await allowance(trader)
    assert told.max_input_lamports == 30_000_000 - told.fee_reserve_lamports
    refused = await refusal(trader.swap("SOL", "SOCK", 30_000_000, "req_1"))
    assert refused.metadata["rule"] == "min_balance_lamports"
    assert (await trader.swap("SOL", "SOCK", told.max_input_lamports, "req_2")).state == pb.TRADE_STATE_SETTLED


async def test_of_a_token_no_more_may_be_sold_than_its_worth_allows(trader: Trader) -> None:
    bought = await trader.swap("SOL", "SOCK", 90_000_000, "req_1")
    await narrow(trader, max_trade_lamports=40_000_000)
    sock, usdc = (await allowance(trader, "SOCK", "USDC")).mints
    assert (sock.amount, usdc.amount, usdc.max_input_amount) == (bought.output_amount, 0, 0)
    assert 0.40 < sock.max_input_amount / sock.amount < 0.45
    refused = await refusal(trader.swap("SOCK", "SOL", sock.amount, "req_2"))
    assert refused.metadata["rule"] == "max_trade_lamports"
    assert (await trader.swap("SOCK", "SOL", sock.max_input_amount, "req_3")).state == pb.TRADE_STATE_SETTLED


async def test_a_halt_stands_in_the_allowance_with_its_reason(trader: Trader) -> None:
    await trader.trading.HaltTrading(pb.HaltTradingRequest(wallet_id=trader.wallet.id, reason="odd"))
    told = await allowance(trader)
    assert (told.halt.reason, told.max_worth_lamports, told.max_input_lamports) == ("odd", 0, 0)


async def test_a_portfolio_says_what_holdings_cost_and_what_sales_brought(trader: Trader) -> None:
    bought = [await trader.swap("SOL", "SOCK", lamports, f"buy_{lamports}") for lamports in (20_000_000, 40_000_000)]
    amount = sum(trade.output_amount for trade in bought)
    found = await portfolio(trader)
    [sock] = found.holdings
    assert (sock.mint, sock.symbol, sock.amount) == (trader.mints["SOCK"], "SOCK", amount)
    assert (sock.costed_amount, sock.cost_lamports) == (amount, 60_000_000)
    assert float(sock.usd) > 0
    assert sock.price_time.seconds > 0
    assert sock.unrealised_pnl_lamports == sock.value_lamports - 60_000_000 < 0, "the pools have their fee"
    sale = await trader.swap("SOCK", "SOL", amount // 2, "sell")
    found = await portfolio(trader)
    [sock] = found.holdings
    cost = 60_000_000 * (amount // 2) // amount
    assert sale.realised_pnl_lamports == sock.realised_pnl_lamports
    assert not bought[0].HasField("realised_pnl_lamports")
    assert sock.realised_pnl_lamports == sale.output_amount - cost < 0
    assert (sock.costed_amount, sock.cost_lamports) == (amount - amount // 2, 60_000_000 - cost)
    whole, trades = found.portfolio, [*bought, sale]
    assert (whole.trade_count, whole.realised_pnl_lamports) == (3, sock.realised_pnl_lamports)
    assert whole.fee_lamports == sum(trade.fee_lamports for trade in trades) > 0
    assert whole.lamports == await trader.balance("SOL")


async def test_what_came_in_otherwise_has_no_known_cost(
    serve: Serve, settings: TradingSettings, trading: TradingServiceStub, cluster: Cluster, tmp_path: Path
) -> None:
    register = pb.RegisterWalletRequest(agent_id="agt_key", private_key=str(Keypair()))
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere", "database_url": ""})
    async with serve("trading", elsewhere, opener(elsewhere)) as channel:
        other = TradingServiceStub(channel)
        theirs = (await other.RegisterWallet(register)).wallet
        await cluster.fund(theirs.address, LAMPORTS_PER_SOL)
        bought = await Trader(other, theirs, cluster.mints).swap("SOL", "SOCK", 20_000_000)
    trader = Trader(trading, (await trading.RegisterWallet(register)).wallet, cluster.mints)
    [sock] = (await portfolio(trader)).holdings
    assert (sock.amount, sock.costed_amount, sock.cost_lamports) == (bought.output_amount, 0, 0)
    assert sock.HasField("value_lamports")
    assert not sock.HasField("unrealised_pnl_lamports")
    assert not (await portfolio(trader, has_trades=True)).holdings
    sale = await trader.swap("SOCK", "SOL", sock.amount)
    whole = (await portfolio(trader)).portfolio
    assert (whole.realised_pnl_lamports, whole.uncosted_proceeds_lamports) == (0, sale.output_amount)
    assert not sale.HasField("realised_pnl_lamports")
    assert sale.uncosted_proceeds_lamports == sale.output_amount


async def test_what_all_trades_realised_adds_up_to_the_portfolios_figure(trader: Trader, cluster: Cluster) -> None:
    first = await trader.swap("SOL", "SOCK", 30_000_000, "buy_1")
    sold = [await trader.swap("SOCK", "SOL", first.output_amount // 3, "sell_1")]
    sold.append(await trader.swap("SOCK", "FINE", first.output_amount // 3, "turn"))
    await trader.swap("SOL", "SOCK", 10_000_000, "buy_2")
    sold += [await trader.swap("SOCK", "SOL", await trader.balance("SOCK"), "sell_2")]
    sold += [await trader.swap("FINE", "SOL", await trader.balance("FINE"), "sell_3")]
    whole = (await portfolio(trader)).portfolio
    seen: list[pb.Trade] = []
    token = ""
    while True:
        asked = pb.ListTradesRequest(wallet_id=trader.wallet.id, page_size=2, page_token=token)
        page = await trader.trading.ListTrades(asked)
        seen += page.trades
        if not (token := page.next_page_token):
            break
    assert [trade for trade in seen if trade.HasField("realised_pnl_lamports")] == sold[::-1]
    assert sum(trade.realised_pnl_lamports for trade in seen) == whole.realised_pnl_lamports != 0
    assert await trader.get(sold[0].id) == sold[0]


async def test_a_portfolio_comes_in_pages_by_mint_with_the_whole_on_each(trader: Trader) -> None:
    for symbol in ("SOCK", "USDC", "FINE"):
        await trader.swap("SOL", symbol, 2_000_000, f"buy_{symbol}")
    everything = await portfolio(trader)
    seen: list[pb.Holding] = []
    token = ""
    while True:
        page = await portfolio(trader, page_size=2, page_token=token)
        assert page.portfolio.trade_count == 3
        seen += page.holdings
        if not (token := page.next_page_token):
            break
        assert await fields_of(portfolio(trader, page_size=2, page_token=token, has_trades=True)) == {"page_token"}
    assert [one.mint for one in seen] == sorted(one.mint for one in everything.holdings)
    assert len(seen) == 3


async def test_wrong_requests_name_their_fields_and_missing_wallets_are_told(trading: TradingServiceStub) -> None:
    asked = pb.GetAllowanceRequest(mints=["x" * 40, "y" * 45])
    assert await fields_of(trading.GetAllowance(asked)) == {"wallet_id", "mints[0]", "mints[1]"}
    many = pb.GetAllowanceRequest(wallet_id="wal_0", mints=[SOL] * 101)
    assert await fields_of(trading.GetAllowance(many)) == {"mints"}
    assert await fields_of(trading.GetPortfolio(pb.GetPortfolioRequest(page_size=101))) == {"wallet_id", "page_size"}
    for call in (
        trading.GetAllowance(pb.GetAllowanceRequest(wallet_id="wal_0")),
        trading.GetPortfolio(pb.GetPortfolioRequest(wallet_id="wal_0")),
    ):
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "WALLET_NOT_FOUND")


async def test_while_no_prices_are_told_a_portfolio_has_costs_and_no_values(trader: Trader, cluster: Cluster) -> None:
    await trader.swap("SOL", "SOCK", 20_000_000)
    await cluster.fault(kind="status", status=500, route="GET /jupiter/price")
    [sock] = (await portfolio(trader)).holdings
    assert sock.cost_lamports == 20_000_000
    assert not sock.usd
    assert not sock.HasField("value_lamports")
