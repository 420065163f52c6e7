"""Vectors from the llm service: both services as they really are, the memory service as a process that is killed."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.bootstrap import opener as open_llm
from services.llm.settings import LlmSettings, read_provider
from services.runtime.rpc.principals import PrincipalFiles
from services.runtime.rpc.server import serving
from tests.e2e.memory_process import Service
from tests.integration.memory.calls import Agent, memory, until
from tests.support.channels import open_as, operator_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@contextlib.asynccontextmanager
async def llm_at(data: Path, port: int = 0) -> AsyncIterator[tuple[int, LlmServiceStub]]:
    """Serve the llm service with its fake provider; the value is its port, and what calls it."""
    settings = LlmSettings(port=port, data_dir=data, drain_seconds=0.2, providers=(read_provider("fake"),))
    async with (
        serving("llm", settings, open_llm(settings)) as address,
        open_as(address, operator_of(data)) as channel,
    ):
        yield int(address.rpartition(":")[2]), LlmServiceStub(channel)


async def health(service: Service, name: str) -> int:
    stub = health_pb2_grpc.HealthStub(service.channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)


async def until_meant(agent: Agent, text: str) -> None:
    """Wait until a memory is found by its meaning."""

    async def is_found() -> bool:
        return any(hit.memory.text == text and hit.parts.vector > 0.1 for hit in await agent.hits(text))

    await until(is_found)


async def until_embeddings_are(service: Service, status: int) -> None:
    async def is_told() -> bool:
        return await health(service, "embeddings") == status

    await until(is_told)


async def test_what_is_stored_while_the_llm_service_is_down_and_the_process_is_killed_gets_its_vectors(
    tmp_path: Path, database_url: str
) -> None:
    data = tmp_path / "data"
    PrincipalFiles(data / "auth").prepare(["memory", "llm"])
    async with llm_at(data) as (port, llm):
        service = Service(
            tmp_path,
            database_url,
            embeddings="llm",
            embedding_model="fake/fake",
            embedding_dimensions="64",
            llm_target=f"127.0.0.1:{port}",
        )
        try:
            service.start()
            await service.serves()
            odd, spent = Agent(service.channel, "odd"), Agent(service.channel, "spent")
            await odd.batch(memory(f"the gulls of day {number}") for number in range(150))
            await until_meant(odd, "the gulls of day 7")
            assert (await odd.index()).embedding_model == "llm/fake/fake/64"
            assert await health(service, "puppet.llm.v1.LlmService") == SERVING
            # Who spends is told, and who may not spend keeps nobody waiting.
            grouping = [llm_pb.USAGE_GROUPING_AGENT, llm_pb.USAGE_GROUPING_PURPOSE]
            rows = (await llm.GetUsage(llm_pb.GetUsageRequest(group_by=grouping))).rows
            assert {(row.agent_id, row.purpose) for row in rows} == {("odd", "embed")}
            await llm.SetBudget(llm_pb.SetBudgetRequest(agent_id="spent", tokens_per_day=1))
            await spent.create("a lamp that costs more than there is")
            await odd.create("fog on the water")
            await until_meant(odd, "fog on the water")
            await until_embeddings_are(service, NOT_SERVING)
            assert await health(service, "puppet.memory.v1.MemoryService") == SERVING
            assert (await odd.index()).vectorless_count == 1
            await llm.SetBudget(llm_pb.SetBudgetRequest(agent_id="spent"))
        except BaseException:
            await service.close()
            raise
    try:
        await odd.create("the lamp went out")
        assert (await odd.find("the lamp went out"))[0] == "the lamp went out"
        assert (await odd.index()).vectorless_count == 2
        service.kill("service")
        await service.ended()
        async with llm_at(data, port):
            service.start()
            await service.serves()
            odd, spent = Agent(service.channel, "odd"), Agent(service.channel, "spent")
            await until_meant(odd, "the lamp went out")
            await until_meant(spent, "a lamp that costs more than there is")
            await until_embeddings_are(service, SERVING)
            assert (await odd.index()).vectorless_count == 0
    finally:
        await service.close()
