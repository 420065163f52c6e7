"""How X counts, and how a post is recognised."""

import pytest

from services.social.domain.text import canonical, weighted_length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("hello", 5),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("\u65e5\u672c\u8a9e", 6),
        ("\ud55c\uad6d\uc5b4", 6),
        ("\u2019tis \u2013 \u201cso\u201d", 11),
        ("\U0001f600", 2),
        ("\U0001f44d\U0001f3fd", 2),
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", 2),
        ("\U0001f1e9\U0001f1ea", 2),
        ("1\ufe0f\u20e3", 2),
        ("https://example.com/" + "a" * 200, 23),
        ("see example.com.", 4 + 23 + 1),
        ("see https://example.com/a?b=c, and https://example.org", 4 + 23 + 6 + 23),
        ("me@example.com", 14),
        ("e.g. this", 9),
    ],
)
def test_a_text_weighs_what_x_says(text: str, length: int) -> None:
    assert weighted_length(text) == length


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("hello", "hello"),
        ("  hello \n", "hello"),
        ("cafe\u0301", "caf\u00e9"),
        ("see example.com", "see http://example.com"),
    ],
)
def test_what_x_changes_in_a_post_doesnt_make_it_another(written: str, shown: str) -> None:
    assert canonical(written, is_reply=False) == canonical(shown, is_reply=False)


def test_the_addressees_count_only_outside_of_a_reply() -> None:
    assert canonical("@ann @bob yes", is_reply=True) == canonical("yes", is_reply=True)
    assert canonical("@ann yes", is_reply=False) != canonical("yes", is_reply=False)
    assert canonical("yes @ann", is_reply=True) != canonical("yes", is_reply=True)
