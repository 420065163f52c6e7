"""What a service may answer with is what its errors are declared to be."""

import importlib
import re

import pytest

from services.runtime.errors import PuppetError
from tests.architecture.rooms import SERVICES, modules_of
from tests.conftest import ROOT
from tests.contract.test_protos import protos_of

SHARED = {
    "DEADLINE_EXCEEDED",
    "DELEGATION_REQUIRED",
    "ETAG_MISMATCH",
    "INTERNAL",
    "INVALID_REQUEST",
    "PERMISSION_DENIED",
    "REQUEST_ID_REUSED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
}


def errors_of(service: str) -> dict[str, type[PuppetError]]:
    """Return the errors that a service defines, by reason."""
    for name in modules_of(service):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    return {kind.reason: kind for kind in _below(PuppetError) if kind.__module__.startswith(f"services.{service}.")}


def _below(kind: type[PuppetError]) -> list[type[PuppetError]]:
    return [kind, *(item for child in kind.__subclasses__() for item in _below(child))]


def declared(service: str) -> set[str]:
    [path] = (ROOT / "protos" / "puppet" / service / "v1").glob("*_errors.proto")
    enum = importlib.import_module(f"puppet.{service}.v1.{path.stem}_pb2").ErrorReason
    return {name.removeprefix("ERROR_REASON_") for name in enum.keys()} - {"UNSPECIFIED"}  # noqa: SIM118


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_of_a_service_has_a_declared_reason(service: str) -> None:
    assert set(errors_of(service)) - declared(service) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_reason_can_happen(service: str) -> None:
    assert declared(service) - set(errors_of(service)) - SHARED == set()


@pytest.mark.parametrize("service", SERVICES)
def test_rpc_comments_name_only_declared_reasons(service: str) -> None:
    for path in protos_of(service):
        named = set()
        for block in re.findall(r"// Errors: ((?:[A-Z_]+[,.]\s*(?://)?\s*)+)", path.read_text()):
            named |= set(re.findall(r"[A-Z_]{4,}", block))
        assert named, f"{path.name} names none"
        assert named - declared(service) == set(), path.name
