"""What is thought of somebody, in words."""

import pytest

from services.agents.domain.regard import regard


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ((0.0, 0.4, 0.0), ""),
        ((0.5, 0.9, 0.5), "You know each other well. You like them. You trust them. Fixes clocks."),
        ((0.8, 0.4, 0.9), "You are fond of them. You trust them fully. Fixes clocks."),
        ((-0.5, 0.0, -0.5), "You hardly know each other. You don't like them. You don't trust them. Fixes clocks."),
    ],
)
def test_what_stands_out_is_said(view: tuple[float, float, float], words: str) -> None:
    assert regard(*view, note="Fixes clocks." if words else "") == words
