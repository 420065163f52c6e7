"""How much a request may hold, counted in its bytes before anything of it is made.

Two million empty messages fit into four megabytes, and taking them apart takes a third of a second and a gigabyte. So
a request is first read as its skeleton: the same message, in which whatever can be there several times is plain bytes.
Its lists are counted, level by level, and only what holds few enough items is read as what it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from puppet.options.v1 import bounds_pb2
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.rpc.access import full_name

MAX_BYTES = 4 * 2**20
"""A larger request is refused, and a larger answer never sent: it is what gRPC's clients read unless told otherwise."""

MAX_ITEMS = 40_000
"""How many items all lists, maps and messages of one request may have together."""

MAX_LEVELS = 40
"""How deep messages may lie in each other: an object within an object of a persona takes three."""

_LARGE = 256 * 2**10
"""Of a larger message the fields are counted before even its skeleton is made, which takes 20 ms for a million."""

_VARINT, _LENGTH, _FIXED = 0, 2, {1: 8, 5: 4}
"""Kinds of fields on the wire, and how many bytes those of one size have."""

_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE)
_BYTES, _NUMBER = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_INT32
_REPEATED = FieldDescriptorProto.LABEL_REPEATED


@dataclass(frozen=True, slots=True)
class _Counted:
    """A field that may be there several times: how often in one message, and what is in each that has to be counted."""

    name: str
    limit: int
    is_list: bool
    content: "Shape | None"


@dataclass(slots=True)
class Shape:
    """What is counted of one kind of message; `skeleton` is the class of its messages with bytes for what they hold."""

    skeleton: Any
    fields: list[_Counted] = field(default_factory=list)

    def check(self, data: bytes) -> None:
        """Raise InvalidRequest when a serialized request holds too much, or is none."""
        if len(data) > MAX_BYTES:
            raise _refused("", f"the message must have at most {MAX_BYTES:,} bytes, and has {len(data):,}")
        if not self.fields and len(data) <= _LARGE:
            return
        total = 0
        waiting: list[tuple[Shape, str, int, list[bytes]]] = [(self, "", 0, [data])]
        while waiting:
            shape, path, level, messages = waiting.pop()
            if level > MAX_LEVELS:
                raise _refused("", f"messages must lie at most {MAX_LEVELS} deep in each other")
            # Messages written one behind the other are one message that holds all that is in them: a level of a
            # deep request is counted at once, and not message by message.
            merged = shape._read(messages[0] if len(messages) == 1 else b"".join(messages))
            for counted in shape.fields:
                items: Sequence[bytes] = getattr(merged, counted.name)
                total += len(items)
                place = f"{path}.{counted.name}" if path else counted.name
                shape._check_each(counted, place, messages, len(items))
                if total > MAX_ITEMS:
                    raise _too_many_in_all()
                if counted.content is not None and items:
                    waiting.append((counted.content, place, level + 1, list(items)))

    def _check_each(self, counted: _Counted, place: str, messages: Sequence[bytes], number: int) -> None:
        """Check a field of which so many are in all messages together."""
        if not counted.is_list:
            if number > len(messages):
                raise _refused(place, "must be given once")
        elif number > counted.limit:
            for at, message in enumerate(messages):
                found = number if len(messages) == 1 else len(getattr(self._read(message), counted.name))
                if found > counted.limit:
                    where = place if len(messages) == 1 else f"{place} (of item {at})"
                    raise _refused(where, f"must have at most {counted.limit:,} items, and has {found:,}")

    def _read(self, data: bytes) -> Any:
        if len(data) > _LARGE and _has_too_many_fields(data):
            raise _too_many_in_all()
        try:
            return self.skeleton.FromString(data)
        except DecodeError:
            raise _refused("", "the message is no valid protobuf") from None


def bounds_of(services: Iterable[ServiceDescriptor]) -> Mapping[str, Shape]:
    """Return the shapes of the requests of all RPCs of these services, by their paths on the wire."""
    methods = [method for service in services for method in service.methods]
    shapes = _shapes([method.input_type for method in methods])
    return {f"/{full_name(method)}": shapes[method.input_type.full_name] for method in methods}


def most_items(counted: FieldDescriptor) -> int:
    """Return how many items a list or map may have by its contract; one of other contracts (a Struct's) any number."""
    return counted.GetOptions().Extensions[bounds_pb2.max_items] or MAX_ITEMS


def _has_too_many_fields(data: bytes) -> bool:
    """Tell whether a message is made of more than `MAX_ITEMS` fields, without looking any further than that."""
    at, end = 0, len(data)
    try:
        for _ in range(MAX_ITEMS):
            if at >= end:
                return False
            kind = data[at] & 7
            at = _behind_number(data, at)
            if kind == _LENGTH:
                length, at = _number_at(data, at)
                at += length
            elif kind == _VARINT:
                at = _behind_number(data, at)
            else:
                at += _FIXED.get(kind, 0)
    except IndexError:
        # It ends in the midst of a field: that it is no protobuf is for the parser to say.
        return False
    return at < end


def _behind_number(data: bytes, at: int) -> int:
    while data[at] > 127:
        at += 1
    return at + 1


def _number_at(data: bytes, at: int) -> tuple[int, int]:
    """Return a number, which takes ten bytes at most, and the place behind it. Raises IndexError for a longer one."""
    number = 0
    for place in range(10):
        byte = data[at + place]
        number |= (byte & 127) << 7 * place
        if byte <= 127:
            return number, at + place + 1
    raise IndexError


def _too_many_in_all() -> InvalidRequest:
    return _refused("", f"the message must have at most {MAX_ITEMS:,} items in all")


def _refused(path: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(path, description)])


def _shapes(roots: Iterable[Descriptor]) -> dict[str, Shape]:
    """Return the shape of each of these messages and of all they hold, by full name."""
    found: dict[str, Descriptor] = {}
    waiting = list(roots)
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting.extend(item.message_type for item in message.fields if item.message_type is not None)
    skeletons = _skeletons(found)
    shapes = {name: Shape(skeletons[name]) for name in found}
    for name, message in found.items():
        for item in _counted(message):
            inner = item.message_type
            content = shapes[inner.full_name] if inner is not None and _counted(inner) else None
            shapes[name].fields.append(_Counted(item.name, most_items(item), item.is_repeated, content))
    return shapes


def _skeletons(messages: Mapping[str, Descriptor]) -> dict[str, Any]:
    """Return a class for each message that reads its counted fields as lists, and leaves the others aside."""
    file = FileDescriptorProto(name="skeletons.proto", syntax="proto3")
    for at, message in enumerate(messages.values()):
        made = file.message_type.add(name=f"Skeleton{at}")
        for item in _counted(message):
            kind = _BYTES if item.type in _TEXTS else _NUMBER if item.type == FieldDescriptor.TYPE_ENUM else item.type
            made.field.add(name=item.name, number=item.number, label=_REPEATED, type=kind)
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"Skeleton{at}")) for at, name in enumerate(messages)}


def _counted(message: Descriptor) -> list[FieldDescriptor]:
    return [item for item in message.fields if item.is_repeated or item.message_type is not None]
