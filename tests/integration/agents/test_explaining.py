"""Explanations: why something was done, from what, what it took, and what came of it, through restarts."""

import json
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import Open, OpenChannel, OpenWith, create, next_of, reason_of
from tests.integration.agents.test_reflecting import concluding, live
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
POST, REPLY, TRADE, DRAFT = (
    log_pb.ACTIVITY_KIND_POST,
    log_pb.ACTIVITY_KIND_REPLY,
    log_pb.ACTIVITY_KIND_TRADE,
    log_pb.ACTIVITY_KIND_DRAFT,
)
KEY = "sk-proj-4f9aT2mQ8xZr71LwVbN3"
sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def explain(agents: AgentServiceStub, name: str) -> pb.ExplainActivityResponse:
    return await agents.ExplainActivity(pb.ExplainActivityRequest(id=name))


async def post(agents: AgentServiceStub, topic: str = "", request_id: str = "post") -> log_pb.Activity:
    request = pb.TriggerPostRequest(agent_id="wren", topic=topic, request_id=request_id)
    return (await agents.TriggerPost(request, timeout=WAIT_SECONDS)).activity


def all_text(found: Any) -> str:
    return str(found)


async def test_a_post_is_explained_by_any_of_its_ids_and_after_a_restart(
    reopen: Open, world: World, persona: Persona
) -> None:
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        await world.memory.remember("wren", NewMemory("Gates keep no grudges.", "core", Source.OPERATOR), "seed")
        activity = await post(agents)
        before = await explain(agents, activity.id)
    async with reopen() as agents:
        names = (activity.id, activity.workflow_id, activity.post.post_id, activity.post.network_post_id)
        found = [await explain(agents, name) for name in names]
    assert all(one == before for one in found)
    assert before.activity == activity
    assert (before.occasion.trigger, before.occasion.principal) == (log_pb.ACTIVITY_TRIGGER_REQUEST, "operator")
    choice = before.topic_choice
    assert choice.topic == activity.post.topic
    assert choice.origin == why_pb.TOPIC_ORIGIN_INTERESTS
    assert [one.topic for one in choice.options] == persona["personality"]["interests"]
    chosen = [one.topic for one in choice.options if one.is_chosen]
    assert sorted(chosen) == sorted(choice.topic.split(", "))
    [call] = activity.writing.calls
    [prompt] = before.prompts
    assert (call.prompt_id, call.purpose) == (prompt.id, log_pb.MODEL_CALL_PURPOSE_WRITE)
    assert (prompt.input.label, prompt.input.text, prompt.input.is_external) == ("topic", choice.topic, False)
    assert prompt.candidate_count == len(activity.writing.candidates)
    assert not before.HasField("draft")
    assert not before.others


@sqlite
async def test_the_memories_of_a_prompt_are_told_with_their_source_and_what_became_of_them(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    await world.memory.remember("wren", NewMemory("gates keep no grudges", "core", Source.OPERATOR), "seed")
    found = await explain(agents, (await post(agents, "gates")).id)
    assert found.topic_choice.origin == why_pb.TOPIC_ORIGIN_ASKED
    shown = {memory.text: memory for memory in found.memories}["gates keep no grudges"]
    assert shown.source == "operator"
    assert shown.use in (log_pb.MEMORY_USE_TOLD, log_pb.MEMORY_USE_SHOWN)
    assert "gates keep no grudges" in [part.text for part in found.prompts[0].notes]


@sqlite
async def test_what_a_model_is_not_shown_was_found_and_no_more(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.llm.is_told = False
    await agents.CreateAgent(create(persona))
    await world.memory.remember("wren", NewMemory("gates keep no grudges", "core", Source.OPERATOR), "seed")
    found = await explain(agents, (await post(agents, "gates")).id)
    assert {memory.use for memory in found.memories} == {log_pb.MEMORY_USE_FOUND}
    assert not found.activity.writing.calls[0].background_shown


@sqlite
async def test_a_reply_has_the_words_of_a_stranger_marked_and_every_candidate_with_its_verdict(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
        post_id = world.social.mention("wren", "gatekeeper", "@wren is the ladder still there")
        request = pb.TriggerReplyRequest(agent_id="wren", network_post_id=post_id, request_id="r")
        activity = (await agents.TriggerReply(request, timeout=WAIT_SECONDS)).activity
        found = await explain(agents, activity.reply.network_post_id)
    assert found.occasion.network_post_id == post_id
    prompt = found.prompts[-1]
    assert (prompt.input.text, prompt.input.is_external) == ("is the ladder still there", True)
    marked = [*prompt.background, *prompt.notes]
    assert not any(part.is_external for part in marked)
    assert sum(one.is_chosen for one in found.activity.writing.candidates) == 1


@sqlite
async def test_what_fell_before_a_second_try_is_told_too(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    plain = world.llm.speak
    world.llm.speak = lambda prompt, rng: "No." if len(world.llm.prompts) < 2 else plain(prompt, rng)
    activity = await post(agents, "gates")
    assert activity.kind == POST
    writing = activity.writing
    assert len(writing.calls) == 2
    fallen = [one for one in writing.candidates if one.text == "No."]
    assert len(fallen) == writing.calls[0].candidate_count
    assert all(one.objections for one in fallen)
    # The same prompt was asked twice, and is kept once.
    assert len((await explain(agents, activity.id)).prompts) == 1


@sqlite
async def test_no_secret_gets_into_a_kept_prompt(agents: AgentServiceStub, world: World, persona: Persona) -> None:
    persona["custom_system_prompt"] = f"You are Wren. Your key is {KEY}."
    await agents.CreateAgent(create(persona))
    await world.memory.remember("wren", NewMemory(f"gates open with {KEY}", "core", Source.OPERATOR), "seed")
    found = await explain(agents, (await post(agents, "gates")).id)
    assert KEY in world.llm.prompts[0].system
    assert KEY not in all_text(found.prompts)
    assert "[redacted]" in found.prompts[0].system
    preview = await agents.PreviewPrompt(pb.PreviewPromptRequest(agent_id="wren", topic="gates"))
    assert KEY not in all_text(preview.prompts)


@sqlite
async def test_a_trade_tells_of_the_scores_and_of_the_memories_that_moved_them(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    await world.memory.remember("wren", NewMemory("MOSS was kind to me.", "trade", Source.SELF, valence=1.0), "seed")
    await world.memory.remember("wren", NewMemory("Gates were kind to me.", "trade", Source.SELF, valence=1.0), "other")
    request = pb.TriggerTradeRequest(agent_id="wren", request_id="t")
    activity = (await agents.TriggerTrade(request, timeout=WAIT_SECONDS)).activity
    assert activity.kind == TRADE
    for name in (activity.trade.swap.trade_id, activity.trade.swap.signature):
        found = await explain(agents, name)
        assert found.activity == activity
    assert [(one.text, one.use) for one in found.memories] == [("MOSS was kind to me.", log_pb.MEMORY_USE_WEIGHED)]
    assert found.activity.trade.scores[0].symbol == "MOSS"
    assert not found.prompts


@sqlite
async def test_a_draft_is_explained_with_who_approved_it(
    open_channel: OpenChannel, settings: AgentsSettings, persona: Persona
) -> None:
    async with open_channel(settings) as channel:
        agents, drafts = AgentServiceStub(channel), DraftServiceStub(channel)
        await agents.CreateAgent(create(persona | {"approval": "all"}))
        waiting = await post(agents, "gates")
        assert waiting.kind == DRAFT
        found = await explain(agents, waiting.workflow_id)
        assert (found.draft.state, found.draft.principal) == ("waiting", "")
        assert await explain(agents, waiting.draft.draft_id) == found
        await drafts.ApproveDraft(drafts_pb.ApproveDraftRequest(id=waiting.draft.draft_id, request_id="yes"))
        [done] = await next_of(agents, POST)
        found = await explain(agents, waiting.workflow_id)
        assert await explain(agents, waiting.draft.draft_id) == found
    assert found.activity == done
    assert (found.draft.principal, found.draft.draft_id) == ("operator", waiting.draft.draft_id)
    assert found.draft.HasField("decide_time")
    assert [other.kind for other in found.others] == [DRAFT]
    assert (found.occasion.principal, found.topic_choice.topic) == ("operator", "gates")
    assert len(found.prompts) == 1


@sqlite
async def test_a_reflection_tells_of_its_evidence_and_of_what_the_model_answered(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 8_000, "max_hours_between_posts": 8_000}
    persona["solana_integration"]["trading_enabled"] = False
    world.llm.judge = concluding
    async with open_with(settings.model_copy(update={"speed": 6_000.0})) as agents:
        await agents.CreateAgent(create(persona))
        await live(world)
        [activity] = await next_of(agents, log_pb.ACTIVITY_KIND_REFLECTION, seconds=60)
        found = await explain(agents, activity.id)
    evidence = {one for conclusion in activity.reflection.conclusions for one in conclusion.evidence_memory_ids}
    told = {one.memory_id for one in found.memories if one.use == log_pb.MEMORY_USE_TOLD}
    assert told == evidence
    assert len(found.prompts) == len(activity.writing.calls) == 2
    # What others have said is marked in the prompt that holds it, and in no other.
    assert [all(part.is_external for part in prompt.context) for prompt in found.prompts] == [False, True]
    assert all(json.loads(one.text) for one in activity.writing.candidates)


@sqlite
async def test_what_an_event_and_the_schedule_began_says_so(
    open_channel: OpenChannel, settings: AgentsSettings, persona: Persona
) -> None:
    async with open_channel(settings) as channel:
        agents, events = AgentServiceStub(channel), EventServiceStub(channel)
        await agents.CreateAgent(create(persona))
        wanted = events_pb.Event(
            agent_ids=["wren"],
            priority=events_pb.EVENT_PRIORITY_HIGH,
            scheduled_post=events_pb.ScheduledPost(topic="gates"),
        )
        published = await events.PublishEvent(events_pb.PublishEventRequest(event=wanted, request_id="e"))
        [activity] = await next_of(agents, POST)
        found = await explain(agents, activity.id)
    assert found.occasion.trigger == log_pb.ACTIVITY_TRIGGER_EVENT
    assert found.occasion.event_id == published.event.id
    async with open_channel(settings.model_copy(update={"speed": 2_000.0})) as channel:
        agents = AgentServiceStub(channel)
        posts = await next_of(agents, POST, number=2)
        found = await explain(agents, posts[1].id)
    assert found.occasion.trigger == log_pb.ACTIVITY_TRIGGER_SCHEDULE
    assert found.occasion.due_time.ToDatetime().isoformat()[:19] in posts[1].workflow_id
    assert found.occasion.due_time.ToNanoseconds() <= posts[1].create_time.ToNanoseconds()


@sqlite
async def test_what_nobody_did_has_no_explanation(agents: AgentServiceStub) -> None:
    for name in ("act_9", "act_99999999999999999999", "drf_none", "pst_none", "post/wren/1", "7"):
        code, reason, _ = await reason_of(explain(agents, name))
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ACTIVITY_NOT_FOUND"), name


@sqlite
async def test_a_preview_shows_the_prompt_and_leaves_no_trace(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    await world.memory.remember("wren", NewMemory("gates keep no grudges", "core", Source.OPERATOR), "seed")
    stored, asked = len(world.memory.requests), len(world.llm.providers)
    wanted = pb.PreviewPromptRequest(agent_id="wren", topic="gates")
    found = await agents.PreviewPrompt(wanted)
    assert (found.behaviour, found.topic_choice.topic, found.mood.label != "") == ("post", "gates", True)
    assert [part.text for part in found.prompts[0].notes if part.label == "You remember"] == ["gates keep no grudges"]
    wanted = pb.PreviewPromptRequest(agent_id="wren", text="@wren are there gates")
    answer = await agents.PreviewPrompt(wanted)
    assert (answer.behaviour, answer.prompts[0].input.text) == ("reply", "are there gates")
    assert answer.prompts[0].input.is_external
    others = (
        pb.PreviewPromptRequest(agent_id="wren", behaviour="remark", text="It rains."),
        pb.PreviewPromptRequest(agent_id="wren", behaviour="trade_post", topic="bought 1 SOL of MOSS"),
    )
    for other in others:
        shown = await agents.PreviewPrompt(other)
        assert len(shown.prompts) == 1
    thought = await agents.PreviewPrompt(pb.PreviewPromptRequest(agent_id="wren", behaviour="reflect"))
    assert not thought.prompts
    assert (len(world.memory.requests), len(world.llm.providers), len(world.llm.prompts)) == (stored, asked, 0)
    assert not world.social.posts


@sqlite
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"behaviour": "trade"}, "behaviour"),
        ({"behaviour": "dance"}, "behaviour"),
        ({"behaviour": "reply"}, "text"),
        ({"behaviour": "remark"}, "text"),
        ({"behaviour": "trade_post"}, "topic"),
        ({"text": "hello", "counterpart_id": "nobody"}, "counterpart_id"),
    ],
)
async def test_a_preview_of_nothing_names_the_field(
    agents: AgentServiceStub, persona: Persona, fields: dict[str, Any], field: str
) -> None:
    await agents.CreateAgent(create(persona))
    code, _, named = await reason_of(agents.PreviewPrompt(pb.PreviewPromptRequest(agent_id="wren", **fields)))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, {field})


@sqlite
async def test_whoever_tries_out_how_a_character_talks_is_no_stranger_to_it_and_goes_on_talking(
    reopen: Open, world: World, persona: Persona
) -> None:
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        stored = dict(world.memory.stored)
        said = [pb.PreviewTurn(text="Do gates sleep?"), pb.PreviewTurn(text="Only the small ones.", is_own=True)]
        asked = pb.PreviewPromptRequest(agent_id="wren", text="And you?", is_caller=True, conversation=said)
        [prompt] = (await agents.PreviewPrompt(asked)).prompts
        [stranger] = (await agents.PreviewPrompt(pb.PreviewPromptRequest(agent_id="wren", text="And you?"))).prompts
    assert (prompt.input.text, prompt.input.is_external, stranger.input.is_external) == ("And you?", False, True)
    assert [(turn.label, turn.text, turn.is_external) for turn in prompt.conversation] == [
        ("your maker", "Do gates sleep?", False),
        ("you", "Only the small ones.", False),
    ]
    assert "a stranger" not in str(prompt)
    assert "a stranger" in str(stranger)
    assert world.memory.stored == stored


@sqlite
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (pb.PreviewPromptRequest(text="hm", is_caller=True, counterpart_id="odd"), "counterpart_id"),
        (pb.PreviewPromptRequest(text="hm", conversation=[pb.PreviewTurn(text="hm")]), "conversation"),
        (
            pb.PreviewPromptRequest(text="hm", is_caller=True, conversation=[pb.PreviewTurn()]),
            "conversation[0].text",
        ),
    ],
)
async def test_a_conversation_that_is_nobodys_is_refused(
    agents: AgentServiceStub, persona: Persona, wanted: pb.PreviewPromptRequest, field: str
) -> None:
    await agents.CreateAgent(create(persona))
    wanted.agent_id = "wren"
    code, _, named = await reason_of(agents.PreviewPrompt(wanted))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, {field})
