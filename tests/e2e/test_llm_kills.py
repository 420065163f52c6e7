"""`kill -9` of the llm service in the midst of 500 calls: a budget is never overspent, and the dead hold nothing."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from tests.conftest import ROOT
from tests.e2e.suite import clean_environment
from tests.integration.llm.openai_server import OpenAiServer, openai_server
from tests.support.channels import open_as, operator_of
from tests.support.waits import until

_KILLS = 3
_CALLS = 500
_BUDGET = Decimal(2)
_COST = Decimal("0.00017")
"""What the server bills a call, by its prices below: eleven tokens read, three written."""
_REQUEST = pb.GenerateRequest(
    agent_id="agt_a", prompt=pb.Prompt(input="rain"), sampling=pb.Sampling(max_tokens=100), provider="first"
)


@contextlib.asynccontextmanager
async def running(folder: Path, database_url: str, server: OpenAiServer) -> AsyncIterator[LlmServiceStub]:
    """Run the service as a process of its own, and kill it at the end."""
    environment = clean_environment() | {
        "PUPPET_LLM_PORT": "0",
        "PUPPET_LLM_DATA_DIR": str(folder),
        "PUPPET_LLM_DATABASE_URL": database_url,
        "PUPPET_LLM_MAX_CONCURRENT_CALLS": str(2 * _CALLS),
        "PUPPET_LLM_LEASE_SECONDS": "0.5",
        "PUPPET_LLM_PROVIDERS": "first",
        "PUPPET_LLM_FIRST_BASE_URL": server.base_url,
        "PUPPET_LLM_FIRST_MODEL": "small",
        "PUPPET_LLM_FIRST_CONCURRENCY": "20",
        "PUPPET_LLM_FIRST_TIMEOUT_SECONDS": "5",
        "PUPPET_LLM_FIRST_USD_PER_MILLION": "10,20",
    }
    log = folder / "llm.log"
    process = _started(environment, log)
    try:
        ports: list[int] = []

        async def serves() -> bool:
            assert process.poll() is None, log.read_text()
            lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
            ports.extend(line["port"] for line in lines if line["message"] == "serving")
            return bool(ports)

        await until(serves, 90)
        async with open_as(f"127.0.0.1:{ports[0]}", operator_of(folder)) as channel:
            yield LlmServiceStub(channel)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


def _started(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen([sys.executable, "-m", "services.llm"], cwd=ROOT, env=environment, stderr=stream)


async def _budget_of(llm: LlmServiceStub) -> pb.Budget:
    return (await llm.GetBudget(pb.GetBudgetRequest(agent_id="agt_a"))).budget


async def _nothing_is_held(llm: LlmServiceStub) -> None:
    async def is_so() -> bool:
        budget = await _budget_of(llm)
        return budget.reserved_usd == "0" and budget.reserved_tokens == 0

    await until(is_so)


async def test_a_budget_is_never_overspent_and_the_dead_hold_nothing(tmp_path: Path, database_url: str) -> None:
    async with openai_server() as server:
        for kill in range(_KILLS):
            async with running(tmp_path, database_url, server) as llm:
                await llm.SetBudget(pb.SetBudgetRequest(agent_id="agt_a", usd_per_day=str(_BUDGET)))
                await _nothing_is_held(llm)
                wanted = len(server.calls) + 20 * (kill + 1)
                calls = [asyncio.ensure_future(llm.Generate(_REQUEST)) for _ in range(_CALLS)]

                async def is_amid(wanted: int = wanted) -> bool:
                    return len(server.calls) >= wanted

                await until(is_amid)
            await asyncio.gather(*calls, return_exceptions=True)
        async with running(tmp_path, database_url, server) as llm:
            await _nothing_is_held(llm)
            killed = Decimal((await _budget_of(llm)).spent_usd)
            assert len(server.calls) * _COST <= killed <= _BUDGET
            # Room for a few more: all call at once until nothing that an attempt may cost fits any more.
            limit = killed + Decimal("0.02")
            await llm.SetBudget(pb.SetBudgetRequest(agent_id="agt_a", usd_per_day=str(limit)))
            answers: list[object] = [pb.GenerateResponse()]
            while any(isinstance(answer, pb.GenerateResponse) for answer in answers):
                answers = await asyncio.gather(*(llm.Generate(_REQUEST) for _ in range(100)), return_exceptions=True)
                await _nothing_is_held(llm)
            spent = Decimal((await _budget_of(llm)).spent_usd)
    assert len(server.calls) * _COST <= spent <= limit
