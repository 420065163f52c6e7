"""How the suite is: of each service whether it answers, for everybody; and in figures, for who may read them."""

import asyncio
import time
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import Response

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.gateway.backend import Backend
from services.gateway.web.envelope import success
from services.runtime.rpc import identity
from services.runtime.version import suite_version

_ANSWER_SECONDS = 1.0
_KEPT_SECONDS = 0.5
"""Everybody may ask, so the services are asked no more often than this."""

_BEGAN = time.monotonic()
_PAGE = 500


class Health:
    """What was found of the services, a moment ago."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._found: dict[str, str] = {}
        self._found_at = float("-inf")
        self._looking = asyncio.Lock()

    async def components(self) -> dict[str, str]:
        """Return of each service whether it is `healthy` or `degraded`."""
        async with self._looking:
            if time.monotonic() - self._found_at > _KEPT_SECONDS:
                by_service: dict[str, list[tuple[str, grpc.aio.Channel]]] = {}
                for name, channel in self._backend.stubs.channels.items():
                    by_service.setdefault(name.split(".")[1], []).append((name, channel))
                found = await asyncio.gather(*(_serve(channels) for channels in by_service.values()))
                self._found = {
                    name: "healthy" if serves else "degraded" for name, serves in zip(by_service, found, strict=True)
                }
                self._found_at = time.monotonic()
            return dict(self._found)

    async def health(self, _request: Request) -> Response:
        """Answer `GET /health`; what is degraded doesn't make it fail."""
        components = await self.components()
        is_well = all(state == "healthy" for state in components.values())
        data = {"status": "healthy" if is_well else "degraded", **_uptime(), "components": components}
        return success(data, message="everything answers" if is_well else "a part doesn't answer")

    async def status(self, request: Request) -> Response:
        """Answer `GET /status`: how many characters there are, and whose trading is halted, as far as is known."""
        async with self._backend.calling(request):
            components = await self.components()
            agents, trading = await asyncio.gather(self._agents(), self._trading())
        is_well = all(state == "healthy" for state in components.values())
        system = {"status": "healthy" if is_well else "degraded", **_uptime()}
        return success({"system": system, "components": components, "agents": agents, "trading": trading})

    async def _agents(self) -> dict[str, Any] | None:
        stub, total, active = self._backend.stubs[AgentServiceStub], 0, 0
        request = agents_pb.ListAgentsRequest(page_size=_PAGE)
        try:
            while True:
                page = await stub.ListAgents(request, timeout=self._backend.settings.default_deadline_seconds)
                total += len(page.agents)
                active += sum(agent.is_active for agent in page.agents)
                if not page.next_page_token:
                    return {"total": total, "active": active, "inactive": total - active}
                request.page_token = page.next_page_token
        except grpc.aio.AioRpcError:
            return None

    async def _trading(self) -> dict[str, Any] | None:
        stub, wallets, halted, is_halted = self._backend.stubs[TradingServiceStub], 0, 0, False
        request = trading_pb.ListWalletsRequest(page_size=_PAGE)
        try:
            while True:
                page = await stub.ListWallets(request, timeout=self._backend.settings.default_deadline_seconds)
                wallets += len(page.wallets)
                halted += sum(wallet.HasField("halt") for wallet in page.wallets)
                is_halted = is_halted or any(wallet.halt.is_for_all for wallet in page.wallets)
                if not page.next_page_token:
                    return {"wallets": wallets, "halted": halted, "is_halted_for_all": is_halted}
                request.page_token = page.next_page_token
        except grpc.aio.AioRpcError:
            return None


def _uptime() -> dict[str, Any]:
    return {"uptime": round(time.monotonic() - _BEGAN, 1), "version": suite_version()}


async def _serve(channels: list[tuple[str, grpc.aio.Channel]]) -> bool:
    return all(await asyncio.gather(*(_serves(name, channel) for name, channel in channels)))


async def _serves(name: str, channel: grpc.aio.Channel) -> bool:
    # Nobody's session goes with it: health is for everybody.
    identity.relay_for(None)
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=name), timeout=_ANSWER_SECONDS
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
