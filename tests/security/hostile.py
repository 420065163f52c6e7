"""Requests that nobody means: made from the descriptors of the RPCs, so that no field is forgotten."""

import base64
import json
import random
import struct
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from services.runtime.rpc.access import Rule
from tests.security.principals import about

_SIGNS = "aZ09 -_.:/@#$%'\"\\;,\0\n\t\u00e4\u200d\u202e\u2028\ufeff\u6771\U0001f600\U0010ffff"
_WORDS = (
    *("", " ", "\0", "a\0b", ".", "..", "../../etc/passwd", "odd", "pia", "0", "-1", "1e400", "NaN", "null", "true"),
    *("[]", "{}", "%", "_", "*", '"', "' OR 1=1 --", "\u202eevil", "\u0664\u0662", "\U0001f600", "9" * 18, "9" * 40),
    *("So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "1" * 32),
    *("text", "kind", "policy", "persona", "max_trade_lamports", "allowed_mints", "shared_experiences", "*,id"),
    *("fake", "NEAR(a b)", "a OR", '"unclosed', "col:x", "2024-02-30T25:61:61Z", "2024-01-01", "1700000000", "a.b.c"),
)  # fmt: skip
_LENGTHS = (1, 40, 64, 65, 128, 129, 200, 201, 280, 281, 1_001, 2_001, 8_001, 40_000)
_WHOLE = (0, 1, -1, 2, 7, 99, 100, 101, 500, 501, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
_BROKEN = (0.0, -0.0, 0.5, 1.0, -1.0, 1.0000001, 2.5, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"))
_LIMITS: dict[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_DEEPEST = 12

FINGERPRINT = "0" * 16
"""What a page token has to begin with to go with any filters: the test makes the services believe it."""


class Requests:
    """Makes one request after the other; the same seed makes the same ones."""

    def __init__(self, seed: int, agent: str, ids: list[str], persona: dict[str, Any]) -> None:
        self._rng = random.Random(seed)
        self._agent = agent
        self._ids = ids
        self._persona = persona

    def pick(self, methods: list[MethodDescriptor]) -> MethodDescriptor:
        """Choose an RPC."""
        return self._rng.choice(methods)

    def count(self) -> int:
        """Return how many messages a caller streams."""
        return self._rng.choice((0, 1, 1, 2, 5))

    def serialized(self, method: MethodDescriptor) -> bytes:
        """Return a request for an RPC: of values at the edges, of many items, or of bytes that are hardly any."""
        request = self._message(method.input_type, 0)
        if self._chance(0.7):
            # Most have to get past the question whose they are.
            request.MergeFrom(about(method, self._agent))
        self._mend(method, request)
        data: bytes = request.SerializeToString()
        if self._chance(0.1):
            data = self._damaged(data)
        if self._chance(0.04):
            data += self._flood(method.input_type)
        return data

    def _mend(self, method: MethodDescriptor, request: Any) -> None:
        """Make some of a request right, so that the rest of it is reached."""
        names = request.DESCRIPTOR.fields_by_name
        path = Rule.of(method).resource
        if path and self._ids and self._chance(0.7):
            place = request
            for name in path[:-1]:
                place = getattr(place, name)
            setattr(place, path[-1], self._rng.choice(self._ids))
        holder = request.agent if "agent" in names else request
        if isinstance(getattr(holder, "persona", None), Struct) and self._chance(0.7):
            holder.persona.Clear()
            changed = {name: self._changed(value) for name, value in self._persona.items()}
            holder.persona.update(changed | {"id": self._agent})
        if "request_id" in names and self._chance(0.6):
            request.request_id = f"request-{self._rng.randrange(50)}"
        for name in ("page_size", "max_results", "candidate_count"):
            if name in names and self._chance(0.7):
                setattr(request, name, self._rng.randrange(4))
        if "page_token" in names:
            request.page_token = "" if self._chance(0.3) else self._token()
        if "update_mask" in names and self._chance(0.7):
            inner = next(
                field.message_type for field in names.values() if field.message_type and field.name != "update_mask"
            )
            request.update_mask.paths[:] = self._rng.sample([field.name for field in inner.fields], 1)

    def _message(self, descriptor: Descriptor, depth: int) -> Any:
        message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self._chance(0.35 if depth < 2 else 0.6):
                continue
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                self._fill_map(message, field, depth)
            elif field.is_repeated:
                getattr(message, field.name).extend(self._value(field, depth) for _ in range(self._size(depth)))
            elif field.message_type is not None:
                if depth < _DEEPEST:
                    getattr(message, field.name).CopyFrom(self._message(field.message_type, depth + 1))
            else:
                setattr(message, field.name, self._value(field, depth))
        return message

    def _fill_map(self, message: Any, field: Any, depth: int) -> None:
        entries, value = getattr(message, field.name), field.message_type.fields_by_name["value"]
        for _ in range(self._size(depth)):
            if value.message_type is None:
                entries[self._text()] = self._value(value, depth)
            elif depth < _DEEPEST:
                entries[self._text()].CopyFrom(self._message(value.message_type, depth + 1))

    def _value(self, field: Any, depth: int) -> Any:
        kind = field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_MESSAGE:
            made = self._message(field.message_type, depth + 1) if depth < _DEEPEST else None
            return made if made is not None else GetMessageClass(field.message_type)()
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return self._text() if field.type == FieldDescriptor.TYPE_STRING else self._rng.randbytes(8)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self._chance(0.5)
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return self._rng.choice(_BROKEN) if self._chance(0.6) else self._rng.random()
        if kind == FieldDescriptor.CPPTYPE_ENUM and self._chance(0.7):
            return self._rng.choice(field.enum_type.values).number
        least, limit = _LIMITS[kind]
        return min(limit, max(least, self._rng.choice(_WHOLE)))

    def _text(self) -> str:
        if self._ids and self._chance(0.2):
            return self._rng.choice(self._ids)
        if self._chance(0.6):
            return self._rng.choice(_WORDS)
        length = self._rng.choice(_LENGTHS)
        if self._chance(0.5):
            return self._rng.choice(_SIGNS) * length
        return "".join(self._rng.choices(_SIGNS, k=min(length, 300)))

    def _size(self, depth: int) -> int:
        return self._rng.choice((0, 1, 2, 3, 60, 1_001)) if depth == 0 else self._rng.choice((0, 1, 2, 3))

    def _token(self) -> str:
        """Return a page token: a forged key that goes with the filters, or anything at all."""
        times = (
            "2024-01-01T00:00:00+00:00",
            "0001-01-01T00:00:00+23:59",
            "x",
            "9999-12-31T23:59:59-23:59",
            "2024-01-01",
        )
        time: Any = {"time": self._rng.choice((*times, None, 5))}
        number, text = self._rng.choice((*_WHOLE, True, 0.5, 10**30)), self._text()
        keys: Any = ([], [text], [number], [time, text], [time, number], [number, text], [time], [self._json(2)])
        written = [FINGERPRINT, *self._rng.choice(keys)]
        choices: tuple[Callable[[], str], ...] = (
            lambda: base64.urlsafe_b64encode(json.dumps(written).encode()).decode(),
            lambda: base64.urlsafe_b64encode(json.dumps(written).encode()).decode(),
            lambda: base64.urlsafe_b64encode(json.dumps({"time": written}).encode()).decode(),
            lambda: base64.urlsafe_b64encode(b"[" * 2_000).decode(),
            lambda: base64.urlsafe_b64encode(b"[" + b"9" * 3_000).decode(),
            lambda: base64.urlsafe_b64encode(self._rng.randbytes(30)).decode(),
            self._text,
        )
        return self._rng.choice(choices)()

    def _json(self, depth: int) -> Any:
        if depth and self._chance(0.3):
            return [self._json(depth - 1) for _ in range(self._rng.randrange(3))]
        if depth and self._chance(0.3):
            return {self._rng.choice(_WORDS): self._json(depth - 1) for _ in range(self._rng.randrange(3))}
        number = self._rng.choice([*_WHOLE, *filter(lambda value: value == value, _BROKEN)])
        return self._rng.choice((None, True, False, number, self._text()))

    def _changed(self, value: Any) -> Any:
        """Return a persona in which a few values are others."""
        if self._chance(0.03):
            return self._json(3)
        if isinstance(value, dict):
            return {name: item if name == "id" else self._changed(item) for name, item in value.items()} | (
                {self._rng.choice(_WORDS): self._json(2)} if self._chance(0.05) else {}
            )
        return [self._changed(item) for item in value] if isinstance(value, list) else value

    def _damaged(self, data: bytes) -> bytes:
        if not data or self._chance(0.3):
            return self._rng.randbytes(self._rng.randrange(200))
        at = self._rng.randrange(len(data))
        return data[:at] + self._rng.randbytes(1) + data[at + (1 if self._chance(0.8) else len(data)) :]

    def _flood(self, descriptor: Descriptor) -> bytes:
        """Return a field that is there very often, whatever it is."""
        field = self._rng.choice(descriptor.fields) if descriptor.fields else None
        number = field.number if field is not None else 1
        is_text = field is not None and field.cpp_type in (
            FieldDescriptor.CPPTYPE_MESSAGE,
            FieldDescriptor.CPPTYPE_STRING,
        )
        tag = number << 3 | (2 if is_text else 0)
        head = bytes([tag]) if tag < 128 else struct.pack("BB", tag & 127 | 128, tag >> 7)
        return (head + b"\0") * self._rng.choice((51, 1_001, 45_000, 300_000))

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share


def texts_in(message: Message, name: str = "id") -> list[str]:
    """Return the texts of the fields of this name, anywhere in a message."""
    found: list[str] = []
    for field, value in message.ListFields():
        if field.name == name and isinstance(value, str):
            found.append(value)
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for item in value if field.is_repeated else [value]:
                found += texts_in(item, name)
    return found
