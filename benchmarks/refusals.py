"""How long a refused call takes at each size up to the limit, and whether health checks are answered meanwhile."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from services.runtime.rpc.credentials import Credential

SIZES = (4 * 1024, 64 * 1024, 400 * 1024, 2**20, 4 * 2**20 - 64)
ROUNDS = 5
_SERVICE = "/puppet.memory.v1.MemoryService"


@dataclass(frozen=True, slots=True)
class Refused:
    """The median of a refused call, and the slowest health check that was asked for while calls were made."""

    call_ms: float
    health_ms: float


def _batch(memory: pb.Memory, size: int) -> bytes:
    one = pb.BatchCreateMemoriesRequest(memories=[memory]).SerializeToString()
    return one * (size // len(one))


REQUESTS: Mapping[str, tuple[str, Callable[[int], bytes]]] = {
    "empty memories": ("BatchCreateMemories", lambda size: _batch(pb.Memory(), size)),
    "memories with wrong values": (
        "BatchCreateMemories",
        lambda size: _batch(pb.Memory(text=" ", importance=9, metadata={"k" * 65: "v"}), size),
    ),
    "a thousand long, wrong memories": (
        "BatchCreateMemories",
        lambda size: _batch(pb.Memory(text="x" * max(1, size // 1_000 - 20)), size),
    ),
    "kinds": ("ListMemories", lambda size: b"\x10\x63" * (size // 2)),
    "metadata": ("ListMemories", lambda size: b"\x62\x03\x0a\x01k" * (size // 5)),
    "a long query": (
        "SearchMemories",
        lambda size: pb.SearchMemoriesRequest(query="\u6771" * (size // 3)).SerializeToString(),
    ),
    "a long page token": (
        "ListMemories",
        lambda size: pb.ListMemoriesRequest(agent_id="a", page_token="[" * (size - 16)).SerializeToString(),
    ),
}


async def measure(address: str, operator: Credential) -> dict[str, dict[int, Refused]]:
    """Measure the memory service."""
    metadata = (("authorization", f"Bearer {operator.fresh_token('memory')}"),)
    found: dict[str, dict[int, Refused]] = {}
    async with grpc.aio.insecure_channel(address) as channel, grpc.aio.insecure_channel(address) as other:
        checks = health_pb2_grpc.HealthStub(other)
        for name, (method, made) in REQUESTS.items():
            found[name] = {}
            call: Any = channel.unary_unary(f"{_SERVICE}/{method}")
            for size in SIZES:
                request = made(size)
                slowest, done = [0.0], asyncio.Event()
                asking = asyncio.create_task(_ask(checks, done, slowest))
                taken = []
                for _ in range(ROUNDS):
                    started = time.perf_counter()
                    with contextlib.suppress(grpc.aio.AioRpcError):
                        await call(request, metadata=metadata)
                    taken.append(time.perf_counter() - started)
                done.set()
                await asking
                found[name][size] = Refused(statistics.median(taken) * 1_000, slowest[0] * 1_000)
    return found


async def _ask(checks: health_pb2_grpc.HealthStub, done: asyncio.Event, slowest: list[float]) -> None:
    while not done.is_set():
        started = time.perf_counter()
        await checks.Check(health_pb2.HealthCheckRequest())
        slowest[0] = max(slowest[0], time.perf_counter() - started)
        await asyncio.sleep(0.001)
