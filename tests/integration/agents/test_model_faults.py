"""What is told of a model's provider that fails, and when: a server that really listens, behind the llm service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.agents.adapters.llm_client import LlmClient
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.llm.bootstrap import opener as llm_opener
from services.llm.settings import LlmSettings
from services.runtime.clock import SystemClock
from services.runtime.ids import new_id
from services.runtime.rpc.server import Lifecycle
from tests.conftest import Serve
from tests.fakes.agents import World
from tests.integration.agents.conftest import create
from tests.integration.llm.conftest import provider
from tests.integration.llm.openai_server import Behaviour, OpenAiServer, answers, hangs, openai_server
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]

PROVIDER_SECONDS = 1.0

PAGE = "<html><body>502 Bad Gateway</body></html>"
TOO_LONG = {"error": {"message": "at most 8192 tokens fit", "code": "context_length_exceeded"}}

# What the server does, and what the caller hears of it. The suite's own patience is a minute.
FAULTS: dict[str, tuple[Behaviour | None, str]] = {
    "rate limit": (
        answers({}, 429, {"retry-after": "30"}),
        "its rate limit is reached",
    ),
    "quota": (
        answers({"error": {"message": "see your plan", "code": "insufficient_quota"}}, 429),
        "its quota is used up (HTTP 429, insufficient_quota)",
    ),
    "400": (answers(TOO_LONG, 400), "refused the request (HTTP 400, context_length_exceeded): at most 8192 tokens fit"),
    "401": (answers({"error": {"code": "invalid_api_key"}}, 401), "refused the key (HTTP 401, invalid_api_key)"),
    "402": (answers({"error": {"code": "no_credit"}}, 402), "has no credit left (HTTP 402, no_credit)"),
    "404": (answers({"error": "no model 'small'"}, 404), "has no such model or path (HTTP 404): no model 'small'"),
    "500": (answers({}, 500), "failed with HTTP 500"),
    "503": (answers({}, 503, {"retry-after": "2"}), "failed with HTTP 503"),
    "HTML": (answers(PAGE), "answered something else than text"),
    "HTML 502": (answers(PAGE, 502), "failed with HTTP 502"),
    "hang": (hangs, "did not answer in time"),
    "server down": (None, "could not be reached"),
}


@pytest.fixture
async def model() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as server:
        yield server


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"


@contextlib.asynccontextmanager
async def suite(serve: Serve, world: World, base_url: str, tmp_path: Path, url: str) -> AsyncIterator[AgentServiceStub]:
    """Serve the agents with the llm service, whose one provider is at this URL."""
    there = provider("elsewhere", base_url, timeout_seconds=PROVIDER_SECONDS)
    llm = LlmSettings(port=0, providers=(there,), data_dir=tmp_path / "llm")
    settings = AgentsSettings(
        port=0, data_dir=tmp_path, database_url=url, speed=1e-6, poll_seconds=0.02, patience_seconds=10 * WAIT_SECONDS
    )
    async with serve("llm", llm, llm_opener(llm)) as channel:
        client = LlmClient(LlmServiceStub(channel))

        def opener(lifecycle: Lifecycle) -> Any:
            return served(settings, lifecycle, SystemClock(), world.memory, client, world.social, world.trading)

        async with serve("agents", settings, opener) as agents:
            yield AgentServiceStub(agents)


@pytest.mark.parametrize("fault", FAULTS)
async def test_who_lets_a_character_post_hears_what_its_model_is_lacking(
    serve: Serve,
    world: World,
    persona: Persona,
    model: OpenAiServer,
    tmp_path: Path,
    database_url: str,
    fault: str,
    record_property: Callable[[str, object], None],
) -> None:
    behaviour, told = FAULTS[fault]
    model.next.extend([behaviour] * 100 if behaviour else [])
    # Port 9 is "discard": nothing listens there.
    base_url = model.base_url if behaviour else "http://127.0.0.1:9/v1"
    async with suite(serve, world, base_url, tmp_path, database_url) as agents:
        await agents.CreateAgent(create(persona))
        began = asyncio.get_running_loop().time()
        request = pb.TriggerPostRequest(agent_id="wren", request_id=new_id("post"))
        answer = await agents.TriggerPost(request, timeout=WAIT_SECONDS)
        seconds = asyncio.get_running_loop().time() - began
    assert answer.activity.kind == log_pb.ACTIVITY_KIND_FAILURE, "the deadline came first"
    assert f"elsewhere: {told}" in answer.activity.reason
    record_property("told", f"{fault}: {seconds:.1f} s: {answer.activity.reason}")


async def test_a_server_that_comes_back_within_seconds_is_no_failure(
    serve: Serve, world: World, persona: Persona, model: OpenAiServer, tmp_path: Path, database_url: str
) -> None:
    model.next.extend([answers({}, 503, {"retry-after": "0.1"})] * 8)
    async with suite(serve, world, model.base_url, tmp_path, database_url) as agents:
        await agents.CreateAgent(create(persona))
        request = pb.TriggerPostRequest(agent_id="wren", request_id=new_id("post"))
        activity = (await agents.TriggerPost(request, timeout=WAIT_SECONDS)).activity
    assert "HTTP 503" not in activity.reason


async def test_a_model_elsewhere_is_told_who_speaks_how_it_feels_and_what_it_knows(
    serve: Serve, world: World, persona: Persona, model: OpenAiServer, tmp_path: Path, database_url: str
) -> None:
    assert "llm_provider" not in persona
    fellow = persona | {"id": "otto", "name": "Otto"}
    async with suite(serve, world, model.base_url, tmp_path, database_url) as agents:
        await agents.CreateAgent(create(fellow))
        await agents.CreateAgent(create(persona))
        for number in range(8):
            request = pb.TriggerPostRequest(agent_id="wren", topic="the terrier", request_id=f"{number}")
            await agents.TriggerPost(request, timeout=WAIT_SECONDS)
        mood = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).mood.label
    prompts = ["\n".join(message["content"] for message in call["messages"]) for call in model.calls]
    for said in (
        "A retired postwoman who still walks her round",
        "curious, brisk, loyal",
        "Forty years on one round.",
        "Never write about: politics",
        "Never use: hustle",
        "no hashtags",
        f"Mood now: {mood}",
        "You remember: The terrier at number nine let me pass.",
    ):
        assert all(said in prompt for prompt in prompts), said
    assert any("You speak to: Otto. He fixes clocks, and is never on time." in prompt for prompt in prompts)
