"""How a post is recognised."""

import pytest

from services.social.domain.text import canonical


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
