"""The kit passes for every service of the suite, and finds what is wrong with another."""

import asyncio
import json
import os
import sys
from pathlib import Path

import grpc
import pytest

from conformance.__main__ import FAILED, NOT_TRIED, PASSED, TOKEN
from conformance.calls import Proof
from conformance.cases import read_cases
from conformance.contract import SERVICES
from conformance.report import table
from conformance.results import State
from conformance.run import examine
from tests.conftest import ROOT
from tests.fakes.careless_llm import careless_llm
from tests.integration.conformance.conftest import Found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_of_ours_keeps_its_contract(service: str, found: Found, plain: grpc.aio.Channel) -> None:
    proof = Proof(credential=found.operator)
    verdict = await examine(plain, found.address, read_cases(service), proof, found.given)
    assert {result.state for result in verdict.results} == {State.PASSED}, table(verdict)


async def test_the_faults_of_a_careless_service_are_found() -> None:
    async with careless_llm() as address, grpc.aio.insecure_channel(address) as channel:
        verdict = await examine(channel, address, read_cases("llm"), Proof(), {})
    told = "refused with NOT_FOUND and no reason (no such provider)"
    wanted = "and should be with PROVIDER_NOT_FOUND as the reason in its ErrorInfo"
    faults = {(result.about, result.name): result.faults for result in verdict.of(State.FAILED, is_required=True)}
    assert faults == {
        ("LlmService/Generate", "candidates are written for a prompt with all its parts"): [
            "step 1, LlmService/Generate: provider is not set",
            "step 1, LlmService/Generate: model is not set",
        ],
        ("LlmService/Generate", "a provider that isn't there is refused by its name"): [
            "step 1, LlmService/Generate: it is answered, and should be refused with PROVIDER_NOT_FOUND"
        ],
        ("LlmService/GetProvider", "the provider that is asked first, and one that isn't there"): [
            f"step 3, LlmService/GetProvider: it is {told}, {wanted}"
        ],
    }
    assert not verdict.is_passed
    recommended = {result.about for result in verdict.of(State.FAILED, is_required=False)}
    assert recommended >= {"health", "reflection", "refusals", "LlmService/StreamGenerate", "LlmService/ListModels"}
    assert [result.about for result in verdict.of(State.LEFT_OUT, is_required=False)] == ["no token"]


async def _run(*arguments: str, token: str = "") -> tuple[int, str, str]:
    """Run the kit as a stranger does, and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "conformance", "--service", "llm", *arguments),
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}", TOKEN: token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode()


@pytest.mark.parametrize("service", ["llm"])
async def test_the_exit_code_and_the_table_tell_that_a_service_passes(service: str, found: Found) -> None:
    code, said, _ = await _run("--target", found.address, "--strict", token=found.operator.token("llm"))
    assert (code, said.splitlines()[0], said.splitlines()[-1]) == (
        PASSED,
        f"llm at {found.address}",
        "agents will work with it",
    )


async def test_the_exit_code_and_the_json_tell_that_a_service_does_not_pass() -> None:
    async with careless_llm() as address:
        code, said, _ = await _run("--target", address, "--json")
    told = json.loads(said)
    assert (code, told["passed"], told["service"]) == (FAILED, False, "llm")
    assert {"about", "name", "is_required", "state", "faults"} == set(told["results"][0])


@pytest.mark.parametrize("service", ["llm"])
async def test_who_shows_nothing_is_told_to_show_who_calls(service: str, found: Found) -> None:
    code, said, complained = await _run("--target", found.address)
    assert (code, said) == (NOT_TRIED, "")
    assert "--credential" in complained


async def test_where_nothing_answers_nothing_was_tried(tmp_path: Path) -> None:
    missing = tmp_path / "nobody.json"
    code, _, complained = await _run("--target", "127.0.0.1:9", "--credential", str(missing))
    assert (code, complained) == (NOT_TRIED, f"{missing} can't be read: No such file or directory\n")
