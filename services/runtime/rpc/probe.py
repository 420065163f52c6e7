"""Asks a service whether it serves, and of which version it is."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.rpc.health import VERSION_KEY

_SERVING = health_pb2.HealthCheckResponse.SERVING


async def is_serving(address: str, timeout_seconds: float = 2.0, *, name: str = "") -> bool:
    """Tell whether the service at `host:port` says so of a name; False as well when nobody answers in time."""
    return (await _asked(address, timeout_seconds, name))[0]


async def version_at(address: str, timeout_seconds: float = 2.0) -> str:
    """Return the version of the suite that the service at `host:port` says it is of; empty when it says none."""
    return (await _asked(address, timeout_seconds))[1]


async def _asked(address: str, timeout_seconds: float, name: str = "") -> tuple[bool, str]:
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        request = health_pb2.HealthCheckRequest(service=name)
        call = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout_seconds)
        try:
            answer = await call
            told = {name: str(value) for name, value in await call.trailing_metadata() or ()}
        except grpc.aio.AioRpcError:
            return False, ""
    return answer.status == _SERVING, told.get(VERSION_KEY, "")
