"""What a request may hold."""

import math

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.wire.agents import read_new_persona
from services.runtime.errors import InvalidRequest


@pytest.mark.parametrize("value", [Value(number_value=math.nan), Value(number_value=math.inf)])
def test_a_persona_that_is_no_json_is_refused_by_name(value: Value) -> None:
    request = pb.CreateAgentRequest(persona=Struct(fields={"id": value}))
    with pytest.raises(InvalidRequest) as refused:
        read_new_persona(request)
    assert [violation.field for violation in refused.value.violations] == ["persona"]
