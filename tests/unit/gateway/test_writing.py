"""Answers as JSON: the same as protobuf's own writer makes of them, whatever is in a message."""

import importlib
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.trading.v1 import trading_service_pb2 as trading
from services.gateway.transcoding.descriptors import enum_of, is_map, message_of
from services.gateway.transcoding.writing import write
from services.gateway.web.envelope import to_json
from tests.conftest import ROOT

PROTOS = ROOT / "protos"
_DEPTH = 4
_MESSAGES = 25
_VALUES: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (0, -(2**63), 2**53 + 1, 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**53 + 1, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: (0.0, -0.0, 0.1, 3.0, 1e300, math.inf, -math.inf, math.nan),
    FieldDescriptor.CPPTYPE_FLOAT: (0.0, 0.1, 3.0, 1e30, math.inf, -math.inf, math.nan),
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_STRING: ("", "fog", "Zoë 🦉 東京", '"\\/\n\t', "\x00\x1f\u2028", "</script>"),
}
_SECONDS = (0, 1, 1_700_000_000, -1, -62_135_596_800, 253_402_300_799)
_NANOS = (0, 1, 999_999_999, 120_000_000, 120_000, 1_000)
_STRUCTS: tuple[dict[str, Any], ...] = (
    {},
    {"": None, "ünï": [None, True, 1.5, 7, "x", [], {}], "deep": {"er": {"est": [{"a": [[]]}]}}},
)


def _kinds() -> Iterator[Descriptor]:
    """Yield every kind of message of the contracts."""
    for path in sorted((PROTOS / "puppet").rglob("*.proto")):
        module = importlib.import_module(".".join(path.relative_to(PROTOS).with_suffix("").parts) + "_pb2")
        yield from module.DESCRIPTOR.message_types_by_name.values()


KINDS = {kind.full_name: kind for kind in _kinds()}


def _filled(kind: Descriptor, chance: random.Random, depth: int = _DEPTH) -> Any:
    """Return a message in which some of the fields are set, of each oneof at most one."""
    message: Any = GetMessageClass(kind)()
    if kind.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
        message.seconds, message.nanos = chance.choice(_SECONDS), chance.choice(_NANOS)
        if kind.name == "Duration" and message.seconds < 0:
            message.nanos = -message.nanos
    elif kind.full_name == "google.protobuf.FieldMask":
        message.paths.extend(chance.sample(["text", "agent.persona", "kind"], chance.randrange(3)))
    elif isinstance(message, Struct):
        message.update(chance.choice(_STRUCTS))
    else:
        for field in kind.fields:
            if depth and chance.random() < 0.7:
                _put(message, field, chance, depth)
    return message


def _put(message: Any, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    count = chance.choice((0, 1, 3))
    if is_map(field):
        value = message_of(field).fields_by_name["value"]
        for key in chance.sample(_VALUES[FieldDescriptor.CPPTYPE_STRING], count):
            getattr(message, field.name)[key] = _one(value, chance, depth)
    elif field.is_repeated:
        getattr(message, field.name).extend(_one(field, chance, depth) for _ in range(count))
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        getattr(message, field.name).SetInParent()
        getattr(message, field.name).CopyFrom(_one(field, chance, depth))
    else:
        setattr(message, field.name, _one(field, chance, depth))


def _one(field: FieldDescriptor, chance: random.Random, depth: int) -> Any:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _filled(message_of(field), chance, depth - 1)
    if field.type == FieldDescriptor.TYPE_ENUM:
        # Also one that only a newer contract knows.
        return chance.choice([*enum_of(field).values_by_number, 4242])
    return chance.choice(_VALUES[field.cpp_type])


def _as_protobuf_does(message: Message) -> Any:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_message_is_written_as_protobuf_itself_writes_it(name: str) -> None:
    chance = random.Random(name)
    messages = [GetMessageClass(KINDS[name])(), *(_filled(KINDS[name], chance) for _ in range(_MESSAGES))]
    for message in messages:
        expected = _as_protobuf_does(message)
        assert write(message) == expected
        assert json.loads(to_json(write(message))) == json.loads(json.dumps(expected))


def test_numbers_times_values_and_choices_are_written_as_the_contract_says() -> None:
    policy = write(trading.Policy(max_trade_lamports=2**64 - 1))
    assert policy["max_trade_lamports"] == "18446744073709551615"
    found = memory.Memory(text="fög\n", kind=memory.MEMORY_KIND_CORE, valence=-0.5, metadata={"a": "b"})
    found.create_time.FromJsonString("2026-01-31T12:00:00.120Z")
    written = write(found)
    assert written["create_time"] == "2026-01-31T12:00:00.120Z"
    assert (written["kind"], written["text"], written["metadata"]) == ("MEMORY_KIND_CORE", "fög\n", {"a": "b"})
    assert (written["evidence_ids"], written["access_count"]) == ([], "0")
    assert "occur_time" not in written
    assert "push" in (chosen := write(agents.AdjustMoodRequest(push=agents.MoodPush())))
    assert "levels" not in chosen
