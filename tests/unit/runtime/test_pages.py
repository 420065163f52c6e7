"""Page tokens."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidRequest
from services.runtime.pages import Page, Paged, next_token, read_page

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(
    st.lists(st.one_of(TEXTS, st.integers(0, 2**63 - 1), st.datetimes(timezones=st.just(UTC))), min_size=1, max_size=3),
    st.lists(st.text(), max_size=3),
)
def test_a_token_carries_its_key_back(key: list[str | int | datetime], filters: list[str]) -> None:
    assert read_page(5, next_token(key, filters), filters, tuple(map(type, key))) == Page(5, tuple(key))


@given(st.text(max_size=60))
def test_what_is_no_token_is_refused_by_name(token: str) -> None:
    if not token:
        return
    with pytest.raises(InvalidRequest) as refused:
        read_page(5, token, ["agt_a"], (str,))
    assert refused.value.violations[0].field == "page_token"


@pytest.mark.parametrize("junk", ["x", "=", "==x", "\n", "!"])
def test_a_token_has_one_spelling(junk: str) -> None:
    token = next_token(["k"], ["agt_a"])
    for spelt in (token + junk, junk + token, f"{token[:4]}{junk}{token[4:]}"):
        with pytest.raises(InvalidRequest):
            read_page(5, spelt, ["agt_a"], (str,))


def test_a_token_of_other_filters_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        read_page(5, next_token(["k"], ["agt_a"]), ["agt_b"], (str,))


def test_a_size_of_zero_means_the_default_and_one_out_of_bounds_is_refused() -> None:
    assert read_page(0, "", [], (str,)).size == 50
    for size in (-1, 501):
        with pytest.raises(InvalidRequest) as refused:
            read_page(size, "", [], (str,))
        assert refused.value.violations[0].field == "page_size"


def test_a_page_is_cut_at_its_size() -> None:
    def key(row: int) -> tuple[int]:
        return (row,)

    assert Paged.cut([1, 2, 3], Page(2), key) == Paged([1, 2], (2,), key)
    assert Paged.cut([1, 2], Page(2), key) == Paged([1, 2], None, key)


@pytest.mark.parametrize(
    "key",
    [
        [],
        ["a"],
        [1],
        [1, 2, 3],
        [-(10**30), "a"],
        [10**30, "a"],
        [True, "a"],
        [None, "a"],
        [1.0, "a"],
        [["a"], "a"],
        [{"time": "2026-01-01T00:00:00"}, "a"],
        [{"time": "9999-12-31T23:59:59-23:59"}, "a"],
        [{"time": "0001-01-01T00:00:00+23:59"}, "a"],
        [{"time": 7}, "a"],
        [{"x": "y"}, "a"],
        [1, "a\0"],
        [1, "\ud800"],
    ],
)
def test_a_key_that_somebody_has_made_up_is_refused(key: list[object]) -> None:
    fingerprint = json.loads(base64.urlsafe_b64decode(next_token([1], [])))[0]
    token = base64.urlsafe_b64encode(json.dumps([fingerprint, *key]).encode()).decode()
    for kinds in ((int, str), (datetime, str)):
        with pytest.raises(InvalidRequest):
            read_page(5, token, [], kinds)


def test_a_token_that_nests_or_is_long_is_refused() -> None:
    for text in ("[" * 100_000, "[" * 2_000, '"' + "a" * 5_000 + '"', "[" * 500 + "]" * 500):
        with pytest.raises(InvalidRequest):
            read_page(5, base64.urlsafe_b64encode(text.encode()).decode(), [], (str,))
