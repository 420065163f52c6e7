"""What a request may say: each limit stands in an option, is told in the comment, and is kept by the service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from puppet.options.v1 import limits_pb2
from services.agents.servicer import AgentServicer
from services.llm.servicer import LlmServicer
from services.memory.servicer.memories import MemoryServicer
from services.memory.servicer.relationships import RelationshipServicer
from services.runtime.errors import InvalidRequest
from services.runtime.rpc.limits import limits_of
from services.social.servicer import SocialServicer
from services.trading.servicer import TradingServicer
from tests.contract.limits import comments, requested, says_required, unsaid
from tests.contract.test_protos import METHODS
from tests.fakes.clock import FixedClock

SAID = comments()
MESSAGES = requested()
SERVICERS = {
    kind.__mro__[1].__name__: kind
    for kind in (
        AgentServicer,
        LlmServicer,
        MemoryServicer,
        RelationshipServicer,
        SocialServicer,
        TradingServicer,
    )
}
WHOLE = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}
MANY = 2**63 - 1
FREE_TEXTS = {"page_token", "etag"}
"""What a service made itself: anything else is none of its own, and refused as that."""


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.full_name)
def test_comments_say_what_a_field_may_hold(message: Descriptor) -> None:
    for field in message.fields:
        comment, limits = SAID[field.full_name], limits_of(field)
        assert unsaid(field, comment) == [], field.full_name
        assert not limits.required or says_required(comment), field.full_name
    for group in message.oneofs:
        if group.GetOptions().Extensions[limits_pb2.one_required]:
            assert says_required(SAID[f"{message.full_name}.{group.name}"]), group.full_name


@pytest.mark.parametrize("message", [item for item in MESSAGES if item.name.endswith("Request")], ids=lambda m: m.name)
def test_every_text_and_number_of_a_request_has_a_limit(message: Descriptor) -> None:
    for field in message.fields:
        limits = limits_of(field)
        if field.type == FieldDescriptor.TYPE_STRING and field.name not in FREE_TEXTS:
            assert limits.max_length, field.full_name
        elif field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            assert limits.HasField("range"), field.full_name
        elif field.cpp_type in WHOLE:
            assert limits.HasField("whole"), field.full_name


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.full_name)
def test_a_mask_names_fields_of_its_message(message: Descriptor) -> None:
    for field in message.fields:
        limits = limits_of(field)
        if limits.masks:
            masked = message.fields_by_name[limits.masks].message_type
            assert masked is not None
            assert {*limits.paths} <= {*masked.fields_by_name}
        if limits.requires:
            assert field.message_type is not None
            assert {*limits.requires} <= {*field.message_type.fields_by_name}


@dataclass(frozen=True)
class Breach:
    """A request that breaks one limit, and the field that has to be named."""

    method: MethodDescriptor
    path: str
    request: Any

    def __str__(self) -> str:
        return f"{self.method.name}-{self.path}"


def breaches(method: MethodDescriptor) -> Iterator[Breach]:
    """Yield a request for every limit that is broken by something in it."""
    request = GetMessageClass(method.input_type)()
    for path, broken in _broken(request, request, ""):
        yield Breach(method, path, broken)


def _broken(root: Any, message: Any, path: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for field in message.DESCRIPTOR.fields:
        limits, place = limits_of(field), f"{path}{field.name}"
        if _is_ours(field):
            yield from _broken_within(root, message, field, place, seen)
            continue
        for value in _bad_values(field):
            _put(message, field, value)
            yield f"{place}{'[0]' * (field.is_repeated and field.message_type is None)}", _copy(root)
            message.ClearField(field.name)
        if limits.required and field.message_type is None:
            yield place, _copy(root)


def _broken_within(
    root: Any, message: Any, field: FieldDescriptor, place: str, seen: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    nested = field.message_type
    assert nested is not None
    if nested.full_name in seen:
        return
    looked_at = {item.name for item in nested.fields}
    for mask in message.DESCRIPTOR.fields:
        if limits_of(mask).masks == field.name:
            getattr(message, mask.name).paths.extend(limits_of(mask).paths)
            looked_at = {*limits_of(mask).paths, *limits_of(field).requires}
    inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
    inner.SetInParent()
    place += "[0]" * field.is_repeated
    for path, broken in _broken(root, inner, f"{place}.", (*seen, nested.full_name)):
        if path.removeprefix(f"{place}.").partition(".")[0].partition("[")[0] in looked_at:
            yield path, broken
    message.ClearField(field.name)


def _is_ours(field: FieldDescriptor) -> bool:
    message = field.message_type
    return message is not None and message.full_name.startswith("puppet.") and not message.GetOptions().map_entry


def _bad_values(field: FieldDescriptor) -> Iterator[Any]:
    limits = limits_of(field)
    if limits.max_key_length:
        yield {"k" * (limits.max_key_length + 1): "v"}
    elif limits.max_length:
        yield "x" * (limits.max_length + 1)
        yield "a\0b"
    if limits.HasField("range"):
        yield from (limits.range.max + 0.5, limits.range.min - 0.5, float("nan"))
    if limits.HasField("whole") and limits.whole.max < MANY:
        yield limits.whole.max + 1
    if field.type == FieldDescriptor.TYPE_ENUM:
        yield 99
    if limits.paths:
        yield ["nonsense"]
    if limits.max_bytes:
        yield {"large": "x" * limits.max_bytes}


def _put(message: Any, field: FieldDescriptor, value: Any) -> None:
    if isinstance(value, dict):
        getattr(message, field.name).update(value)
    elif isinstance(value, list):
        getattr(message, field.name).paths.extend(value)
    elif field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _copy(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


BREACHES = [breach for method in METHODS for breach in breaches(method)]


@pytest.mark.parametrize("breach", BREACHES, ids=str)
async def test_a_service_keeps_its_limits(breach: Breach) -> None:
    # Nothing stands behind these servicers: whatever is not refused at once fails in another way.
    service = breach.method.containing_service
    servicer: Any = object.__new__(SERVICERS[f"{service.name}Servicer"])
    servicer._clock, servicer._min_relevance = FixedClock(), 0.0
    with pytest.raises(InvalidRequest) as refused:
        await _called(getattr(servicer, breach.method.name), breach)
    named = {re.sub(r"\[['\"].*| \(of message 1\)$", "", item.field) for item in refused.value.violations}
    assert breach.path in named


async def _called(call: Any, breach: Breach) -> None:
    given = _stream([breach.request]) if breach.method.client_streaming else breach.request
    if breach.method.server_streaming:
        await anext(call(given, None))
    else:
        await call(given, None)


async def _stream(requests: list[Any]) -> Any:
    for request in requests:
        yield request
