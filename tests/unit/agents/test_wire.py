"""What a request may hold, and what is answered."""

import math
from datetime import UTC, datetime

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.entities import AgentRecord
from services.agents.domain.mood import NEUTRAL
from services.agents.service.agents import Status
from services.agents.wire.agents import read_new_persona, write_status
from services.runtime.errors import InvalidRequest


@pytest.mark.parametrize("value", [Value(number_value=math.nan), Value(number_value=math.inf)])
def test_a_persona_that_is_no_json_is_refused_by_name(value: Value) -> None:
    request = pb.CreateAgentRequest(persona=Struct(fields={"id": value}))
    with pytest.raises(InvalidRequest) as refused:
        read_new_persona(request)
    assert [violation.field for violation in refused.value.violations] == ["persona"]


def test_what_is_stored_and_breaks_a_rule_is_told_with_what_stands_in() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    agent = AgentRecord(
        id="a",
        name="A",
        description="",
        is_active=False,
        persona={"id": "a", "name": "A", "behavior": {"interaction_patterns": {"reply_probability": 2}}},
        valence=0,
        arousal=0,
        dominance=0,
        mood_time=now,
        create_time=now,
        update_time=now,
    )
    status = Status(agent, NEUTRAL, [], {}, lacks_provider=False, not_understood={}, now=now)
    [notice] = write_status(status).notices
    assert notice.reason == pb.NOTICE_REASON_BREAKS_RULE
    assert notice.field == "behavior.interaction_patterns.reply_probability"
    assert notice.description == (
        "behavior.interaction_patterns.reply_probability must be 0 to 1, and is 2: the default stands in"
    )
