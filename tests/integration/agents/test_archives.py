"""An agent moves to another place as it was, rests there, and does nothing that it has done before."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from services.agents.settings import AgentsSettings
from services.runtime.ids import new_id
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenChannel, OpenWith, create, log_of, next_of, until
from tests.support.archives import imported, rows_of
from tests.support.refusals import fields_of, reason_of
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
POST, REPLY, PASS = log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS


@pytest.fixture
def elsewhere(settings: AgentsSettings, tmp_path: Path) -> AgentsSettings:
    """Return the settings of another place."""
    return settings.model_copy(update={"data_dir": tmp_path / "elsewhere", "database_url": ""})


@pytest.fixture
def listener(persona: Persona) -> Persona:
    """Return a persona that only answers."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


async def exported(agents: AgentServiceStub, agent_id: str = "wren") -> list[Any]:
    return await rows_of(agents.ExportAgent(pb.ExportAgentRequest(agent_id=agent_id)))


async def import_(
    agents: AgentServiceStub, rows: Sequence[Any], agent_id: str = "wren", request_id: str = ""
) -> pb.ImportAgentResponse:
    return await agents.ImportAgent(imported(pb.ImportAgentRequest, agent_id, rows, request_id or new_id("req")))


async def _activities(call: Any, number: int) -> AsyncIterator[str]:
    """Yield the ids of the next activities that are watched."""
    async for item in call:
        if item.HasField("activity"):
            yield item.activity.id
            number -= 1
        if not number:
            call.cancel()
            return


async def test_an_imported_agent_is_as_it_was_and_rests(
    open_with: OpenWith, settings: AgentsSettings, elsewhere: AgentsSettings, world: World, persona: Persona
) -> None:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
        first = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
        before = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
        log = await log_of(agents, *log_pb.ActivityKind.values()[1:])
        rows = await exported(agents)
    async with open_with(elsewhere) as agents:
        assert (await import_(agents, rows)).row_count == len(rows)
        after = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
        assert (before.is_active, after.is_active) == (True, False)
        assert (after.persona, after.account_id, after.wallet_id) == (
            before.persona,
            before.account_id,
            before.wallet_id,
        )
        assert not (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).schedule
        said = await log_of(agents, *log_pb.ActivityKind.values()[1:])
        assert [one.summary for one in said] == ["was imported", *(one.summary for one in log)]
        await agents.StartAgent(pb.StartAgentRequest(id="wren"))
        assert (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).schedule
        again = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
        assert again.activity.post == first.activity.post
        assert len(world.social.published("acc_wren")) == 1


async def test_what_was_restored_is_no_news_and_stands_below_what_happened_here(
    open_with: OpenWith, settings: AgentsSettings, elsewhere: AgentsSettings, persona: Persona
) -> None:
    kinds = log_pb.ActivityKind.values()[1:]
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
        await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
        log, rows = await log_of(agents, *kinds), await exported(agents)
    async with open_with(elsewhere) as agents:
        await agents.CreateAgent(create(persona | {"id": "otto", "name": "Otto"}))
        here = await log_of(agents, *kinds)
        await import_(agents, rows)
        said = await log_of(agents, *kinds)
        assert [one.workflow_id for one in said[1:]] == [one.workflow_id for one in (*here, *log)]
        assert len({one.id for one in said}) == len(said)
        news = await next_of(agents, *kinds, number=len(here) + 1)
        assert [one.id for one in news] == [one.id for one in said[len(here) :: -1]]
        # From a place within what was restored one is told of all that happened here, and of nothing else.
        call = agents.WatchActivity(pb.WatchActivityRequest(after_cursor=said[-1].cursor), timeout=WAIT_SECONDS)
        assert [item async for item in _activities(call, 1)] == [here[-1].id]
        post = next(one for one in said if one.kind == POST)
        explained = await agents.ExplainActivity(pb.ExplainActivityRequest(id=post.id))
        assert explained.activity.id == post.id
        pages, token = list[str](), ""
        while token or not pages:
            page = await agents.ListActivity(pb.ListActivityRequest(page_size=1, page_token=token))
            pages += [one.id for one in page.activities]
            token = page.next_page_token
        assert pages == [one.id for one in said]
        rows = await exported(agents)
    async with open_with(elsewhere.model_copy(update={"data_dir": elsewhere.data_dir / "third"})) as agents:
        await import_(agents, rows)
        moved = await log_of(agents, *kinds)
        assert [one.workflow_id for one in moved[2:]] == [one.workflow_id for one in log]


async def test_a_mention_that_was_answered_after_the_export_is_not_answered_again_and_another_one_is(
    open_with: OpenWith, settings: AgentsSettings, elsewhere: AgentsSettings, world: World, listener: Persona
) -> None:
    fast = {"speed": 600.0}
    async with open_with(settings.model_copy(update=fast)) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle did the terrier let you pass today?")
        await next_of(agents, REPLY, seconds=120)
        rows = await exported(agents)
        answered = world.social.mention("wren", "neighbour", "@wren_handle how many miles is the round?")
        await next_of(agents, REPLY, number=2, seconds=120)
    assert len(world.social.answers()) == 2
    missed = world.social.mention("wren", "postmaster", "@wren_handle are you coming to the office?")
    async with open_with(elsewhere.model_copy(update=fast)) as agents:
        await import_(agents, rows)
        await agents.StartAgent(pb.StartAgentRequest(id="wren"))
        await next_of(agents, REPLY, seconds=120)
        [passed] = await next_of(agents, PASS, seconds=120)
        assert (passed.workflow_id, passed.passed.reason) == (
            f"reply/wren/{answered}",
            log_pb.PASS_REASON_ANSWERED_ELSEWHERE,
        )
    assert [answers for _, answers in world.social.answers()].count(answered) == 1
    assert [answers for _, answers in world.social.answers()].count(missed) == 1


async def test_where_the_network_does_not_show_a_conversation_an_old_mention_is_not_answered(
    open_with: OpenWith, settings: AgentsSettings, elsewhere: AgentsSettings, world: World, listener: Persona
) -> None:
    from services.agents.ports.neighbours import Refused

    fast = {"speed": 600.0}
    async with open_with(settings.model_copy(update=fast)) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle did the terrier let you pass today?")
        await next_of(agents, REPLY, seconds=120)
        rows = await exported(agents)
    world.social.mention("wren", "postmaster", "@wren_handle are you coming to the office?")
    world.social.unreadable = Refused("social", "NOT_CAPABLE", "NOT_CAPABLE: no search")
    async with open_with(elsewhere.model_copy(update=fast)) as agents:
        await import_(agents, rows)
        await agents.StartAgent(pb.StartAgentRequest(id="wren"))
        await next_of(agents, PASS, seconds=120)
        world.social.mention("wren", "postmaster", "@wren_handle and tomorrow?")
        await next_of(agents, REPLY, seconds=120)
    assert len(world.social.answers()) == 2


async def test_a_draft_that_was_approved_waits_for_a_person_again(
    open_channel: OpenChannel, settings: AgentsSettings, elsewhere: AgentsSettings, world: World, persona: Persona
) -> None:
    async with open_channel(settings) as channel:
        agents, drafts = AgentServiceStub(channel), DraftServiceStub(channel)
        await agents.CreateAgent(create(persona | {"approval": "posts"}))
        await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
        world.social.line.failures = 10**6
        [draft] = (await drafts.ListDrafts(drafts_pb.ListDraftsRequest())).drafts
        await drafts.ApproveDraft(drafts_pb.ApproveDraftRequest(id=draft.id, request_id="yes"))
        calls = world.social.line.calls
        await until(lambda: world.social.line.calls > calls)
        rows = await exported(agents)
    world.social.line.failures = 0
    async with open_channel(elsewhere) as channel:
        agents, drafts = AgentServiceStub(channel), DraftServiceStub(channel)
        await import_(agents, rows)
        [draft] = (await drafts.ListDrafts(drafts_pb.ListDraftsRequest())).drafts
        assert draft.state == drafts_pb.DRAFT_STATE_WAITING
        await agents.StartAgent(pb.StartAgentRequest(id="wren"))
        await drafts.ApproveDraft(drafts_pb.ApproveDraftRequest(id=draft.id, request_id="again"))
        await next_of(agents, POST, seconds=120)
    assert len(world.social.published("acc_wren")) == 1


async def test_an_import_is_made_once_and_over_an_agent_refused(
    open_with: OpenWith, settings: AgentsSettings, elsewhere: AgentsSettings, persona: Persona
) -> None:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
        rows = await exported(agents)
        assert await reason_of(import_(agents, rows)) == "AGENT_EXISTS"
        assert await reason_of(exported(agents, "nobody")) == "AGENT_NOT_FOUND"
    async with open_with(elsewhere) as agents:
        assert await fields_of(import_(agents, rows, "otto")) == {"row (of message 1)"}
        assert await fields_of(import_(agents, [row for row in rows if row.kind != "agent"])) == {"row"}
        assert not (await import_(agents, rows, request_id="one")).is_repeated
        assert (await import_(agents, rows, request_id="one")).is_repeated
        assert await reason_of(import_(agents, rows, request_id="two")) == "AGENT_EXISTS"
