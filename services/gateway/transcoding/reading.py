"""Reads requests: JSON bodies and query texts into protobuf messages, with every field that is wrong named by its path.

Names may be written as the contract has them or in camelCase, and values of enums in full or without their prefix.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.gateway.transcoding.descriptors import enum_of, field_of, is_map, is_well_known, message_of, value_prefix
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.nesting import is_shallow

MAX_LEVELS = 40
"""How deep arrays and objects of a body may lie in each other."""

_MAX_VIOLATIONS = 50
_MAX_DIGITS = 400
"""The largest number that a double holds has 309."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MESSAGE, _ENUM, _BOOL = FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_ENUM, FieldDescriptor.TYPE_BOOL
_UNREADABLE = (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError)


def read_object(content: bytes) -> dict[str, Any]:
    """Return the object that a body holds; nothing at all is an empty one. Raises InvalidRequest."""
    if not content.strip():
        return {}
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _refused("", "the body must be in UTF-8") from None
    try:
        if not is_shallow(text, MAX_LEVELS):
            raise _refused("", f"arrays and objects must lie at most {MAX_LEVELS} deep in each other")
        value = json.loads(text, parse_constant=_no_number, parse_int=_whole, object_pairs_hook=_once_each)
    except ValueError as error:
        raise _refused("", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise _refused("", "the body must be a JSON object")
    if _SURROGATE.search(text) and not _is_encodable(value):
        raise _refused("", "the body has half a character in it: an escape of a surrogate without the other one")
    return value


def fill(message: Any, data: Mapping[str, Any]) -> None:
    """Put what an object says into a message. Raises InvalidRequest, which names all fields that can't be read."""
    try:
        json_format.ParseDict(_in_full(message.DESCRIPTOR, data), message)
    except _UNREADABLE as error:
        found = list(_violations(message.DESCRIPTOR, data, ""))
        raise InvalidRequest(found[:_MAX_VIOLATIONS] or [Violation("", _rule(error))]) from None


def read_query(kind: Descriptor, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what a query says of a message's fields, which stand in it as often as a list has items.

    Raises InvalidRequest for a field that the message hasn't, or that is given twice and is no list.
    """
    given: dict[str, Any] = {}
    wrong: list[Violation] = []
    for name, text in pairs:
        if (found := field_of(kind, name)) is None:
            wrong.append(Violation(name, "is unknown here"))
        elif found.is_repeated:
            given.setdefault(found.name, []).append(_read_text(found, text))
        elif found.name in given:
            wrong.append(Violation(name, "must be given once"))
        else:
            given[found.name] = _read_text(found, text)
    if wrong:
        raise InvalidRequest(wrong)
    return given


def put(message: Any, path: str, value: Any) -> None:
    """Set the field at a path of a message, such as `memory.agent_id`, to a text or a list of texts."""
    *parents, name = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
    if isinstance(value, list):
        getattr(message, name)[:] = value
    else:
        setattr(message, name, value)


def _read_text(field: FieldDescriptor, text: str) -> Any:
    return {"true": True, "false": False}.get(text, text) if field.type == _BOOL else text


def _in_full(kind: Descriptor, data: Any) -> Any:
    """Return an object with the values of its enums in full."""
    if not isinstance(data, dict) or is_well_known(kind):
        return data
    written = dict(data)
    for name, value in data.items():
        field = field_of(kind, name)
        if field is None or is_map(field):
            continue
        if field.type == _ENUM:
            written[name] = _each(value, functools.partial(_enum_in_full, enum_of(field)))
        elif field.type == _MESSAGE:
            written[name] = _each(value, functools.partial(_in_full, message_of(field)))
    return written


def _each(value: Any, change: Any) -> Any:
    return [change(item) for item in value] if isinstance(value, list) else change(value)


def _enum_in_full(kind: EnumDescriptor, value: Any) -> Any:
    if not isinstance(value, str) or value in kind.values_by_name:
        return value
    # `MEMORY_KIND_CORE` is `core` too: what all names of an enum begin with says nothing.
    name = f"{value_prefix(kind)}{value.upper()}"
    return name if name in kind.values_by_name else value


def _violations(kind: Descriptor, data: Any, path: str) -> Iterator[Violation]:
    """Yield what of an object can't be read, by reading each of its fields alone."""
    if not isinstance(data, dict) or is_well_known(kind):
        yield Violation(path, "must be an object" if not isinstance(data, dict) else "can't be read")
        return
    for name, value in data.items():
        place = f"{path}.{name}" if path else name
        field = field_of(kind, name)
        if field is None:
            yield Violation(place, "is unknown here")
            continue
        error = _error_of(kind, name, value)
        if error is None:
            continue
        items = list(enumerate(value)) if isinstance(value, list) and field.is_repeated else []
        if _is_message(field) and items:
            for index, item in items:
                if _error_of(kind, name, [item]) is not None:
                    yield from _violations(message_of(field), item, f"{place}[{index}]")
        elif _is_message(field) and isinstance(value, dict):
            yield from _violations(message_of(field), value, place)
        else:
            wrong = next((index for index, item in items if _error_of(kind, name, [item]) is not None), None)
            yield Violation(place if wrong is None else f"{place}[{wrong}]", _rule(error, field))


def _error_of(kind: Descriptor, name: str, value: Any) -> Exception | None:
    try:
        json_format.ParseDict(_in_full(kind, {name: value}), GetMessageClass(kind)())
    except _UNREADABLE as error:
        return error
    return None


def _is_message(field: FieldDescriptor) -> bool:
    is_message = field.type == _MESSAGE and not is_map(field)
    return is_message and not is_well_known(message_of(field))


_RULES = {
    FieldDescriptor.CPPTYPE_INT32: "must be a whole number of 32 bits",
    FieldDescriptor.CPPTYPE_UINT32: "must be a whole number of 32 bits, not below 0",
    FieldDescriptor.CPPTYPE_INT64: "must be a whole number of 64 bits",
    FieldDescriptor.CPPTYPE_UINT64: "must be a whole number of 64 bits, not below 0",
    FieldDescriptor.CPPTYPE_DOUBLE: "must be a number",
    FieldDescriptor.CPPTYPE_FLOAT: "must be a number",
    FieldDescriptor.CPPTYPE_BOOL: "must be true or false",
    FieldDescriptor.CPPTYPE_STRING: "must be a text",
}


def _rule(error: Exception, field: FieldDescriptor | None = None) -> str:
    """Return what a value breaks, in words that don't repeat it."""
    if field is None:
        return "can't be read as the contract has it" if not str(error) else "can't be read"
    if field.type == _ENUM:
        kind = enum_of(field)
        names = [value.name.removeprefix(value_prefix(kind)) for value in kind.values[1:]]
        return f"must be one of {', '.join(names)}"
    if field.type == _MESSAGE:
        known = {
            "Timestamp": "must be a time in RFC 3339, for example 2026-01-31T12:00:00Z",
            "Duration": "must be seconds with an s, for example 3.5s",
        }
        return known.get(message_of(field).name, "must be an object" if not is_map(field) else "must map texts")
    rule = _RULES[field.cpp_type]
    return f"{rule} in each item" if field.is_repeated else rule


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a whole number has {len(digits):,} digits, and may have {_MAX_DIGITS}")
    return int(digits)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _is_encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field or "body", description)])
