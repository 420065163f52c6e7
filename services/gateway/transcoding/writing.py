"""Writes answers: protobuf messages as JSON, with the contract's names, and every field that isn't one of several.

What a kind of message asks for is found in its descriptor once; protobuf's own way looks it up for each value.
"""

import functools
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import FloatValue

from services.gateway.transcoding.descriptors import enum_of, is_map, is_well_known, message_of

Writer = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is written behind it
_KEPT_SECONDS = 4096
_INFINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def write(message: Message) -> dict[str, Any]:
    """Return a message as the protobuf JSON mapping has it: 64-bit numbers are texts, times RFC 3339."""
    written: dict[str, Any] = _writer(message.DESCRIPTOR)(message)
    return written


@functools.cache
def _writer(kind: Descriptor) -> Writer:
    """Return what writes messages of a kind."""
    if is_well_known(kind):
        return _WELL_KNOWN.get(kind.full_name, json_format.MessageToDict)
    always = [field for field in kind.fields if not field.has_presence]
    names = [field.name for field in always]
    values = _getter(names)
    changes = [(field.name, change) for field in always if (change := _change(field))]
    when_set = [(field.name, _change(field) or _as_it_is) for field in kind.fields if field.has_presence]

    def written(message: Any) -> dict[str, Any]:
        found = dict(zip(names, values(message), strict=True))
        for name, change in changes:
            found[name] = change(found[name])
        for name, change in when_set:
            if message.HasField(name):
                found[name] = change(getattr(message, name))
        return found

    return written


def _getter(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Return what reads these fields of a message."""
    if len(names) > 1:
        getter: Callable[[Any], Sequence[Any]] = attrgetter(*names)
        return getter
    return lambda message: [getattr(message, name) for name in names]


def _change(field: FieldDescriptor) -> Writer | None:
    """Return what makes JSON of a field; None where its value is that already."""
    if is_map(field):
        inner = _single(message_of(field).fields_by_name["value"]) or _as_it_is
        return lambda held: {str(key): inner(held[key]) for key in held}
    change = _single(field)
    if not field.is_repeated:
        return change
    return (lambda held: [change(item) for item in held]) if change else list


def _single(field: FieldDescriptor) -> Writer | None:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        kind = message_of(field)
        # Asked for when it is needed: a message may hold others of its own kind.
        return lambda message: _writer(kind)(message)
    if field.type == FieldDescriptor.TYPE_ENUM:
        known = {value.number: value.name for value in enum_of(field).values}
        return lambda number: known.get(number, number)
    return _SCALARS.get(field.cpp_type)


def _as_it_is(value: Any) -> Any:
    return value


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else _INFINITE.get(value, "NaN")


def _time(value: Any) -> str:
    nanos, whole = value.nanos, _second(value.seconds)
    if not nanos:
        return f"{whole}Z"
    fraction = f"{nanos:09}"
    # With 3, 6 or 9 digits, as the mapping has it.
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{whole}.{fraction}Z"


@functools.lru_cache(_KEPT_SECONDS)
def _second(unix: int) -> str:
    """Return a second without its zone; the times of a page are often of the same few."""
    return (_EPOCH + timedelta(seconds=unix)).isoformat()


def _struct(struct: Any) -> dict[str, Any]:
    return {name: _value(value) for name, value in struct.fields.items()}


def _value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _struct(value.struct_value)
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


_SCALARS: dict[int, Writer] = {
    FieldDescriptor.CPPTYPE_INT64: str,
    FieldDescriptor.CPPTYPE_UINT64: str,
    FieldDescriptor.CPPTYPE_DOUBLE: _number,
    FieldDescriptor.CPPTYPE_FLOAT: lambda value: json_format.MessageToDict(FloatValue(value=value)),
}
_WELL_KNOWN: dict[str, Writer] = {
    "google.protobuf.Timestamp": _time,
    "google.protobuf.Duration": lambda duration: duration.ToJsonString(),
    "google.protobuf.FieldMask": lambda mask: mask.ToJsonString(),
    "google.protobuf.Struct": _struct,
}
