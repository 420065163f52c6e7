"""What a request may hold is counted before it is read."""

import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.trading.v1 import trading_service_pb2 as trading
from services.runtime.errors import InvalidRequest
from services.runtime.rpc.bounds import MAX_BYTES, MAX_ITEMS, MAX_LEVELS, bounds_of

BOUNDS = bounds_of(
    service for module in (agents, memory, trading) for service in module.DESCRIPTOR.services_by_name.values()
)
BATCH, CREATE = "/puppet.memory.v1.MemoryService/BatchCreateMemories", "/puppet.agents.v1.AgentService/CreateAgent"
LIST, POLICY = "/puppet.memory.v1.MemoryService/ListMemories", "/puppet.trading.v1.TradingService/UpdatePolicy"


def told(path: str, request: Message | bytes) -> str:
    """Return what a request is refused for, empty when it isn't."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    try:
        BOUNDS[path].check(data)
    except InvalidRequest as refused:
        return refused.message
    return ""


def within(number: int, content: bytes) -> bytes:
    """Return a field of this number that holds these bytes."""
    length, size = len(content), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def persona(value: bytes) -> bytes:
    """Return a CreateAgentRequest whose persona has one field with this serialized Value."""
    return within(1, within(1, within(1, b"a") + within(2, value)))


def test_what_holds_as_many_as_it_may_passes() -> None:
    assert not told(BATCH, memory.BatchCreateMemoriesRequest(memories=[memory.Memory(text="a")] * 1_000))
    assert not told(LIST, memory.ListMemoriesRequest(metadata={str(number): "" for number in range(32)}))
    assert not told(POLICY, trading.UpdatePolicyRequest(policy=trading.Policy(allowed_mints=["m"] * 500)))


@pytest.mark.parametrize(
    ("path", "request_message", "expected"),
    [
        (BATCH, memory.BatchCreateMemoriesRequest(memories=[memory.Memory()] * 1_001), "memories: must have at most"),
        (LIST, memory.ListMemoriesRequest(kinds=[memory.MEMORY_KIND_POST] * 51), "kinds: must have at most 50"),
        (LIST, b"\x10\x01" * 51, "kinds: must have at most 50"),
        (LIST, within(10, within(1, b"k")) * 33, "metadata: must have at most 32"),
        (POLICY, trading.UpdatePolicyRequest(policy=trading.Policy(blocked_mints=["m"] * 501)), "policy.blocked_mints"),
        (
            BATCH,
            memory.BatchCreateMemoriesRequest(
                memories=[memory.Memory(), memory.Memory(metadata={str(number): "" for number in range(33)})]
            ),
            "memories.metadata (of item 1): must have at most 32 items, and has 33",
        ),
    ],
)  # fmt: skip
def test_what_holds_more_is_refused_by_the_name_of_the_field(
    path: str, request_message: Message | bytes, expected: str
) -> None:
    assert told(path, request_message).startswith(expected)


def test_millions_of_empty_messages_are_counted_and_not_made() -> None:
    assert told(BATCH, b"\x12\x00" * 100_000) == "memories: must have at most 1,000 items, and has 100,000"
    for field in (b"\x12\x00", b"\x10\x01", b"\xf8\x07\x01", b"\x0b\x0c", b"\x15....", b"\x11........"):
        assert told(BATCH, field * 400_000).endswith("must have at most 40,000 items in all")


@given(st.binary(max_size=300))
def test_fields_are_counted_in_whatever_bytes_there_are(data: bytes) -> None:
    filler = within(1, b"a" * 300_000)
    assert bool(told(BATCH, filler + data)) == bool(told(BATCH, data))


def test_a_field_that_is_there_twice_is_not_merged() -> None:
    # protobuf would make one list of two halves, each of which may be there.
    half = within(1, trading.Policy(allowed_mints=["m"] * 400).SerializeToString())
    assert told(POLICY, half) == ""
    assert told(POLICY, half * 2) == "policy: must be given once"


def test_an_object_may_have_so_many_values_in_all_however_they_are_nested() -> None:
    flat = persona(within(6, b"\x0a\x00" * MAX_ITEMS))
    nested = persona(within(6, within(1, within(6, b"\x0a\x00" * 999)) * 100))
    for request in (flat, nested):
        assert f"must have at most {MAX_ITEMS:,} items" in told(CREATE, request)


def test_an_object_may_be_nested_only_so_deep() -> None:
    value = b"\x08\x00"
    for _ in range(8):
        value = within(5, within(1, within(1, b"a") + within(2, value)))
    assert not told(CREATE, persona(value))
    for _ in range(MAX_LEVELS):
        value = within(5, within(1, within(1, b"a") + within(2, value)))
    assert "deep" in told(CREATE, persona(value))


def test_a_message_may_have_so_many_bytes() -> None:
    assert not told(LIST, memory.ListMemoriesRequest(agent_id="a" * (MAX_BYTES - 100)))
    assert "bytes" in told(LIST, memory.ListMemoriesRequest(agent_id="a" * MAX_BYTES))


def test_what_is_no_protobuf_is_refused() -> None:
    for data in (b"\xff", b"\x0a", persona(b"\x32\xff"), b"\x12\x05"):
        assert told(CREATE, data) == ": the message is no valid protobuf"


def test_an_ordinary_persona_passes() -> None:
    raw = Struct()
    raw.update({"id": "odd", "list": [{"content": "x", "importance": 0.5}] * 1_000, "deep": {"a": {"b": {"c": [1]}}}})
    assert not told(CREATE, agents.CreateAgentRequest(persona=raw))


def test_a_number_without_an_end_is_not_read_to_its_end() -> None:
    assert "no valid protobuf" in told(BATCH, b"\x0a" + b"\xff" * (MAX_BYTES - 1))
