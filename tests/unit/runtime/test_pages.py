"""Page tokens."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidRequest
from services.runtime.pages import Page, Paged, next_token, read_page


@given(
    st.lists(st.one_of(st.text(), st.integers(), st.datetimes(timezones=st.just(UTC))), min_size=1, max_size=3),
    st.lists(st.text(), max_size=3),
)
def test_a_token_carries_its_key_back(key: list[str | int | datetime], filters: list[str]) -> None:
    assert read_page(5, next_token(key, filters), filters) == Page(5, tuple(key))


@given(st.text(max_size=60))
def test_what_is_no_token_is_refused_by_name(token: str) -> None:
    if not token:
        return
    with pytest.raises(InvalidRequest) as refused:
        read_page(5, token, ["agt_a"])
    assert refused.value.violations[0].field == "page_token"


def test_a_token_of_other_filters_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        read_page(5, next_token(["k"], ["agt_a"]), ["agt_b"])


def test_a_size_of_zero_means_the_default_and_one_out_of_bounds_is_refused() -> None:
    assert read_page(0, "", []).size == 50
    for size in (-1, 501):
        with pytest.raises(InvalidRequest) as refused:
            read_page(size, "", [])
        assert refused.value.violations[0].field == "page_size"


def test_a_page_is_cut_at_its_size() -> None:
    def key(row: int) -> tuple[int]:
        return (row,)

    assert Paged.cut([1, 2, 3], Page(2), key) == Paged([1, 2], (2,))
    assert Paged.cut([1, 2], Page(2), key) == Paged([1, 2], None)
