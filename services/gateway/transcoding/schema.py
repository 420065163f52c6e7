"""JSON Schemas of messages, from their descriptors and the limits that stand in them."""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from puppet.options.v1 import bounds_pb2, limits_pb2
from services.gateway.transcoding.descriptors import enum_of, is_map, limits_of, message_of

_INT64 = {"type": "string", "pattern": r"^-?[0-9]+$"}
_SCALARS: dict[int, dict[str, Any]] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: _INT64,
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "pattern": r"^[0-9]+$"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.FieldMask": {"type": "string"},
}


class Schemas:
    """The schemas of all messages that were asked for, and of those within them.

    What is sent may hold nothing else than they say; what is answered may hold more one day.
    """

    def __init__(self, *, is_sent: bool) -> None:
        self.components: dict[str, dict[str, Any]] = {}
        self._is_sent = is_sent

    def of(self, kind: Descriptor) -> dict[str, Any]:
        """Return a schema that refers to this message's."""
        if kind.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[kind.full_name])
        name = f"{_name(kind)}Input" if self._is_sent else _name(kind)
        if name not in self.components:
            # Taken before it is filled: a message may hold others of its own kind.
            self.components[name] = {}
            self.components[name] |= self.object_of(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def object_of(self, kind: Descriptor, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the schema of a message's fields, but for some."""
        fields = [field for field in kind.fields if field.name not in without]
        properties = {field.name: self.field(field) for field in fields}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if not self._is_sent:
            return schema
        schema["additionalProperties"] = False
        if required := [field.name for field in fields if limits_of(field).required]:
            schema["required"] = required
        one_of = [choice for choice in kind.oneofs if choice.GetOptions().Extensions[limits_pb2.one_required]]
        for choice in one_of:
            schema["oneOf"] = [{"required": [field.name]} for field in choice.fields]
        return schema

    def field(self, field: FieldDescriptor) -> dict[str, Any]:
        """Return the schema of a field's values."""
        if is_map(field):
            limits = limits_of(field)
            value: dict[str, Any] = self.single(message_of(field).fields_by_name["value"])
            if limits.max_length:
                value["maxLength"] = limits.max_length
            return {"type": "object", "additionalProperties": value}
        item = self.single(field)
        if not field.is_repeated:
            return item
        limit = field.GetOptions().Extensions[bounds_pb2.max_items]
        least = {"minItems": 1} if self._is_sent and limits_of(field).required else {}
        return {"type": "array", "items": item, **least} | ({"maxItems": limit} if limit else {})

    def single(self, field: FieldDescriptor) -> dict[str, Any]:
        """Return the schema of one value of a field."""
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            return self.of(message_of(field))
        if field.type == FieldDescriptor.TYPE_ENUM:
            # That nothing is said is said by leaving it out.
            values = enum_of(field).values[1:] if self._is_sent else enum_of(field).values
            return {"type": "string", "enum": [value.name for value in values]}
        schema, limits = dict(_SCALARS[field.cpp_type]), limits_of(field)
        if limits.max_length:
            schema["maxLength"] = limits.max_length
        if limits.required and schema["type"] == "string" and field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            schema["minLength"] = 1
        if limits.HasField("range"):
            least = "exclusiveMinimum" if limits.range.above_min else "minimum"
            schema |= {least: limits.range.min, "maximum": limits.range.max}
        if limits.HasField("whole") and schema["type"] == "integer":
            schema |= {"minimum": limits.whole.min, "maximum": limits.whole.max}
        return schema


def _name(kind: Descriptor) -> str:
    _, service, _, name = kind.full_name.split(".", 3)
    return f"{service}.{name}"
