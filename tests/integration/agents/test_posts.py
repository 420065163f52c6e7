"""Posts: by the schedule and on demand, once each, whatever dies in between."""

import asyncio
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.ports.neighbours import NewMemory, Refused, Source
from services.agents.ports.stored import Post, Progress
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import (
    KEYS,
    Open,
    OpenWith,
    addressed,
    create,
    log_of,
    next_of,
    reason_of,
    until,
    update,
)
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]


def often(persona: Persona) -> Persona:
    """Return the persona with a post every 0.01 h, and nothing else on its mind."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 0.01, "max_hours_between_posts": 0.01}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


async def post(agents: AgentServiceStub, request_id: str, topic: str = "") -> pb.TriggerPostResponse:
    return await agents.TriggerPost(
        pb.TriggerPostRequest(agent_id="wren", topic=topic, request_id=request_id), timeout=WAIT_SECONDS
    )


def progress_of(world: World) -> Progress:
    """Return what became of the one post that was asked for."""
    [(_, _, _, sent)] = world.social.posts.values()
    return sent.progress


async def test_an_agent_that_posts_every_hundredth_of_an_hour_does(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    # 0.01 h are 36 s: at this speed, 0.12 s.
    async with open_with(settings.model_copy(update={"speed": 300.0})) as agents:
        await agents.CreateAgent(create(often(persona)))
        posts = await next_of(agents, log_pb.ACTIVITY_KIND_POST, number=3)
        status = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    texts = [activity.summary for activity in posts]
    assert set(texts) <= set(world.social.published("acc_wren"))
    assert len(set(texts)) == 3
    assert status.post_count >= 3
    assert [activity.workflow_id.split("/")[:2] for activity in posts] == [["post", "wren"]] * 3
    assert not any(world.llm.awaited)


async def test_a_post_says_what_it_is_about_and_is_remembered(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    activity = (await post(agents, "one", "gates")).activity
    assert activity.kind == log_pb.ACTIVITY_KIND_POST
    assert "gates" in activity.summary
    assert "topic: gates" in activity.reason
    assert world.llm.awaited == [True]
    [remembered] = [memory for memory in world.memory.of("wren") if memory.kind == "post"]
    assert (remembered.text, remembered.source, remembered.source_id) == (
        activity.summary,
        "self",
        activity.post.network_post_id,
    )


async def test_the_same_request_id_posts_once_even_at_the_same_time(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    first, second = await asyncio.gather(post(agents, "one"), post(agents, "one"))
    assert first == second == await post(agents, "one")
    assert len(world.social.published("acc_wren")) == 1
    assert (await post(agents, "two")).workflow_id != first.workflow_id
    assert len(world.social.published("acc_wren")) == 2


async def test_a_text_that_holds_a_wallets_key_is_not_published(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.keys["wren"] = "under the stairs"
    world.llm.speak = lambda _prompt, _rng: "The lantern keeps gates beside a button under the stairs."
    silent = (await post(agents, "one", "gates")).activity
    assert (silent.kind, silent.reason) == (log_pb.ACTIVITY_KIND_PASS, "the text held the key of a wallet")
    assert not world.social.posts


async def test_a_post_of_an_agent_with_a_wallet_waits_for_the_trading_service(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.line.failures = 2
    assert (await post(agents, "one", "gates")).activity.kind == log_pb.ACTIVITY_KIND_POST
    assert world.trading.line.failures == 0


@pytest.mark.usefixtures("answers_early")
async def test_a_deadline_that_comes_first_leaves_the_workflow_running(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.sending = asyncio.Event()
    request = pb.TriggerPostRequest(agent_id="wren", request_id="one")
    response = await agents.TriggerPost(request, timeout=WAIT_SECONDS)
    assert not response.HasField("activity")
    world.social.sending.set()
    [activity] = await next_of(agents, log_pb.ACTIVITY_KIND_POST)
    assert activity.workflow_id == response.workflow_id


@pytest.mark.usefixtures("answers_early")
async def test_a_restart_in_the_middle_leaves_one_post_and_one_activity(
    reopen: Open, world: World, persona: Persona
) -> None:
    world.social.sending = asyncio.Event()
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        request = pb.TriggerPostRequest(agent_id="wren", request_id="one")
        response = await agents.TriggerPost(request, timeout=WAIT_SECONDS)
        await until(lambda: len(world.social.posts) == 1)
    world.social.sending = None
    async with reopen() as agents:
        [activity] = await next_of(agents, log_pb.ACTIVITY_KIND_POST)
        assert activity.workflow_id == response.workflow_id
        assert await log_of(agents) == [activity]
    assert world.social.published("acc_wren") == [activity.summary]
    assert len(world.llm.prompts) == 1


async def test_a_lost_answer_still_leaves_one_post(agents: AgentServiceStub, world: World, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    world.social.line.failures = 2
    assert (await post(agents, "one")).activity.kind == log_pb.ACTIVITY_KIND_POST
    assert len(world.social.posts) == 1


async def test_an_unknown_outcome_is_waited_for(agents: AgentServiceStub, world: World, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    world.social.looks_until_settled = 2
    activity = (await post(agents, "one")).activity
    assert activity.kind == log_pb.ACTIVITY_KIND_POST
    assert world.social.looks_until_settled == 0


async def test_a_post_that_the_network_takes_later_is_waited_for_and_remembered(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.held = 2
    activity = (await post(agents, "one")).activity
    assert (activity.kind, world.social.published("acc_wren")) == (log_pb.ACTIVITY_KIND_POST, [activity.summary])
    assert activity.summary in [memory.text for memory in world.memory.of("wren")]


async def test_a_post_that_is_held_for_too_long_is_withdrawn_before_the_log_says_failure_and_why(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    world.social.held = 1_000
    async with open_with(settings.model_copy(update={"settle_seconds": 1.0})) as agents:
        await agents.CreateAgent(create(persona))
        activity = (await post(agents, "one")).activity
    assert (activity.kind, activity.failure.reason) == (log_pb.ACTIVITY_KIND_FAILURE, "DEPENDENCY_UNAVAILABLE")
    assert "the network's limit is used up" in activity.reason
    assert not world.social.holding
    assert progress_of(world) is Progress.FAILED


async def test_a_post_that_may_not_be_sent_is_withdrawn_and_the_log_says_why(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.withheld = Refused("social", "CREDITS_USED_UP", "CREDITS_USED_UP: the credits are used up")
    activity = (await post(agents, "one")).activity
    assert (activity.kind, activity.failure.reason) == (log_pb.ACTIVITY_KIND_FAILURE, "CREDITS_USED_UP")
    assert "the credits are used up" in activity.reason
    assert progress_of(world) is Progress.FAILED


async def test_a_post_that_went_out_while_it_was_given_up_is_logged_and_remembered_as_one(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    world.social.looks_until_settled = 1_000
    async with open_with(settings.model_copy(update={"settle_seconds": 1.0})) as agents:
        await agents.CreateAgent(create(persona))
        posting = asyncio.ensure_future(post(agents, "one"))
        await until(lambda: world.social.withdrawals > 0)
        world.social.settle()
        activity = (await posting).activity
    assert (activity.kind, world.social.published("acc_wren")) == (log_pb.ACTIVITY_KIND_POST, [activity.summary])
    assert activity.summary in [memory.text for memory in world.memory.of("wren")]


async def test_what_is_held_of_an_agent_that_is_stopped_is_withdrawn(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.held = 1_000
    posting = asyncio.ensure_future(post(agents, "one"))
    await until(lambda: bool(world.social.holding))
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    activity = (await posting).activity
    assert (activity.kind, progress_of(world)) == (log_pb.ACTIVITY_KIND_FAILURE, Progress.FAILED)
    assert "withdrawn" in activity.reason
    assert not world.social.published("acc_wren")


async def test_what_nobody_waits_for_any_more_is_withdrawn_too_when_its_agent_is_stopped(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.posts["of an earlier version"] = ("acc_wren", "hello", "", Post("pst_0", Progress.UNDER_WAY, "", ""))
    world.social.holding.add("of an earlier version")
    world.social.line.failures = 2
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    await until(lambda: progress_of(world) is Progress.FAILED)


async def test_a_service_that_stays_away_is_a_failure_that_says_so(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.llm.line.failures = 1_000
    activity = (await post(agents, "one")).activity
    assert (activity.kind, activity.failure.reason) == (log_pb.ACTIVITY_KIND_FAILURE, "DEPENDENCY_UNAVAILABLE")
    assert "llm" in activity.reason
    assert not world.social.posts


async def test_what_may_not_be_published_is_a_pass_with_the_reasons(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.llm.speak = lambda _prompt, _rng: "As an AI language model, I can't assist with politics."
    await agents.CreateAgent(create(persona))
    activity = (await post(agents, "one", "letters")).activity
    assert activity.kind == log_pb.ACTIVITY_KIND_PASS
    assert "none of the candidates" in activity.reason
    assert not world.social.posts


async def test_a_provider_that_is_not_configured_leaves_the_choice_to_the_suite(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.llm.unknown_providers = {"grok"}
    await agents.CreateAgent(create(persona | {"llm_provider": "grok"}))
    activity = (await post(agents, "one")).activity
    assert activity.kind == log_pb.ACTIVITY_KIND_POST
    assert "by fake/words in place of grok, which isn't configured" in activity.reason
    assert world.llm.providers == ["grok", ""]
    [notice] = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).notices
    assert (notice.reason, notice.field) == (pb.NOTICE_REASON_PROVIDER_NOT_FOUND, "llm_provider")
    assert notice.description == "the llm service has no provider 'grok'"


async def test_a_provider_that_is_not_configured_is_refused_where_none_may_write_in_its_place(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    async with open_with(settings.model_copy(update={"unknown_provider": "refuse"})) as agents:
        await agents.CreateAgent(create(persona | {"llm_provider": "grok"}))
        world.llm.unknown_providers = {"grok"}
        activity = (await post(agents, "one")).activity
        assert (activity.kind, activity.failure.reason) == (log_pb.ACTIVITY_KIND_FAILURE, "PROVIDER_NOT_FOUND")
        wanted = persona | {"id": "otto", "llm_provider": "grok"}
        assert (await reason_of(agents.CreateAgent(create(wanted))))[2] == {"persona.llm_provider"}
        persona["llm_provider"] = "grok"
        assert (await reason_of(agents.UpdateAgent(update(persona))))[2] == {"persona.llm_provider"}
    assert world.llm.providers == ["grok"]


async def test_whom_an_agent_has_answered_says_nothing_of_what_it_posts_about(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    likes = persona["personality"]["interests"]
    for number, like in enumerate(likes[1:]):
        answer = NewMemory(f"Good evening, {number}.", "interaction", Source.EXTERNAL, author="wren", subject=like)
        await world.memory.remember("wren", answer, f"answer-{number}")
    topics = [(await post(agents, f"number {number}")).activity.post.topic for number in range(8)]
    assert {topic.split(", ")[0] for topic in topics} != {likes[0]}


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_post_remembers_only_what_its_model_was_told(
    agents: AgentServiceStub, world: World, persona: Persona, is_told: bool
) -> None:
    await agents.CreateAgent(create(persona))
    seeds = [memory.text for memory in world.memory.of("wren")]
    world.llm.is_told = is_told
    world.llm.speak = lambda prompt, _: f"{prompt.notes[0].text} That was on the old round."
    activity = (await post(agents, "one", seeds[0])).activity
    assert bool(activity.memories) == is_told


async def test_a_post_to_a_fellow_has_its_handle_in_front(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    other = persona | {"id": "otto", "name": "Otto", "twitter_credentials": dict(KEYS)}
    await agents.CreateAgent(create(other))
    await agents.CreateAgent(create(persona))
    activities = [(await post(agents, f"number {number}")).activity for number in range(6)]
    to_fellows = [activity for activity in activities if activity.post.addressed_handle]
    assert to_fellows
    for activity in activities:
        assert activity.summary.startswith("@otto_handle ") == (activity in to_fellows)


async def test_nobody_is_addressed_whom_the_persona_knows_and_the_suite_does_not(
    agents: AgentServiceStub, persona: Persona
) -> None:
    assert persona["initial_memory"]["relationships"].keys() == {"other_agents", "users"}
    await agents.CreateAgent(create(persona))
    assert await addressed(agents, "wren") == set()


async def test_what_was_written_before_the_agent_was_stopped_is_not_posted(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.llm.thinking = asyncio.Event()
    posting = asyncio.ensure_future(post(agents, "one"))
    await until(lambda: bool(world.llm.prompts))
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    world.llm.thinking.set()
    activity = (await posting).activity
    assert (activity.kind, activity.summary) == (log_pb.ACTIVITY_KIND_PASS, "posts nothing")
    assert not world.social.posts


async def test_what_was_sent_before_the_agent_was_stopped_is_finished_and_said_so(
    reopen: Open, world: World, persona: Persona
) -> None:
    world.social.sending = asyncio.Event()
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        posting = asyncio.ensure_future(post(agents, "one"))
        await until(lambda: bool(world.social.posts))
        await agents.StopAgent(pb.StopAgentRequest(id="wren"))
        posting.cancel()
    world.social.sending = None
    async with reopen() as agents:
        [activity] = await next_of(agents, log_pb.ACTIVITY_KIND_POST)
    assert world.social.published("acc_wren") == [activity.summary]


async def test_a_post_lifts_the_mood(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    before = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).mood.valence
    await post(agents, "one")
    assert (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).mood.valence > before
