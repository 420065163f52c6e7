"""What a request may say, checked by its contract: the options of `puppet/options/v1/limits.proto`.

A kind of message is looked through once; what was found is kept as one function for each of its fields.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from puppet.options.v1 import limits_pb2
from services.runtime.checks import Checks
from services.runtime.errors import quoted
from services.runtime.pages import Page, read_page

_Check = Callable[[Checks, str, Any], None]
"""Checks one field of a message: where the violations go, the path of the message with its dot, and the message."""


class RequestChecks(Checks):
    """The checks of one request, which begin with all that its contract says; the rest is added in the block."""

    def __init__(self, request: Message) -> None:
        """Raise InvalidRequest at once when there are very many violations."""
        super().__init__()
        look(self, request)


def check(request: Message) -> None:
    """Raise InvalidRequest, with all that in a request breaks its contract."""
    with RequestChecks(request):
        pass


def look(checks: Checks, message: Message, path: str = "", only: Collection[str] | None = None) -> None:
    """Note what in a message breaks its contract; of some of its fields alone, if they are given."""
    for name, run in _checks_of(message.DESCRIPTOR):
        if only is None or name in only:
            run(checks, path, message)


def page_of(request: Any, filters: Sequence[object], kinds: tuple[type, ...]) -> Page:
    """Return the page that a request asks for, whose size its contract limits. Raises InvalidRequest."""
    size = limits_of(request.DESCRIPTOR.fields_by_name["page_size"])
    return read_page(
        request.page_size, request.page_token, filters, kinds, default=size.zero_means, limit=size.whole.max
    )


def size_of(request: Any, field: str) -> int:
    """Return a field's number, or what its contract takes 0 for."""
    given: int = getattr(request, field)
    return given or limits_of(request.DESCRIPTOR.fields_by_name[field]).zero_means


def limits_of(field: FieldDescriptor) -> limits_pb2.Limits:
    """Return what a field may hold."""
    return field.GetOptions().Extensions[limits_pb2.limits]


@functools.cache
def _checks_of(message: Descriptor) -> tuple[tuple[str, _Check], ...]:
    masks = {limits_of(field).masks: field for field in message.fields if limits_of(field).masks}
    found = [(field.name, run) for field in message.fields for run in _field_checks(field, masks.get(field.name))]
    needed = [group.name for group in message.oneofs if group.GetOptions().Extensions[limits_pb2.one_required]]
    return (*found, *((name, functools.partial(_one, name)) for name in needed))


def _field_checks(field: FieldDescriptor, mask: FieldDescriptor | None) -> Iterator[_Check]:
    limits, name = limits_of(field), field.name
    if field.is_repeated:
        if limits.required:
            yield functools.partial(_not_empty, name)
        yield from _item_checks(field, limits)
    elif field.message_type is not None:
        yield from _message_checks(field, limits, mask)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        yield functools.partial(_enum, name, _values(field), limits.required)
    elif limits.max_length:
        group = field.containing_oneof
        yield functools.partial(_text, name, limits.max_length, limits.required, group.name if group else "")
    elif limits.HasField("range"):
        yield functools.partial(_number, name, limits.range, field.has_presence)
    elif limits.HasField("whole"):
        yield functools.partial(_whole, name, limits.whole, field.has_presence)


def _message_checks(
    field: FieldDescriptor, limits: limits_pb2.Limits, mask: FieldDescriptor | None
) -> Iterator[_Check]:
    message, name = field.message_type, field.name
    if limits.max_bytes:
        yield functools.partial(_bytes, name, limits.max_bytes)
    if limits.paths:
        yield functools.partial(_mask, name, frozenset(limits.paths), limits.required)
    elif _is_time(message):
        yield functools.partial(_time, name)
    elif _is_ours(message):
        masked = None if mask is None else (mask.name, frozenset(limits_of(mask).paths))
        yield functools.partial(_message, name, limits, masked)
    elif limits.required:
        yield functools.partial(_there, name)


def _item_checks(field: FieldDescriptor, limits: limits_pb2.Limits) -> Iterator[_Check]:
    message, name = field.message_type, field.name
    if message is not None and message.GetOptions().map_entry:
        if limits.max_key_length:
            yield functools.partial(_entries, name, limits)
    elif _is_ours(message):
        yield functools.partial(_messages, name)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        yield functools.partial(_enums, name, _values(field))
    elif limits.max_length:
        yield functools.partial(_texts, name, limits.max_length)


def _is_time(message: Descriptor | None) -> bool:
    return message is not None and message.full_name == Timestamp.DESCRIPTOR.full_name


def _is_ours(message: Descriptor | None) -> bool:
    return message is not None and message.full_name.startswith("puppet.")


def _values(field: FieldDescriptor) -> frozenset[int]:
    named = field.enum_type
    return frozenset(named.values_by_number) if named is not None else frozenset()


def _text(name: str, limit: int, required: bool, group: str, checks: Checks, path: str, message: Any) -> None:
    # The one of several fields that a caller chose has to say something.
    is_chosen = bool(group) and message.WhichOneof(group) == name
    checks.text(f"{path}{name}", getattr(message, name), limit, required=required or is_chosen)


def _texts(name: str, limit: int, checks: Checks, path: str, message: Any) -> None:
    for at, item in enumerate(getattr(message, name)):
        checks.text(f"{path}{name}[{at}]", item, limit)


def _number(name: str, span: limits_pb2.Range, optional: bool, checks: Checks, path: str, message: Any) -> None:
    if optional and not message.HasField(name):
        return
    value = getattr(message, name)
    if span.above_min and not span.min < value <= span.max:
        checks.refuse(f"{path}{name}", f"must be more than {span.min:g} and at most {span.max:g}, and is {value:g}")
    else:
        checks.number(f"{path}{name}", value, span.min, span.max)


def _whole(name: str, span: limits_pb2.WholeRange, optional: bool, checks: Checks, path: str, message: Any) -> None:
    if optional and not message.HasField(name):
        return
    value = getattr(message, name)
    # Not `Checks.number`: as a float an amount would be compared and shown with other digits.
    if not span.min <= value <= span.max:
        checks.refuse(f"{path}{name}", f"must be {span.min} to {span.max}, and is {value}")


def _enum(name: str, values: frozenset[int], required: bool, checks: Checks, path: str, message: Any) -> None:
    value = getattr(message, name)
    if required or value:
        checks.enum(f"{path}{name}", value, values)


def _enums(name: str, values: frozenset[int], checks: Checks, path: str, message: Any) -> None:
    for at, value in enumerate(getattr(message, name)):
        checks.enum(f"{path}{name}[{at}]", value, values)


def _entries(name: str, limits: limits_pb2.Limits, checks: Checks, path: str, message: Any) -> None:
    for key, value in getattr(message, name).items():
        checks.text(f"{path}{name}", key, limits.max_key_length, subject=f"the key {quoted(key)} ")
        checks.text(f"{path}{name}[{quoted(key)}]", value, limits.max_length, required=False)


def _not_empty(name: str, checks: Checks, path: str, message: Any) -> None:
    if not getattr(message, name):
        checks.refuse(f"{path}{name}", "is required")


def _there(name: str, checks: Checks, path: str, message: Any) -> None:
    if not message.HasField(name):
        checks.refuse(f"{path}{name}", "is required")


def _bytes(name: str, limit: int, checks: Checks, path: str, message: Any) -> None:
    if (size := getattr(message, name).ByteSize()) > limit:
        checks.refuse(f"{path}{name}", f"must have at most {limit:,} bytes, and has {size:,}")


def _one(name: str, checks: Checks, path: str, message: Any) -> None:
    if message.WhichOneof(name) is None:
        checks.refuse(f"{path}{name}", "is required")


def _time(name: str, checks: Checks, path: str, message: Any) -> None:
    if message.HasField(name):
        stamp: Timestamp = getattr(message, name)
        # What a datetime can hold, but for its ends, which Postgres takes for infinity.
        if not (-62_135_596_800 < stamp.seconds < 253_402_300_799 and 0 <= stamp.nanos < 1_000_000_000):
            rule = "must be a time after the first second of the year 1 and before the last of 9999"
            checks.refuse(f"{path}{name}", rule)


def _mask(name: str, allowed: frozenset[str], required: bool, checks: Checks, path: str, message: Any) -> None:
    named = getattr(message, name).paths
    if required or named:
        checks.mask(f"{path}{name}", named, allowed)


def _messages(name: str, checks: Checks, path: str, message: Any) -> None:
    for at, item in enumerate(getattr(message, name)):
        look(checks, item, f"{path}{name}[{at}].")


def _message(
    name: str,
    limits: limits_pb2.Limits,
    masked: tuple[str, frozenset[str]] | None,
    checks: Checks,
    path: str,
    message: Any,
) -> None:
    if not (limits.required or limits.requires or message.HasField(name)):
        return
    # Of one that isn't there it is told what it would have to hold.
    value, inner, before = getattr(message, name), f"{path}{name}.", checks.count
    for required in limits.requires:
        if not _holds(value, required):
            checks.refuse(f"{inner}{required}", "is required")
    if masked is None:
        look(checks, value, inner)
    else:
        mask, allowed = masked
        look(checks, value, inner, allowed.intersection(getattr(message, mask).paths).union(limits.requires))
    if limits.required and checks.count == before and not message.HasField(name):
        checks.refuse(f"{path}{name}", "is required")


def _holds(message: Any, name: str) -> bool:
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.has_presence:
        return bool(message.HasField(name))
    value = getattr(message, name)
    return bool(value.strip() if isinstance(value, str) else value)
