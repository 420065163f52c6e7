"""Which status an error becomes, and what a caller can read from it."""

import grpc
import pytest
from google.rpc import error_details_pb2

from services.runtime import errors
from services.runtime.rpc import status


class UmbrellaNotFound(errors.NotFound):
    """A service's own error."""

    reason = "UMBRELLA_NOT_FOUND"


def detail(packed: object, kind: type) -> object:
    found = kind()
    for item in packed.details:  # type: ignore[attr-defined]
        if item.Unpack(found):
            return found
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequest([errors.Violation("text", "is required")]), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.RequestIdReused("req_1"), grpc.StatusCode.INVALID_ARGUMENT),
        (UmbrellaNotFound("no umbrella"), grpc.StatusCode.NOT_FOUND),
        (errors.AlreadyExists("there"), grpc.StatusCode.ALREADY_EXISTS),
        (errors.WrongState("stopped"), grpc.StatusCode.FAILED_PRECONDITION),
        (errors.Forbidden("no"), grpc.StatusCode.PERMISSION_DENIED),
        (errors.Conflict("changed"), grpc.StatusCode.ABORTED),
        (errors.Unavailable("later"), grpc.StatusCode.UNAVAILABLE),
        (errors.Exhausted("limit", 3, "acc_1"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.PuppetError("not in the table"), grpc.StatusCode.INTERNAL),
    ],
)
def test_the_nearest_class_in_the_table_decides_the_status(error: errors.PuppetError, code: grpc.StatusCode) -> None:
    assert status.code_of(error) is code


def test_every_status_says_its_reason_and_domain() -> None:
    made = status.to_status(UmbrellaNotFound("no umbrella", id="umb_1"), "weather.puppet")
    info = detail(made, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (  # type: ignore[attr-defined]
        "UMBRELLA_NOT_FOUND",
        "weather.puppet",
        {"id": "umb_1"},
    )


def test_field_errors_name_every_field() -> None:
    error = errors.InvalidRequest([errors.Violation("a", "is required"), errors.Violation("b", "is too long")])
    bad = detail(status.to_status(error, "x.puppet"), error_details_pb2.BadRequest)
    assert [(item.field, item.description) for item in bad.field_violations] == [  # type: ignore[attr-defined]
        ("a", "is required"),
        ("b", "is too long"),
    ]


def test_a_limit_says_whose_it_is_and_when_to_come_back() -> None:
    made = status.to_status(errors.Exhausted("100 posts in 15 minutes", 12.5, "acc_1"), "x.puppet")
    retry = detail(made, error_details_pb2.RetryInfo)
    quota = detail(made, error_details_pb2.QuotaFailure)
    assert retry.retry_delay.ToTimedelta().total_seconds() == 12.5  # type: ignore[attr-defined]
    assert quota.violations[0].subject == "acc_1"  # type: ignore[attr-defined]


def test_an_internal_error_tells_nothing_but_its_id() -> None:
    made = status.internal_status("abc123", "x.puppet")
    assert made.message == "internal error abc123"
