"""Wallets, trades and what limits them."""

from typing import Any

from starlette.requests import Request

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.gateway.backend import Backend
from services.gateway.transcoding.endpoint import PAGING, Endpoint
from services.gateway.web.errors import Missing


async def wallet_of(backend: Backend, request: Request, agent_id: str) -> str:
    """Return the id of an agent's wallet. Raises Missing when it has none."""
    asked = pb.ListWalletsRequest(agent_id=agent_id, page_size=1)
    listed = await backend.call(request, TradingServiceStub, "ListWallets", asked)
    if not listed.wallets:
        raise Missing("this character has no wallet", reason="WALLET_NOT_FOUND")
    return str(listed.wallets[0].id)


def _trading(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=TradingServiceStub, rpc=rpc, summary=summary, **others)


_WALLET = {"wallet_id": wallet_of}

ENDPOINTS = (
    _trading("GET", "/trading/wallets", "ListWallets", "Lists wallets, and whose trading is halted.", renamed=PAGING),
    _trading("GET", "/trading/prices", "GetPrices", "Says what tokens cost."),
    _trading("GET", "/trading/trending", "ListTrendingTokens", "Lists tokens that are traded much.", renamed=PAGING),
    _trading("POST", "/trading/halt", "HaltTrading", "Halts all trading.", body=""),
    _trading("POST", "/trading/resume", "ResumeTrading", "Lifts the halt over all trading.", body=""),
    _trading("POST", "/trading/{agent_id}/halt", "HaltTrading", "Halts a character's trading.", body="", owned=_WALLET),
    _trading(
        "POST", "/trading/{agent_id}/resume", "ResumeTrading", "Lifts a character's halt.", body="", owned=_WALLET
    ),
    _trading(
        "GET", "/trading/{agent_id}/wallet", "GetWallet", "Returns a wallet.", owned={"id": wallet_of}, data="wallet"
    ),
    _trading(
        "GET", "/trading/{agent_id}/balance", "GetBalances", "Lists what a wallet holds.", owned=_WALLET, renamed=PAGING
    ),
    _trading(
        "GET",
        "/trading/{agent_id}/transactions",
        "ListTrades",
        "Lists trades, newest first.",
        owned=_WALLET,
        renamed=PAGING,
    ),
    _trading(
        "GET",
        "/trading/{agent_id}/portfolio",
        "GetPortfolio",
        "Says what a wallet is worth, and what it has won and lost.",
        owned=_WALLET,
        renamed=PAGING,
    ),
    _trading(
        "GET",
        "/trading/{agent_id}/allowance",
        "GetAllowance",
        "Says what may still be traded today.",
        owned=_WALLET,
        data="allowance",
    ),
    _trading(
        "GET", "/trading/{agent_id}/policy", "GetPolicy", "Returns a wallet's policy.", owned=_WALLET, data="policy"
    ),
    _trading(
        "PATCH",
        "/trading/{agent_id}/policy",
        "UpdatePolicy",
        "Changes the fields of a policy that are given.",
        owned={"policy.wallet_id": wallet_of},
        body="policy",
        data="policy",
    ),
)
