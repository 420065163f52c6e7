"""The access option of an RPC: who may call it, and which agents a request is about.

The option stands in the contract (`puppet/options/v1/access.proto`), so that every language sees the same rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.struct_pb2 import Struct

from puppet.options.v1 import access_pb2
from services.runtime.rpc.identity import Kind, Principal

_SAFE_TO_REPEAT = (MethodOptions.NO_SIDE_EFFECTS, MethodOptions.IDEMPOTENT)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the contract says about one RPC; `agent` and `resource` are paths of request fields, empty for none."""

    method: str
    """`package.Service/Method`."""
    roles: frozenset[str] = frozenset()
    is_read: bool = False
    agent: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ()
    any_scope: bool = False

    @classmethod
    def of(cls, method: MethodDescriptor) -> "Rule":
        """Read the options of a method."""
        options = method.GetOptions()
        access = options.Extensions[access_pb2.access]
        return cls(
            full_name(method),
            frozenset(map(_role, access.callers)),
            options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
            tuple(filter(None, access.agent.split("."))),
            tuple(filter(None, access.resource.split("."))),
            tuple(access.delegates),
            access.any_scope,
        )

    def admits(self, principal: Principal) -> bool:
        """Tell whether a principal may call this RPC by its own right, whatever agent it is about."""
        is_within_scope = principal.kind is not Kind.CLIENT or self.is_read or principal.may_write
        return principal.role in self.roles and is_within_scope


def _is_struct(value: Any) -> bool:
    # By its name: a Struct of another pool of descriptors is another class.
    return getattr(getattr(value, "DESCRIPTOR", None), "full_name", "") == str(Struct.DESCRIPTOR.full_name)


def _member(value: Any, name: str) -> Any:
    if _is_struct(value):
        # Only this one: to take all of it apart would take long, and fail at a value that is none.
        return value.fields[name].string_value if name in value.fields else ""
    return getattr(value, name, "")


def _role(caller: "access_pb2.Caller.ValueType") -> str:
    """Return the role of a principal that this caller of the contract stands for."""
    name = access_pb2.Caller.Name(caller).removeprefix("CALLER_").lower()
    return name if name in set(Kind) else Principal(name, Kind.SERVICE).role


def full_name(method: MethodDescriptor) -> str:
    """Return `package.Service/Method`."""
    return f"{method.containing_service.full_name}/{method.name}"


def rules_of(services: Iterable[ServiceDescriptor]) -> Mapping[str, Rule]:
    """Return the rules of all RPCs of these services, by their paths on the wire."""
    rules = [Rule.of(method) for service in services for method in service.methods]
    return {f"/{rule.method}": rule for rule in rules}


def is_safe_to_repeat(method: MethodDescriptor) -> bool:
    """Tell whether the same request may be sent again by somebody who doesn't know what became of the first."""
    return method.GetOptions().idempotency_level in _SAFE_TO_REPEAT


def values_at(request: Any, path: tuple[str, ...]) -> list[str]:
    """Return the texts at a path of a request, without empty ones; it may lead through Structs and lists."""
    return [item for item in _found_at(request, path) if isinstance(item, str) and item]


def _found_at(request: Any, path: tuple[str, ...]) -> list[Any]:
    values = [request]
    for name in path:
        values = [item for value in values for item in _items(_member(value, name))]
    return values


def lacking_at(request: Any, path: tuple[str, ...]) -> str:
    """Return the path of the field for which a request names no agent: the list that is empty, or the whole path."""
    is_empty_list = len(path) > 1 and not _items(_member(request, path[0]))
    return path[0] if is_empty_list else ".".join(path)


def is_other_than_text_at(request: Any, path: tuple[str, ...]) -> bool:
    """Tell whether an object of a request says something else than a text at the end of a path."""
    *outer, name = path
    owners = [owner for owner in _found_at(request, tuple(outer)) if _is_struct(owner) and name in owner.fields]
    return any(owner.fields[name].WhichOneof("kind") not in ("string_value", "null_value", None) for owner in owners)


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
