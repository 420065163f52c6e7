"""Drafts: what a character proposes, a person decides, and what is approved happens once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from services.agents.settings import AgentsSettings
from services.runtime.waiting import poll
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenChannel, create, next_of, reason_of
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
OpenBoth = Callable[[], AbstractAsyncContextManager[tuple[AgentServiceStub, DraftServiceStub]]]
DRAFT, POST, REPLY = log_pb.ACTIVITY_KIND_DRAFT, log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_REPLY
TRADE, PASS = log_pb.ACTIVITY_KIND_TRADE, log_pb.ACTIVITY_KIND_PASS


@pytest.fixture
def careful(persona: Persona) -> Persona:
    """Return a persona of which everything is approved by a person."""
    return persona | {"approval": "all"}


@pytest.fixture
def open_both(open_channel: OpenChannel, settings: AgentsSettings) -> OpenBoth:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[tuple[AgentServiceStub, DraftServiceStub]]:
        async with open_channel(settings) as channel:
            yield AgentServiceStub(channel), DraftServiceStub(channel)

    return opened


async def proposed(agents: AgentServiceStub, request_id: str = "req_1") -> log_pb.Activity:
    """Ask for a post, which becomes a draft, and return its activity."""
    asked = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id=request_id)
    activity = (await agents.TriggerPost(asked, timeout=WAIT_SECONDS)).activity
    assert activity.kind == DRAFT
    return activity


async def approve(drafts: DraftServiceStub, draft_id: str, request_id: str = "yes", etag: str = "") -> drafts_pb.Draft:
    request = drafts_pb.ApproveDraftRequest(id=draft_id, request_id=request_id, etag=etag)
    return (await drafts.ApproveDraft(request)).draft


async def get(drafts: DraftServiceStub, draft_id: str) -> drafts_pb.Draft:
    return (await drafts.GetDraft(drafts_pb.GetDraftRequest(id=draft_id))).draft


async def comes_to(drafts: DraftServiceStub, draft_id: str, state: "drafts_pb.DraftState.ValueType") -> drafts_pb.Draft:
    """Wait until a draft is in this state."""
    found = await poll(
        lambda: get(drafts, draft_id), lambda draft: draft.state == state, timeout_seconds=30, poll_seconds=0.05
    )
    assert found.state == state
    return found


async def test_what_waits_is_not_published_and_what_is_approved_is_once(
    open_both: OpenBoth, world: World, careful: Persona
) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        activity = await proposed(agents)
        [draft] = (await drafts.ListDrafts(drafts_pb.ListDraftsRequest(agent_ids=["wren"]))).drafts
        assert (draft.id, draft.state) == (activity.draft.draft_id, drafts_pb.DRAFT_STATE_WAITING)
        assert draft.post.text == draft.summary == activity.draft.words
        assert "gates" in draft.reason
        assert [item.is_chosen for item in draft.writing.candidates].count(True) == 1
        assert not world.social.posts
        for _ in range(2):
            approved = await approve(drafts, draft.id, etag=draft.etag)
            assert approved.decide_time.seconds
        [post] = await next_of(agents, POST)
        assert post.workflow_id == activity.workflow_id
        assert world.social.published("acc_wren") == [post.summary]
        assert post.post.text.endswith(draft.post.text)
        await comes_to(drafts, draft.id, drafts_pb.DRAFT_STATE_CARRIED_OUT)
        code, reason, _ = await reason_of(approve(drafts, draft.id, "another"))
        assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DRAFT_DECIDED")
    assert len(world.social.posts) == 1


async def test_a_restart_right_after_the_approval_loses_and_doubles_nothing(
    open_both: OpenBoth, world: World, careful: Persona
) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        draft_id = (await proposed(agents)).draft.draft_id
    async with open_both() as (agents, drafts):
        assert (await get(drafts, draft_id)).state == drafts_pb.DRAFT_STATE_WAITING
        await approve(drafts, draft_id)
    async with open_both() as (agents, drafts):
        await comes_to(drafts, draft_id, drafts_pb.DRAFT_STATE_CARRIED_OUT)
    assert len(world.social.posts) == 1


async def test_of_a_rejected_draft_nothing_comes_and_the_log_says_why(
    open_both: OpenBoth, world: World, careful: Persona
) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        draft_id = (await proposed(agents)).draft.draft_id
        request = drafts_pb.RejectDraftRequest(id=draft_id, comment="not today", request_id="no")
        for _ in range(2):
            assert (await drafts.RejectDraft(request)).draft.state == drafts_pb.DRAFT_STATE_REJECTED
        [passed] = await next_of(agents, PASS)
        assert (passed.passed.reason, passed.reason) == (
            log_pb.PASS_REASON_REJECTED,
            "a person rejected it: not today",
        )
        assert (await reason_of(approve(drafts, draft_id)))[1] == "DRAFT_DECIDED"
    assert not world.social.posts


async def test_an_edit_is_judged_like_a_models_words_and_published_as_it_is(
    open_both: OpenBoth, world: World, careful: Persona
) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        draft = await get(drafts, (await proposed(agents)).draft.draft_id)
        bad = drafts_pb.EditDraftRequest(id=draft.id, text="Read more at https://gates.example now.", request_id="e1")
        code, reason, fields = await reason_of(drafts.EditDraft(bad))
        assert (code, reason, fields) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", {"text"})
        good = drafts_pb.EditDraftRequest(
            id=draft.id, text="A gate that squeaks is only being honest.", request_id="e2"
        )
        edited = (await drafts.EditDraft(good)).draft
        assert (edited.is_edited, edited.post.text, edited.state) == (True, good.text, drafts_pb.DRAFT_STATE_WAITING)
        assert (await reason_of(approve(drafts, draft.id, etag=draft.etag)))[1] == "ETAG_MISMATCH"
        await approve(drafts, draft.id, "yes, as it is now", edited.etag)
        [post] = await next_of(agents, POST)
        # Whoever repeats the edit gets its answer, and is not told that the text was published before.
        assert (await drafts.EditDraft(good)).draft.id == draft.id
        assert post.summary.endswith(good.text)
        assert post.is_edited
        assert "edited by a person" in post.reason


async def test_a_person_reads_what_is_published_with_the_handle_of_whom_it_speaks_to(
    open_both: OpenBoth, world: World, careful: Persona
) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful | {"id": "otto", "name": "Otto"}))
        await agents.CreateAgent(create(careful))
        for number in range(40):
            draft = await get(drafts, (await proposed(agents, f"req_{number}")).draft.draft_id)
            if draft.post.addressed_handle:
                break
        prefix = f"@{draft.post.addressed_handle} "
        assert (prefix, draft.summary) == ("@otto_handle ", prefix + draft.post.text)
        # Whoever edits what they have read doesn't say the handle twice.
        text = "A gate that squeaks is only being honest."
        edit = drafts_pb.EditDraftRequest(id=draft.id, text=prefix + text, request_id="edit")
        edited = (await drafts.EditDraft(edit)).draft
        assert (edited.post.text, edited.summary) == (text, prefix + text)
        await approve(drafts, draft.id, etag=edited.etag)
        [post] = await next_of(agents, POST)
        assert post.summary == edited.summary


async def test_of_edits_at_once_each_holds_unless_it_names_the_state_that_it_changes(
    open_both: OpenBoth, careful: Persona
) -> None:
    subjects = ("squeaks", "sticks", "sings", "shuts")
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        draft = await get(drafts, (await proposed(agents)).draft.draft_id)
        edits = [
            drafts_pb.EditDraftRequest(
                id=draft.id, text=f"A gate that {word} is only being honest.", request_id=f"edit {word}"
            )
            for word in subjects
        ]
        edited = await asyncio.gather(*map(drafts.EditDraft, edits))
        assert {answer.draft.post.text for answer in edited} == {edit.text for edit in edits}
        late = drafts_pb.EditDraftRequest(id=draft.id, text="A gate may rest.", request_id="late", etag=draft.etag)
        assert (await reason_of(drafts.EditDraft(late)))[1] == "ETAG_MISMATCH"


async def test_what_nobody_decides_in_time_expires(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, careful: Persona
) -> None:
    async with open_channel(settings.model_copy(update={"draft_hours": 1e-6})) as channel:
        agents, drafts = AgentServiceStub(channel), DraftServiceStub(channel)
        await agents.CreateAgent(create(careful))
        draft_id = (await proposed(agents)).draft.draft_id
        assert (await reason_of(approve(drafts, draft_id)))[1] in ("DRAFT_EXPIRED", "DRAFT_DECIDED")
        await comes_to(drafts, draft_id, drafts_pb.DRAFT_STATE_EXPIRED)
        [passed] = await next_of(agents, PASS)
        assert passed.passed.reason == log_pb.PASS_REASON_EXPIRED
    assert not world.social.posts


async def test_nothing_is_approved_of_an_agent_that_was_stopped(open_both: OpenBoth, careful: Persona) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful))
        draft_id = (await proposed(agents)).draft.draft_id
        await agents.StopAgent(pb.StopAgentRequest(id="wren"))
        assert (await reason_of(approve(drafts, draft_id)))[1] == "AGENT_INACTIVE"
        await agents.StartAgent(pb.StartAgentRequest(id="wren"))
        await approve(drafts, draft_id)
        await comes_to(drafts, draft_id, drafts_pb.DRAFT_STATE_CARRIED_OUT)


async def test_trades_wait_and_are_not_edited(open_both: OpenBoth, world: World, careful: Persona) -> None:
    async with open_both() as (agents, drafts):
        await agents.CreateAgent(create(careful | {"approval": "trades"}))
        asked = pb.TriggerTradeRequest(agent_id="wren", request_id="t1")
        activity = (await agents.TriggerTrade(asked, timeout=WAIT_SECONDS)).activity
        assert activity.kind == DRAFT
        draft = await get(drafts, activity.draft.draft_id)
        assert draft.trade.symbol in draft.summary
        assert draft.trade.min_output_amount
        edit = drafts_pb.EditDraftRequest(id=draft.id, text="Buy more of it.", request_id="e1")
        assert (await reason_of(drafts.EditDraft(edit)))[1] == "DRAFT_NOT_EDITABLE"
        await approve(drafts, draft.id, etag=draft.etag)
        [trade] = await next_of(agents, TRADE)
        assert trade.trade.swap.input_amount
        # Its posts are its own.
        assert (
            await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="p1"), timeout=WAIT_SECONDS)
        ).activity.kind == POST


async def test_replies_wait_with_what_they_answer(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, careful: Persona
) -> None:
    behavior = careful["behavior"]
    behavior["post_frequency"] |= {"min_hours_between_posts": 8000, "max_hours_between_posts": 8000}
    behavior["interaction_patterns"]["reply_probability"] = 1
    async with open_channel(settings.model_copy(update={"speed": 600.0})) as channel:
        agents, drafts = AgentServiceStub(channel), DraftServiceStub(channel)
        await agents.CreateAgent(create(careful | {"approval": "replies", "solana_integration": {}}))
        said = "@wren_handle what of the terrier?"
        mention = world.social.mention("wren", "somebody", said)
        [activity] = await next_of(agents, DRAFT)
        draft = await get(drafts, activity.draft.draft_id)
        assert (draft.reply.in_reply_to_network_post_id, draft.reply.mention_text) == (mention, said)
        assert world.social.answers() == []
        await approve(drafts, draft.id)
        [reply] = await next_of(agents, REPLY)
        assert world.social.answers() == [(reply.summary, mention)]


async def test_what_is_not_there_is_said_so(open_both: OpenBoth) -> None:
    async with open_both() as (_, drafts):
        assert (await reason_of(approve(drafts, "drf_none")))[1] == "DRAFT_NOT_FOUND"
        assert (await reason_of(drafts.ApproveDraft(drafts_pb.ApproveDraftRequest(id="drf_none"))))[2] == {"request_id"}
