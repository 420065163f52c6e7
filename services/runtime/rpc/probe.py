"""Asks a service whether it serves."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def is_serving(address: str, timeout_seconds: float = 2.0) -> bool:
    """Tell whether the service at `host:port` says so itself; False as well when nobody answers in time."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout_seconds
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
