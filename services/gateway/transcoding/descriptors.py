"""What a field of a message is, as its descriptor says."""

from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from puppet.options.v1 import limits_pb2

_WELL_KNOWN = "google.protobuf."


def message_of(field: FieldDescriptor) -> Descriptor:
    """Return what messages of a field are. Raises TypeError for a field of anything else."""
    if field.message_type is None:
        raise TypeError(f"{field.full_name} holds no messages")
    return field.message_type


def enum_of(field: FieldDescriptor) -> EnumDescriptor:
    """Return whose values a field holds. Raises TypeError for a field of anything else."""
    if field.enum_type is None:
        raise TypeError(f"{field.full_name} holds no values of an enum")
    return field.enum_type


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def is_well_known(kind: Descriptor) -> bool:
    """Tell whether messages of a kind have a form of their own in JSON."""
    return kind.full_name.startswith(_WELL_KNOWN)


def field_of(kind: Descriptor, name: str) -> FieldDescriptor | None:
    """Return a field by its name as the contract has it, or in camelCase; None when there is none."""
    return kind.fields_by_name.get(name) or kind.fields_by_camelcase_name.get(name)


def field_at(kind: Descriptor, path: str) -> FieldDescriptor:
    """Return the field at a path of a message, such as `memory.agent_id`. Raises KeyError."""
    *parents, name = path.split(".")
    for parent in parents:
        kind = message_of(kind.fields_by_name[parent])
    return kind.fields_by_name[name]


def value_prefix(kind: EnumDescriptor) -> str:
    """Return what the names of all values of an enum begin with: `MEMORY_KIND_`."""
    return kind.values[0].name.removesuffix("UNSPECIFIED")


def limits_of(field: FieldDescriptor) -> Any:
    """Return what the contract says that a field may hold."""
    return field.GetOptions().Extensions[limits_pb2.limits]
