"""Quotes, prices and trending tokens through the wire."""

from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import grpc
import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster
from tests.support.refusals import refusal


def quote(cluster: Cluster, source: str, target: str, amount: int, slippage_bps: int = 0) -> pb.GetQuoteRequest:
    return pb.GetQuoteRequest(
        input_mint=cluster.mints.get(source, source),
        output_mint=cluster.mints.get(target, target),
        amount=amount,
        slippage_bps=slippage_bps,
    )


async def test_a_quote_says_what_comes_out_at_least_and_at_what_cost(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    found = (await trading.GetQuote(quote(cluster, "SOL", "SOCK", 10 * LAMPORTS_PER_SOL, 100))).quote
    assert (found.input_amount, found.slippage_bps) == (10 * LAMPORTS_PER_SOL, 100)
    assert found.min_output_amount == found.output_amount * 9_900 // 10_000 > 0
    assert Decimal("0.0001") < Decimal(found.price_impact) < Decimal("0.01")
    assert (await trading.GetQuote(quote(cluster, "SOL", "SOCK", LAMPORTS_PER_SOL))).quote.slippage_bps > 0


@pytest.mark.parametrize(("target", "amount"), [("FINE", 10**12), ("11111111111111111111111111111111", 1_000)])
async def test_what_cannot_be_swapped_has_no_route(
    trading: TradingServiceStub, cluster: Cluster, target: str, amount: int
) -> None:
    told = await refusal(trading.GetQuote(quote(cluster, "SOL", target, amount)))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_ROUTE")


async def test_prices_come_in_the_order_asked_as_exact_decimals(trading: TradingServiceStub, cluster: Cluster) -> None:
    asked = [cluster.mints["USDC"], "11111111111111111111111111111111", cluster.mints["HONK"], cluster.mints["USDC"]]
    prices = (await trading.GetPrices(pb.GetPricesRequest(mints=asked))).prices
    assert [price.mint for price in prices] == [cluster.mints["USDC"], cluster.mints["HONK"]]
    usdc, honk = prices
    assert [price.symbol for price in prices] == ["USDC", "HONK"]
    assert (usdc.usd, usdc.change_24h) == ("1", "0")
    assert 0 < Decimal(honk.usd) < Decimal("0.1")
    assert "e" not in honk.usd.lower()


async def test_trending_tokens_are_paged_and_the_suspicious_one_is_left_out(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    symbols: list[str] = []
    token = ""
    while True:
        request = pb.ListTrendingTokensRequest(page_size=3, page_token=token)
        page = await trading.ListTrendingTokens(request)
        symbols += [found.symbol for found in page.tokens]
        assert all(found.usd and found.liquidity_usd and found.mint for found in page.tokens)
        if not (token := page.next_page_token):
            break
    assert sorted(symbols) == sorted(set(cluster.mints) - {"SOL", "USDC", "FINE"})


@pytest.mark.parametrize(
    ("fault", "code", "reason", "retry_after"),
    [
        ({"status": 429, "seconds": 3}, grpc.StatusCode.RESOURCE_EXHAUSTED, "CHAIN_RATE_LIMITED", 3.0),
        ({"status": 502, "html": True}, grpc.StatusCode.UNAVAILABLE, "CHAIN_UNAVAILABLE", 1.0),
        ({"kind": "lost_answer", "seconds": 0}, grpc.StatusCode.UNAVAILABLE, "CHAIN_UNAVAILABLE", 1.0),
    ],
)
async def test_a_failing_aggregator_is_told_with_when_to_come_back(
    trading: TradingServiceStub,
    cluster: Cluster,
    fault: dict[str, object],
    code: grpc.StatusCode,
    reason: str,
    retry_after: float,
) -> None:
    await cluster.fault(**({"kind": "status", "route": "GET /jupiter"} | fault))
    calls: list[Awaitable[Any]] = [
        trading.GetQuote(quote(cluster, "SOL", "SOCK", 1_000)),
        trading.GetPrices(pb.GetPricesRequest(mints=[cluster.mints["SOL"]])),
        trading.ListTrendingTokens(pb.ListTrendingTokensRequest()),
    ]
    for call in calls:
        told = await refusal(call)
        assert (told.code, told.reason, told.retry_after) == (code, reason, retry_after)


async def test_wrong_requests_are_refused_with_their_fields(trading: TradingServiceStub, cluster: Cluster) -> None:
    calls: dict[tuple[str, ...], Awaitable[Any]] = {
        ("output_mint", "amount"): trading.GetQuote(quote(cluster, "SOL", "SOL", 0)),
        ("mints",): trading.GetPrices(pb.GetPricesRequest()),
        ("mints[1]",): trading.GetPrices(pb.GetPricesRequest(mints=[cluster.mints["SOL"], "SOL"])),
        ("page_size",): trading.ListTrendingTokens(pb.ListTrendingTokensRequest(page_size=51)),
    }
    for fields, call in calls.items():
        told = await refusal(call)
        assert {violation.field for violation in told.violations} == {*fields}
