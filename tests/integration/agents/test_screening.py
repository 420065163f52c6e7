"""A second model judges what is about to be published, where one is configured."""

from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.prompts import PromptParts
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenWith, create
from tests.support.waits import WAIT_SECONDS

POST, PASS, FAILURE = log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_FAILURE


@pytest.fixture
def screened(settings: AgentsSettings) -> AgentsSettings:
    return settings.model_copy(update={"screen_provider": "second", "screen_model": "careful"})


async def _post(open_with: OpenWith, settings: AgentsSettings, persona: dict[str, Any]) -> log_pb.Activity:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
        request = pb.TriggerPostRequest(agent_id="wren", request_id="one", topic="gates")
        return (await agents.TriggerPost(request, timeout=WAIT_SECONDS)).activity


async def test_what_the_second_model_objects_to_gives_way_to_the_next_best(
    open_with: OpenWith, screened: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    judged: list[PromptParts] = []

    def judge(prompt: PromptParts) -> str:
        judged.append(prompt)
        return '{"harms": ["hatred"]}' if len(judged) == 1 else '{"harms": []}'

    world.llm.judge = judge
    activity = await _post(open_with, screened, persona)
    assert activity.kind == POST
    assert "second" in world.llm.providers
    assert judged[0].input != judged[1].input
    assert world.llm.awaited == [True] * 3, "somebody waits for its judgements as well"
    assert world.social.published("acc_wren")[0].endswith(judged[1].input)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"harms": ["self-harm"]}', "sees self-harm"),
        ("I can't judge that.", "judgement can't be read"),
        ('{"harms": ["hatred"], "harms": []}', "judgement can't be read"),
        ('{"harms": [], "note": "hatred"}', "judgement can't be read"),
        ("[]", "judgement can't be read"),
    ],
)
async def test_what_it_objects_to_or_does_not_judge_is_not_published(
    open_with: OpenWith, screened: AgentsSettings, world: World, persona: dict[str, Any], answer: str, reason: str
) -> None:
    world.llm.judge = lambda _: answer
    activity = await _post(open_with, screened, persona)
    assert activity.kind == PASS
    assert reason in activity.reason
    assert world.social.published("acc_wren") == []


async def test_a_judgement_that_was_withheld_is_none(
    open_with: OpenWith, screened: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    world.llm.withholds = True
    activity = await _post(open_with, screened, persona)
    assert (activity.kind, world.social.published("acc_wren")) == (PASS, [])
    assert "doesn't judge it" in activity.reason


async def test_a_second_model_that_is_not_configured_is_a_failure_and_no_permission(
    open_with: OpenWith, screened: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    world.llm.unknown_providers = {"second"}
    activity = await _post(open_with, screened, persona)
    assert activity.kind == FAILURE
    assert world.social.published("acc_wren") == []


async def test_words_that_were_not_judged_yet_are_asked_for_again_under_the_same_id(
    open_with: OpenWith, screened: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    is_there = iter([False])

    def judge(_: PromptParts) -> str:
        if next(is_there, True):
            return '{"harms": []}'
        raise DependencyUnavailable("llm", 0.01)

    world.llm.judge = judge
    assert (await _post(open_with, screened, persona)).kind == POST
    wrote, judged, *again = world.llm.request_ids
    assert wrote != judged
    assert again == [wrote, judged]
