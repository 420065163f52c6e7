"""What a request may say: each limit stands in an option, is told in the comment, and is kept by the service."""

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from conformance.breaches import Breach, breaches
from puppet.options.v1 import limits_pb2
from services.agents.servicer import AgentServicer, DraftServicer
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
        DraftServicer,
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


BREACHES = [breach for method in METHODS for breach in breaches(method)]


@pytest.mark.parametrize("breach", BREACHES, ids=str)
async def test_a_service_keeps_its_limits(breach: Breach) -> None:
    # Nothing stands behind these servicers: whatever is not refused at once fails in another way.
    service = breach.method.containing_service
    servicer: Any = object.__new__(SERVICERS[f"{service.name}Servicer"])
    servicer._clock, servicer._min_relevance = FixedClock(), 0.0
    with pytest.raises(InvalidRequest) as refused:
        await _called(getattr(servicer, breach.method.name), breach)
    assert breach.is_named_by(refused.value.violations), refused.value


async def _called(call: Any, breach: Breach) -> None:
    given = _stream([breach.request]) if breach.method.client_streaming else breach.request
    if breach.method.server_streaming:
        await anext(call(given, None))
    else:
        await call(given, None)


async def _stream(requests: list[Any]) -> Any:
    for request in requests:
        yield request
