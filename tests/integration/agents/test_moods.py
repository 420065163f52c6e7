"""The visible mood: its operator changes it, and it is shown over time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.adapters.sql import SqlRecords
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.agents import World
from tests.integration.agents.conftest import create, log_of, reason_of
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
LOW = pb.MoodLevels(valence=-1, arousal=1, dominance=0)


@pytest.fixture(autouse=True)
async def wren(agents: AgentServiceStub, persona: Persona, world: World) -> None:
    await agents.CreateAgent(create(persona))


async def test_an_operator_sets_a_mood_which_is_felt_logged_and_on_the_curve(agents: AgentServiceStub) -> None:
    request = pb.AdjustMoodRequest(agent_id="wren", levels=LOW, reason="it rains", request_id="one")
    answer = await agents.AdjustMood(request)
    assert (answer.mood.valence, answer.mood.arousal, answer.mood.label) == (-1, 1, "anxious")
    status = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    assert status.mood.valence == pytest.approx(-1, abs=1e-3)
    [entry] = await log_of(agents, log_pb.ACTIVITY_KIND_MOOD)
    assert entry.mood_change.before.label in entry.summary
    assert (entry.mood_change.after.valence, entry.reason) == (-1, "it rains")
    history = await agents.GetMoodHistory(pb.GetMoodHistoryRequest(agent_id="wren"))
    assert [point.causes for point in history.points if point.causes][-1] == ["adjusted"]
    assert history.points[-1].mood.valence == pytest.approx(-1, abs=1e-3)
    assert history.usual.valence > -1


async def test_a_mood_is_pushed_within_its_ranges_and_the_rest_stays(agents: AgentServiceStub) -> None:
    await agents.AdjustMood(pb.AdjustMoodRequest(agent_id="wren", levels=LOW))
    answer = await agents.AdjustMood(pb.AdjustMoodRequest(agent_id="wren", push=pb.MoodPush(valence=0.5, arousal=1)))
    assert answer.mood.valence == pytest.approx(-0.5, abs=1e-3)
    assert answer.mood.arousal == 1
    assert answer.mood.dominance == pytest.approx(0, abs=1e-3)


async def test_a_repeated_request_moves_it_once(agents: AgentServiceStub) -> None:
    request = pb.AdjustMoodRequest(agent_id="wren", push=pb.MoodPush(valence=-0.2), request_id="one")
    first, second = await agents.AdjustMood(request), await agents.AdjustMood(request)
    assert second.mood.valence == pytest.approx(first.mood.valence, abs=1e-3)
    assert len(await log_of(agents, log_pb.ACTIVITY_KIND_MOOD)) == 1


async def test_the_mood_that_trades_read_is_left_alone(agents: AgentServiceStub, database_url: str) -> None:
    await agents.AdjustMood(pb.AdjustMoodRequest(agent_id="wren", levels=LOW))
    database = Database(database_url)
    async with SqlStore(database, SqlRecords).reading() as records:
        agent = await records.agent("wren")
        assert agent is not None
        assert agent.valence == -1
        assert agent.trading_mood is None
    await database.close()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.AdjustMoodRequest(agent_id="wren"), "change"),
        (pb.AdjustMoodRequest(agent_id="wren", levels=pb.MoodLevels()), "levels"),
        (pb.AdjustMoodRequest(agent_id="wren", levels=pb.MoodLevels(arousal=-0.5)), "levels.arousal"),
        (pb.AdjustMoodRequest(agent_id="wren", push=pb.MoodPush(valence=3)), "push.valence"),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused_by_its_field(
    agents: AgentServiceStub, request_: pb.AdjustMoodRequest, field: str
) -> None:
    code, reason, fields = await reason_of(agents.AdjustMood(request_))
    assert (code, reason, fields) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", {field})


async def test_a_time_that_ends_before_it_begins_is_refused(agents: AgentServiceStub) -> None:
    later = Timestamp()
    later.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    call = agents.GetMoodHistory(pb.GetMoodHistoryRequest(agent_id="wren", start_time=later))
    code, _, fields = await reason_of(call)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"start_time"})


async def test_what_moves_a_mood_by_itself_is_on_the_curve(agents: AgentServiceStub) -> None:
    await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    start = Timestamp()
    start.FromDatetime(datetime.now(UTC) - timedelta(minutes=5))
    history = await agents.GetMoodHistory(pb.GetMoodHistoryRequest(agent_id="wren", start_time=start, max_points=500))
    causes = [list(point.causes) for point in history.points if point.causes]
    assert ["posted"] in causes
