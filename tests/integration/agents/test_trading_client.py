"""The adapter that speaks to the trading service, with a small server in its place."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.agents.adapters.trading_client import TradingClient
from services.agents.domain.mood import OwnEvent
from services.agents.domain.persona import read_persona
from services.agents.domain.proposals import Order
from services.agents.domain.trading import WRAPPED_SOL, Holding
from services.agents.ports.neighbours import WalletKey
from services.agents.ports.stored import Progress
from tests.integration.agents.answering import Answers, answering

TRADING = trading_pb.DESCRIPTOR.services_by_name["TradingService"]
MOSS = "MossMossMossMossMossMossMossMossMossMossMoss"


async def test_the_market_has_what_is_in_fashion_and_what_was_asked_for() -> None:
    token = trading_pb.Token(
        mint=MOSS, symbol="MOSS", decimals=6, usd="0.0123", change_24h="-0.05", liquidity_usd="9000", is_verified=True
    )

    def prices(request: trading_pb.GetPricesRequest) -> trading_pb.GetPricesResponse:
        assert list(request.mints) == [WRAPPED_SOL, "other"]
        return trading_pb.GetPricesResponse(
            prices=[trading_pb.Price(mint=WRAPPED_SOL, usd="150.5"), trading_pb.Price(mint="other", usd="2")]
        )

    answers: Answers = {
        "ListTrendingTokens": lambda _: trading_pb.ListTrendingTokensResponse(tokens=[token]),
        "GetPrices": prices,
    }
    async with answering(TRADING, answers) as channel:
        market = await TradingClient(TradingServiceStub(channel)).market([MOSS, "other"])
    assert market.sol_usd == Decimal("150.5")
    assert [(found.mint, found.usd, found.decimals, found.is_trending) for found in market.tokens] == [
        (MOSS, Decimal("0.0123"), 6, True),
        ("other", Decimal(2), None, False),
    ]


async def test_a_text_is_screened_by_the_service_that_keeps_the_keys() -> None:
    def screen(request: trading_pb.ScreenTextRequest) -> trading_pb.ScreenTextResponse:
        return trading_pb.ScreenTextResponse(holds_key="key" in request.text)

    async with answering(TRADING, {"ScreenText": screen}) as channel:
        client = TradingClient(TradingServiceStub(channel))
        assert [await client.holds_key(text) for text in ("a key", "a gate")] == [True, False]


async def test_a_portfolio_is_what_has_a_cost_page_by_page() -> None:
    asked: list[trading_pb.GetPortfolioRequest] = []
    sold = Timestamp(seconds=1_795_348_800)

    def portfolio(request: trading_pb.GetPortfolioRequest) -> trading_pb.GetPortfolioResponse:
        asked.append(request)
        number = int(request.page_token or "0")
        holding = trading_pb.Holding(
            mint=f"mint{number}",
            symbol="MOSS",
            amount=900,
            decimals=6,
            costed_amount=500,
            cost_lamports=70,
            sale_time=sold if number else None,
            unrealised_pnl_lamports=-3 if number else None,
        )
        whole = trading_pb.Portfolio(lamports=10**9)
        return trading_pb.GetPortfolioResponse(
            portfolio=whole, holdings=[holding], next_page_token="" if number else "1"
        )

    async with answering(TRADING, {"GetPortfolio": portfolio}) as channel:
        found = await TradingClient(TradingServiceStub(channel)).portfolio("wal_1")
    assert found.lamports == 10**9
    assert found.holdings == (
        Holding("mint0", "MOSS", 6, 500, 70),
        Holding("mint1", "MOSS", 6, 500, 70, -3, sold.ToDatetime(tzinfo=UTC)),
    )
    assert [request.has_trades for request in asked] == [True, True]


async def test_an_allowance_says_what_may_be_given_of_as_many_tokens_as_are_asked_about() -> None:
    asked: list[int] = []

    def allowance(request: trading_pb.GetAllowanceRequest) -> trading_pb.GetAllowanceResponse:
        asked.append(len(request.mints))
        told = trading_pb.Allowance(
            policy=trading_pb.Policy(max_slippage_bps=300),
            max_input_lamports=5,
            max_worth_lamports=7,
            remaining_trades=2,
            increase_time=Timestamp(seconds=1_795_348_800),
        )
        for mint in request.mints:
            limit = None if mint == "1" else 9
            told.mints.add(mint=mint, is_allowed=mint != "2", amount=50, max_input_amount=limit)
        return trading_pb.GetAllowanceResponse(allowance=told)

    async with answering(TRADING, {"GetAllowance": allowance}) as channel:
        client = TradingClient(TradingServiceStub(channel))
        found = await client.allowance("wal_1", [str(number) for number in range(120)])
        alone = await client.allowance("wal_1", [])
    assert asked == [100, 20, 0]
    assert (found.max_input_lamports, found.max_worth_lamports, found.max_slippage_bps) == (5, 7, 300)
    assert (found.remaining_trades, found.halt_reason, alone.limit) == (2, None, {})
    assert found.increase_time == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert (found.limit["0"], found.limit["1"], found.allows("2"), len(found.limit)) == (9, None, False, 119)


async def test_a_halt_is_told_with_its_reason_even_when_it_has_none() -> None:
    halted = trading_pb.GetAllowanceResponse(allowance=trading_pb.Allowance(halt=trading_pb.Halt(reason="")))
    async with answering(TRADING, {"GetAllowance": lambda _: halted}) as channel:
        assert (await TradingClient(TradingServiceStub(channel)).allowance("wal_1", [])).halt_reason == ""


async def test_every_page_of_prices_is_read() -> None:
    asked: list[int] = []

    def prices(request: trading_pb.GetPricesRequest) -> trading_pb.GetPricesResponse:
        asked.append(len(request.mints))
        return trading_pb.GetPricesResponse(
            prices=[
                trading_pb.Price(mint=mint, usd="2", symbol="NAMED" if mint == "7" else "") for mint in request.mints
            ]
        )

    answers: Answers = {
        "ListTrendingTokens": lambda _: trading_pb.ListTrendingTokensResponse(),
        "GetPrices": prices,
    }
    async with answering(TRADING, answers) as channel:
        client = TradingClient(TradingServiceStub(channel))
        market = await client.market([str(number) for number in range(120)])
    assert asked == [50, 50, 21]
    assert {token.symbol for token in market.tokens if token.mint in ("7", "8")} == {"NAMED", "8"}


async def test_a_wallet_is_registered_with_the_limits_that_the_persona_gives_and_no_others(
    sample_persona: dict[str, Any],
) -> None:
    asked: list[trading_pb.RegisterWalletRequest] = []

    def register(request: trading_pb.RegisterWalletRequest) -> trading_pb.RegisterWalletResponse:
        asked.append(request)
        return trading_pb.RegisterWalletResponse(wallet=trading_pb.Wallet(id="wal_1", address="address"))

    async with answering(TRADING, {"RegisterWallet": register}) as channel:
        client = TradingClient(TradingServiceStub(channel))
        limits = replace(read_persona(sample_persona).trading, blacklist=(MOSS,))
        assert await client.register("wren", "key", limits, "req_1") == WalletKey("wal_1", "address")
        await client.register("wren", "", read_persona({"id": "a", "name": "A"}).trading, "req_2")
    first, second = asked
    assert (first.private_key, first.request_id, first.policy.wallet_id) == ("key", "req_1", "")
    assert list(first.policy.blocked_mints) == [MOSS]
    assert first.policy.max_trade_lamports == 50_000_000
    assert list(first.policy_mask.paths) == [
        "max_trade_lamports",
        "min_balance_lamports",
        "max_slippage_bps",
        "blocked_mints",
    ]
    assert not second.HasField("policy")
    assert not second.HasField("policy_mask")


async def test_a_persona_narrows_only_the_limits_that_it_gives(sample_persona: dict[str, Any]) -> None:
    asked: list[trading_pb.TightenPolicyRequest] = []

    def tighten(request: trading_pb.TightenPolicyRequest) -> trading_pb.TightenPolicyResponse:
        asked.append(request)
        return trading_pb.TightenPolicyResponse()

    limits = read_persona(sample_persona).trading
    async with answering(TRADING, {"TightenPolicy": tighten}) as channel:
        client = TradingClient(TradingServiceStub(channel))
        await client.tighten("wal_1", replace(limits, blacklist=()))
        await client.tighten("wal_1", read_persona({"id": "a", "name": "A"}).trading)
    [request] = asked
    assert request.policy.wallet_id == "wal_1"
    assert list(request.update_mask.paths) == ["max_trade_lamports", "min_balance_lamports", "max_slippage_bps"]


async def test_an_order_is_given_with_the_least_that_must_come_out() -> None:
    asked: list[trading_pb.ExecuteTradeRequest] = []

    def execute(request: trading_pb.ExecuteTradeRequest) -> trading_pb.ExecuteTradeResponse:
        asked.append(request)
        return trading_pb.ExecuteTradeResponse(trade=trading_pb.Trade(id="trd_1"))

    answers: Answers = {
        "ExecuteTrade": execute,
        "GetQuote": lambda request: trading_pb.GetQuoteResponse(
            quote=trading_pb.Quote(output_amount=2 * request.amount)
        ),
    }
    order = Order("wren", "wal_1", WRAPPED_SOL, MOSS, 7, 13, True, "MOSS", (), {}, None, OwnEvent.TRADED)
    async with answering(TRADING, answers) as channel:
        client = TradingClient(TradingServiceStub(channel))
        assert await client.quote(WRAPPED_SOL, MOSS, 7) == 14
        assert (await client.swap(order, "req_1")).progress is Progress.UNDER_WAY
    assert asked == [
        trading_pb.ExecuteTradeRequest(
            wallet_id="wal_1",
            input_mint=WRAPPED_SOL,
            output_mint=MOSS,
            amount=7,
            min_output_amount=13,
            request_id="req_1",
        )
    ]
