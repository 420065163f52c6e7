"""`GET /trading/{agent_id}/stats`: what a character has won and lost, and its latest trades."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.gateway.backend import Backend
from services.gateway.routes.trading import wallet_of
from services.gateway.transcoding.writing import write
from services.gateway.web.envelope import success

_LATEST = 10
_HOLDINGS = 100


def show_stats(backend: Backend) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers it."""

    async def handle(request: Request) -> Response:
        agent_id = request.path_params["agent_id"]
        async with backend.calling(request):
            wallet_id = await wallet_of(backend, request, agent_id)
            stub, seconds = backend.stubs[TradingServiceStub], backend.timeout(request)
            portfolio, trades = await asyncio.gather(
                stub.GetPortfolio(
                    pb.GetPortfolioRequest(wallet_id=wallet_id, has_trades=True, page_size=_HOLDINGS), timeout=seconds
                ),
                stub.ListTrades(pb.ListTradesRequest(wallet_id=wallet_id, page_size=_LATEST), timeout=seconds),
            )
        unrealised = sum(holding.unrealised_pnl_lamports for holding in portfolio.holdings)
        data = {
            "agent_id": agent_id,
            "wallet_id": wallet_id,
            "statistics": write(portfolio.portfolio)
            # As the protobuf JSON mapping has numbers of 64 bits.
            | {"unrealised_pnl_lamports": str(unrealised), "is_complete": not portfolio.next_page_token},
            "recent_trades": write(trades)["trades"],
        }
        return success(data)

    return handle
