"""What a service may answer with is what its errors are declared to be."""

import importlib
import re

import pytest
from google.protobuf.descriptor import MethodDescriptor

from services.runtime.errors import PuppetError
from services.runtime.rpc.access import Rule
from services.runtime.rpc.reasons import common_reasons, own_reasons
from tests.architecture.rooms import SERVICES, modules_of
from tests.conftest import ROOT
from tests.contract.test_protos import METHODS, every_method

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
def test_every_declared_reason_is_one_of_some_rpc(service: str) -> None:
    named = [own_reasons(method) | common_reasons(method.containing_service) for method in methods_of(service)]
    assert frozenset().union(*named) == declared(service)


@every_method
def test_every_rpc_may_refuse_a_request(method: MethodDescriptor) -> None:
    own = own_reasons(method)
    assert "INVALID_REQUEST" in own
    assert ("REQUEST_ID_REUSED" in own) == ("request_id" in method.input_type.fields_by_name)
    assert ("DELEGATION_REQUIRED" in own) == bool(Rule.of(method).delegates)
    assert not own & common_reasons(method.containing_service)


@every_method
def test_the_comment_of_an_rpc_names_its_reasons(method: MethodDescriptor) -> None:
    text = (ROOT / "protos" / method.containing_service.file.name).read_text()
    comment = re.search(rf"((?:^  //.*\n)+)^  rpc {method.name}\(", text, re.MULTILINE)
    assert comment is not None
    _, _, named = comment[1].partition("// Errors: ")
    assert re.findall(r"[A-Z_]{4,}", named) == _in_order(method)


def test_what_a_service_knows_of_reasons_is_reached_from_its_contract() -> None:
    # Reflection sends a file and what it imports.
    for method in METHODS:
        file = method.containing_service.file
        assert f"{file.package}.ErrorReason" in {
            enum.full_name for imported in file.dependencies for enum in imported.enum_types_by_name.values()
        }


def methods_of(service: str) -> list[MethodDescriptor]:
    return [method for method in METHODS if method.full_name.startswith(f"puppet.{service}.")]


def _in_order(method: MethodDescriptor) -> list[str]:
    """Return the reasons of an RPC as they stand in its options."""
    package = method.containing_service.file.package
    for field, values in method.GetOptions().ListFields():
        if field.full_name == f"{package}.errors":
            assert field.enum_type is not None
            named = field.enum_type.values_by_number
            return [named[value].name.removeprefix("ERROR_REASON_") for value in values]
    return []
