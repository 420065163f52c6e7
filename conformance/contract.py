"""The contracts of the suite, as descriptors: services and RPCs by the names that cases use."""

import importlib
import pkgutil
from collections.abc import Mapping

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

SERVICES = ("agents", "llm", "memory", "social", "trading")


def descriptors_of(service: str) -> list[ServiceDescriptor]:
    """Return what a service of the suite serves, for example MemoryService and RelationshipService of `memory`."""
    package = importlib.import_module(f"puppet.{service}.v1")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    files = [
        importlib.import_module(f"{package.__name__}.{name}").DESCRIPTOR for name in names if name.endswith("_pb2")
    ]
    return [found for file in files for found in file.services_by_name.values()]


def methods_of(service: str) -> Mapping[str, MethodDescriptor]:
    """Return the RPCs of a service by `Service/Method`, in the order of its contract."""
    return {short_name(method): method for found in descriptors_of(service) for method in found.methods}


def short_name(method: MethodDescriptor) -> str:
    """Return `Service/Method`."""
    return f"{method.containing_service.name}/{method.name}"
