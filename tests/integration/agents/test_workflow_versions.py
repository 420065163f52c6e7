"""What an older version of the workflows had under way when it was replaced: nothing is lost, or done twice."""

import asyncio
from typing import Any

import sqlalchemy as sa

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from services.agents.settings import AgentsSettings
from services.runtime.waiting import poll
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenChannel, create, log_of, next_of, until
from tests.support.waits import WAIT_SECONDS

DRAFT, POST, REPLY = log_pb.ACTIVITY_KIND_DRAFT, log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_REPLY
OLDER = "3"


def under_way(settings: AgentsSettings) -> list[str]:
    """Return the ids of the workflows that are under way."""
    with sa.create_engine(settings.dbos_url(), poolclass=sa.NullPool).begin() as connection:
        schema = "dbos." if connection.dialect.name == "postgresql" else ""
        query = f"SELECT workflow_uuid FROM {schema}workflow_status WHERE status = 'PENDING'"  # noqa: S608
        return list(connection.execute(sa.text(query)).scalars())


def make_older(settings: AgentsSettings) -> int:
    """Have all that is under way be of an older version; the value says how many workflows that were."""
    with sa.create_engine(settings.dbos_url(), poolclass=sa.NullPool).begin() as connection:
        schema = "dbos." if connection.dialect.name == "postgresql" else ""
        change = f"UPDATE {schema}workflow_status SET application_version = :older WHERE status = 'PENDING'"  # noqa: S608
        return connection.execute(sa.text(change), {"older": OLDER}).rowcount


async def test_a_mention_whose_answer_was_being_written_is_answered(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    # Mentions are looked at every second or so.
    settings = settings.model_copy(update={"speed": 100.0})
    world.llm.thinking = asyncio.Event()
    async with open_channel(settings) as channel:
        await AgentServiceStub(channel).CreateAgent(create(persona))
        mention = world.social.mention("wren", "gatekeeper", "@wren_handle did the terrier let you pass today?")
        await until(lambda: f"reply/wren/{mention}" in under_way(settings))
    assert make_older(settings) >= 1
    world.llm.thinking = None
    async with open_channel(settings) as channel:
        [reply] = await next_of(AgentServiceStub(channel), REPLY, seconds=60)
        assert await log_of(AgentServiceStub(channel), REPLY) == [reply]
    assert reply.workflow_id == f"reply/wren/{mention}"
    assert world.social.answers() == [(reply.summary, mention)]


async def test_a_post_that_was_being_sent_is_settled_with_the_words_that_were_written(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    world.social.sending = asyncio.Event()
    request = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id="old")
    async with open_channel(settings) as channel:
        await AgentServiceStub(channel).CreateAgent(create(persona))
        posting: Any = AgentServiceStub(channel).TriggerPost(request, timeout=WAIT_SECONDS)
        await until(lambda: bool(world.social.posts))
        posting.cancel()
    assert make_older(settings) == 1
    asked = len(world.llm.prompts)
    world.social.sending = None
    async with open_channel(settings) as channel:
        post = (await AgentServiceStub(channel).TriggerPost(request, timeout=WAIT_SECONDS)).activity
        assert await log_of(AgentServiceStub(channel), POST) == [post]
    assert world.social.published("acc_wren") == [post.summary]
    assert len(world.llm.prompts) == asked


async def test_a_draft_that_was_being_carried_out_is_and_once(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    world.social.sending = asyncio.Event()
    asked = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id="one")
    async with open_channel(settings) as channel:
        await AgentServiceStub(channel).CreateAgent(create(persona | {"approval": "all"}))
        draft = (await AgentServiceStub(channel).TriggerPost(asked, timeout=WAIT_SECONDS)).activity.draft
        approval = drafts_pb.ApproveDraftRequest(id=draft.draft_id, request_id="yes")
        await DraftServiceStub(channel).ApproveDraft(approval)
        await until(lambda: bool(world.social.posts))
    assert make_older(settings) == 1
    world.social.sending = None
    async with open_channel(settings) as channel:
        drafts = DraftServiceStub(channel)

        async def get() -> drafts_pb.Draft:
            return (await drafts.GetDraft(drafts_pb.GetDraftRequest(id=draft.draft_id))).draft

        done = await poll(
            get, lambda one: one.state == drafts_pb.DRAFT_STATE_CARRIED_OUT, timeout_seconds=60, poll_seconds=0.05
        )
    assert done.state == drafts_pb.DRAFT_STATE_CARRIED_OUT
    assert world.social.published("acc_wren") == [draft.words]


async def test_a_draft_that_waited_still_waits(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    asked = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id="one")
    async with open_channel(settings) as channel:
        await AgentServiceStub(channel).CreateAgent(create(persona | {"approval": "all"}))
        draft = (await AgentServiceStub(channel).TriggerPost(asked, timeout=WAIT_SECONDS)).activity.draft
    make_older(settings)
    async with open_channel(settings) as channel:
        [found] = (await DraftServiceStub(channel).ListDrafts(drafts_pb.ListDraftsRequest())).drafts
    assert (found.id, found.state) == (draft.draft_id, drafts_pb.DRAFT_STATE_WAITING)
    assert not world.social.posts
