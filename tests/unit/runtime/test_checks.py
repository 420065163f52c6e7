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


def test_an_error_inside_is_not_replaced_by_violations() -> None:
    checks = Checks()
    checks.text("name", "", 10)
    with pytest.raises(ZeroDivisionError), checks:
        raise ZeroDivisionError


def test_an_empty_mask_is_refused() -> None:
    checks = Checks()
    checks.mask("update_mask", [], {"size"})
    assert violations(checks) == {"update_mask": "is required"}


def test_the_fiftieth_violation_ends_the_check() -> None:
    checks = Checks()
    for _ in range(49):
        checks.enum("kinds", 99, {1: "a"})
    with pytest.raises(InvalidRequest) as refused:
        checks.enum("kinds", 99, {1: "a"})
    assert len(refused.value.violations) == 50


def test_what_a_caller_wrote_is_cut_in_what_is_told() -> None:
    checks = Checks()
    checks.mask("update_mask", ["p" * 10**6], {"size"})
    checks.refuse("f" * 10**6, "d" * 10**6)
    with pytest.raises(InvalidRequest) as refused, checks:
        pass
    assert len(refused.value.message) < 1_000
    assert max(len(item.field) + len(item.description) for item in refused.value.violations) < 700


def test_a_long_text_is_refused_by_its_length_before_anything_else_of_it_is_looked_at() -> None:
    class Counting(str):
        __slots__ = ()

        def strip(self, *_: object) -> str:
            raise AssertionError("it was looked at")

    checks = Checks()
    checks.text("text", Counting(" " * 10), 5)
    assert violations(checks) == {"text": "must have at most 5 characters, and has 10"}


def test_a_text_is_as_long_as_what_is_read_of_it() -> None:
    texts = {"short": ("\ufdfa" * 6, 10), "long": ("\ufdfa" * 4_000, 4_000), "wide": ("\uff21" * 4_000, 4_000)}

    def check() -> None:
        with Checks() as checks:
            for field, (text, limit) in texts.items():
                checks.text(field, text, limit)

    with pytest.raises(InvalidRequest) as refused:
        check()
    assert [violation.field for violation in refused.value.violations] == ["long"]
