"""The agents service as one process or several, with its neighbours in another."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import psutil
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import StringValue

from benchmarks.agents.neighbours import METHOD
from benchmarks.start import memory_of, plan
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppetctl.clients import proof_in
from puppetctl.local.processes import Child, running
from puppetctl.suite import SERVICES, Program, free_ports, plan_suite, target_setting
from services.runtime.rpc.client import open_channel
from services.runtime.rpc.principals import PrincipalFiles

BATCH = 100
_NEIGHBOURS = ("memory", "llm", "social", "trading")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the neighbours have seen so far: posts, looks for mentions, and how late posts were, in seconds."""

    posts: int
    looks: int
    late: Sequence[float]
    cpu: float
    """Seconds that they themselves have computed."""


class Neighbours:
    """The process in which the other services are."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        self.address = address
        self._seen = channel.unary_unary(METHOD, StringValue.SerializeToString, StringValue.FromString)

    async def seen(self) -> Seen:
        """Return what came by; how late posts were only since this was asked the last time."""
        return Seen(**json.loads((await self._seen(StringValue())).value))


class Service:
    """Calls one of the running replicas, and knows what all of them together take of the machine."""

    def __init__(self, children: Sequence[Child], channel: grpc.aio.Channel) -> None:
        self._children = children
        self._stub = AgentServiceStub(channel)

    @property
    def rss_mb(self) -> float:
        """The resident memory of all replicas, in MB."""
        return sum(memory_of(child.pid).resident for child in self._children) * 2**20 / 1e6

    def cpu(self) -> float:
        """Return how many seconds all replicas have computed."""
        return sum(self.cpu_by_name().values())

    def cpu_by_name(self) -> dict[str, float]:
        """Return how many seconds each process has computed, by its name."""
        return {child.program.name: sum(psutil.Process(child.pid).cpu_times()[:2]) for child in self._children}

    async def create(self, personas: Sequence[dict[str, Any]], at_once: int = 2) -> float:
        """Create agents in batches, a few at once, and return how many a second that were."""
        requests = [_request(some) for some in _batches(personas)]
        free, began = asyncio.Semaphore(at_once), time.perf_counter()

        async def one(request: pb.BatchCreateAgentsRequest) -> None:
            async with free:
                await self._stub.BatchCreateAgents(request, timeout=600)

        await asyncio.gather(*map(one, requests))
        return len(personas) / (time.perf_counter() - began)

    async def create_each(self, personas: Sequence[dict[str, Any]]) -> float:
        """Create agents one after the other, and return how many a second that were."""
        began = time.perf_counter()
        for persona in personas:
            await self._stub.CreateAgent(_request([persona]).requests[0], timeout=60)
        return len(personas) / (time.perf_counter() - began)


def _batches(personas: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(personas), BATCH):
        yield personas[start : start + BATCH]


def _request(personas: Sequence[dict[str, Any]]) -> pb.BatchCreateAgentsRequest:
    request = pb.BatchCreateAgentsRequest()
    for persona in personas:
        struct = Struct()
        struct.update(persona)
        request.requests.add(persona=struct)
    return request


@contextlib.asynccontextmanager
async def neighbours() -> AsyncIterator[Neighbours]:
    """Run the neighbours in a process of their own."""
    process = subprocess.Popen(  # noqa: ASYNC220  # one line is awaited from it, and it is our own module
        [sys.executable, "-m", "benchmarks.agents.neighbours"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = f"127.0.0.1:{int(await asyncio.to_thread(process.stdout.readline))}"
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield Neighbours(address, channel)
    finally:
        process.communicate()


@contextlib.asynccontextmanager
async def agents(
    folder: Path, beside: Neighbours, speed: float = 1.0, replicas: int = 1, database_url: str = ""
) -> AsyncIterator[Service]:
    """Run replicas of the service beside these neighbours; without a database's URL on an SQLite file in the folder."""
    PrincipalFiles(folder / "auth").prepare(SERVICES)
    environment = {target_setting(name): beside.address for name in _NEIGHBOURS}
    environment["XDG_CONFIG_HOME"] = str(folder / "config")
    if database_url:
        environment["PUPPET_AGENTS_DATABASE_URL"] = database_url
    [program] = plan_suite(environment, folder, free_ports(), speed).programs
    programs = [program, *(_replica(program, number) for number in range(2, replicas + 1))]
    async with (
        running(programs, folder / "logs", lambda _name, _what: None) as children,
        open_channel(program.address, "agents", proof_in({}, folder), _DESCRIPTOR) as channel,
    ):
        await asyncio.gather(*(child.wait_healthy() for child in children))
        yield Service(children, channel)


@contextlib.asynccontextmanager
async def five_services(folder: Path) -> AsyncIterator[Service]:
    """Run the five services as they are, with their data in the folder; the sandboxes aren't needed."""
    suite = plan(folder, speed=1.0)
    programs = [program for program in suite.programs if program.name in SERVICES]
    [agents_program] = [program for program in programs if program.name == "agents"]
    async with (
        running(programs, folder / "logs", lambda _name, _what: None) as children,
        open_channel(agents_program.address, "agents", proof_in({}, folder), _DESCRIPTOR) as channel,
    ):
        await asyncio.gather(*(child.wait_healthy() for child in children))
        yield Service(children, channel)


_DESCRIPTOR = pb.DESCRIPTOR.services_by_name["AgentService"]


def _replica(program: Program, number: int) -> Program:
    port = free_ports()["agents"]
    own = {"PORT": str(port), "EXECUTOR_ID": f"agents-{number}", "SOCKET": ""}
    changed = {f"PUPPET_AGENTS_{name}": value for name, value in own.items()}
    environment = {**program.environment, **changed}
    return replace(program, name=f"agents-{number}", port=port, environment=environment)
