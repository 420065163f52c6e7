"""Checks of requests."""

import math

import pytest

from services.runtime.checks import Checks
from services.runtime.errors import InvalidRequest


def violations(checks: Checks) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused, checks:
        pass
    return {item.field: item.description for item in refused.value.violations}


def test_all_violations_are_told_at_once() -> None:
    checks = Checks()
    checks.text("name", "  ", 10)
    checks.text("notes", "x" * 11, 10, required=False)
    checks.text("handle", "a\0b", 10)
    checks.number("weight", math.nan, 0, 1)
    checks.enum("kind", 0, {1: "a"})
    checks.enum("other", 7, {1: "a"})
    checks.mask("update_mask", ["color"], {"size"})
    assert violations(checks) == {
        "name": "is required",
        "notes": "must have at most 10 characters, and has 11",
        "handle": "must not contain a NUL character",
        "weight": "must be 0 to 1, and is nan",
        "kind": "is required",
        "other": "has no value 7",
        "update_mask": "'color' can't be set; these can: size",
    }


def test_a_good_request_passes() -> None:
    with Checks() as checks:
        checks.text("name", "Vesper", 10)
        checks.text("notes", "", 10, required=False)
        checks.number("weight", 1, 0, 1)
        checks.request_id("")


def test_an_error_inside_is_not_replaced_by_violations() -> None:
    checks = Checks()
    checks.text("name", "", 10)
    with pytest.raises(ZeroDivisionError), checks:
        raise ZeroDivisionError


def test_an_empty_mask_is_refused() -> None:
    checks = Checks()
    checks.mask("update_mask", [], {"size"})
    assert violations(checks) == {"update_mask": "is required"}
