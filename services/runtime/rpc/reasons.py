"""With which reasons an RPC may be refused, as its contract says in the options `errors` and `common_errors`."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from services.runtime.rpc.access import full_name

_PREFIX = "ERROR_REASON_"


def reasons_of(services: Iterable[ServiceDescriptor]) -> Mapping[str, frozenset[str]]:
    """Return the reasons of all RPCs of these services, without their prefix, by their paths on the wire."""
    return {
        f"/{full_name(method)}": own_reasons(method) | common_reasons(service)
        for service in services
        for method in service.methods
    }


def own_reasons(method: MethodDescriptor) -> frozenset[str]:
    """Return the reasons that this RPC names."""
    return _named("errors", method)


def common_reasons(service: ServiceDescriptor) -> frozenset[str]:
    """Return the reasons that any RPC of a service may have."""
    return _named("common_errors", service)


def _named(option: str, declaring: Any) -> frozenset[str]:
    # Each package has options of its own, of the type of its reasons: they are found by their names.
    file = declaring.file if isinstance(declaring, ServiceDescriptor) else declaring.containing_service.file
    for field, values in declaring.GetOptions().ListFields():
        if field.full_name == f"{file.package}.{option}":
            named = field.enum_type.values_by_number
            return frozenset(named[value].name.removeprefix(_PREFIX) for value in values)
    return frozenset()
