"""The llm service of one's own in `clients/go/llm`: what the conformance kit, and an agent, make of it."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct

from conformance.calls import Proof
from conformance.cases import read_cases
from conformance.report import table
from conformance.results import Verdict
from conformance.run import examine
from puppet.agents.v1 import activity_pb2
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.agents.adapters.llm_client import LlmClient
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.server import Lifecycle, serving
from tests.fakes.agents import World
from tests.support.channels import open_as, operator_of
from tests.support.waits import WAIT_SECONDS
from tools.languages import GO, BuildError, LeftOutError, environment

KEYS = {"apiKey": "a", "apiKeySecret": "b", "accessToken": "c", "accessTokenSecret": "d"}


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[str]:
    """Run the service, which has to be built, on a free port; the value is its address."""
    process = await asyncio.create_subprocess_exec(
        *("bin/llm", "-address", "127.0.0.1:0"), cwd=GO.path, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def examined() -> Verdict:
    """Return what the conformance kit says of it."""
    async with listening() as address, grpc.aio.insecure_channel(address) as channel:
        return await examine(channel, address, read_cases("llm"), Proof(), {})


async def posted(folder: Path) -> activity_pb2.Activity:
    """Return what an agent does whose words it writes."""
    settings = AgentsSettings(port=0, data_dir=folder, speed=1e-6, poll_seconds=0.02)
    neighbours = World()
    async with listening() as address, grpc.aio.insecure_channel(address) as to_llm:
        client = LlmClient(LlmServiceStub(to_llm))

        def opener(lifecycle: Lifecycle) -> Any:
            ports = (neighbours.memory, client, neighbours.social, neighbours.trading)
            return served(settings, lifecycle, SystemClock(), *ports)

        async with serving("agents", settings, opener) as agents, open_as(agents, operator_of(folder)) as channel:
            stub, persona = AgentServiceStub(channel), Struct()
            persona.update(
                {
                    "id": "wren",
                    "name": "Wren",
                    "is_active": True,
                    "post_examples": [
                        "the dog at nine let me pass. we nodded.",
                        "a gate that squeaks is a gate that talks.",
                    ],
                    "twitter_credentials": dict(KEYS),
                }
            )
            await stub.CreateAgent(pb.CreateAgentRequest(persona=persona))
            request = pb.TriggerPostRequest(agent_id="wren", request_id="1", topic="the weather")
            return (await stub.TriggerPost(request, timeout=WAIT_SECONDS)).activity


async def tried() -> tuple[list[str], list[str]]:
    """Return what came of both in words, and what was wrong."""
    try:
        await GO.build()
    except LeftOutError as why:
        return [f"The llm service in Go is left out: {why}"], []
    except BuildError as fault:
        return [], [str(fault)]
    verdict = await examined()
    with tempfile.TemporaryDirectory(prefix="puppet-own-llm-") as folder:
        activity = await posted(Path(folder))
    words = f"{activity_pb2.ActivityKind.Name(activity.kind)} “{activity.summary}” ({activity.reason})"
    faults = [] if verdict.is_passed else ["the llm service in Go doesn't pass the conformance kit"]
    if activity.kind != activity_pb2.ACTIVITY_KIND_POST:
        faults.append(f"an agent with the llm service in Go: {words}")
    return [f"The llm service in Go: {table(verdict)}", f"An agent with it: {words}"], faults
