"""The one table of statuses."""

import grpc
import pytest

from services.gateway.web import errors as own
from services.gateway.web.statuses import CODES, HTTP_STATUS, OWN_STATUS, code_for, status_of
from services.runtime import errors
from services.runtime.rpc.status import STATUS


def test_every_status_of_grpc_has_one_of_http() -> None:
    assert HTTP_STATUS.keys() == set(grpc.StatusCode)
    assert all(400 <= status < 600 for code, status in HTTP_STATUS.items() if code is not grpc.StatusCode.OK)


def test_what_a_caller_did_wrong_is_never_a_fault_of_ours() -> None:
    unfaulty = set(STATUS) - {errors.Unavailable, errors.TooLate, errors.Unimplemented}
    assert all(HTTP_STATUS[STATUS[kind]] < 500 for kind in unfaulty)
    assert all(status < 500 for status in OWN_STATUS.values())


def test_an_etag_that_isnt_the_current_one_is_412_where_the_request_named_one() -> None:
    error = errors.Conflict("another one")
    assert (status_of(error), status_of(error, is_conditional=True)) == (409, 412)


def test_codes_are_the_reasons_but_for_words_that_clients_know() -> None:
    assert code_for("MEMORY_NOT_FOUND") == "MEMORY_NOT_FOUND"
    assert code_for("TRADING_HALTED") == "TRADING_DISABLED"
    assert code_for("CHAIN_RATE_LIMITED") == "API_RATE_LIMIT"
    assert code_for("") == "SYSTEM_ERROR"
    assert not set(CODES.values()) & CODES.keys()


@pytest.mark.parametrize("kind", [own.UnknownHost, own.CsrfRefused, own.TooManyStreams])
def test_what_the_gateway_refuses_has_a_reason(kind: type[errors.PuppetError]) -> None:
    assert kind.reason != errors.PuppetError.reason
