"""Requests that break their contract: one for each limit, made of the options of `puppet/options/v1/limits.proto`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from services.runtime.errors import Violation
from services.runtime.rpc.access import Rule
from services.runtime.rpc.limits import limits_of

_NO_LIMIT = 2**63 - 1
_BEYOND_PATHS = re.compile(r"\[['\"].*| \(of message 1\)$")
"""What may follow the path of a field: the key of a map, or which message of a stream it is in."""


@dataclass(frozen=True)
class Breach:
    """A request that breaks one limit, and the path of the field that a refusal has to name."""

    method: MethodDescriptor
    path: str
    request: Any

    def __str__(self) -> str:
        return f"{self.method.name}-{self.path}"

    def is_named_by(self, violations: Iterable[Violation]) -> bool:
        """Tell whether the field is among those that a service named."""
        return self.path in {_BEYOND_PATHS.sub("", item.field) for item in violations}


def breaches(method: MethodDescriptor) -> Iterator[Breach]:
    """Yield a request for every limit that is broken by something in it."""
    request, rule = GetMessageClass(method.input_type)(), Rule.of(method)
    for path, broken in _broken(request, request, ""):
        is_left_out = path == ".".join(rule.agent) or not broken.ListFields()
        if rule.delegates and not is_left_out:
            _name_agent(broken, rule.agent)
        yield Breach(method, path, broken)


def _name_agent(request: Any, path: tuple[str, ...]) -> None:
    """Say which agent a request is about: without that nobody can delegate anything, and the rest isn't looked at."""
    for name in path[:-1]:
        found = getattr(request, name)
        if isinstance(found, Sequence):
            found = found[0] if found else getattr(request, name).add()
        request = found
    if isinstance(request, Struct):
        request[path[-1]] = "nobody"
    elif not getattr(request, path[-1]):
        setattr(request, path[-1], "nobody")


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
    if nested is None or nested.full_name in seen:
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
    if limits.HasField("whole") and limits.whole.max < _NO_LIMIT:
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
