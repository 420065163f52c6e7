"""Texts that come in pieces."""

import pytest

from services.llm.domain.generation import StopCutter, Trimmer


@pytest.mark.parametrize(
    "pieces",
    [["  a quiet", " ", " day. "], [" ", "\n", "a quiet  day."], ["a quiet ", " day.", "\n\n"], ["a quiet  day."]],
)
def test_the_pieces_joined_are_the_text_without_white_space_at_its_ends(pieces: list[str]) -> None:
    trimmer = Trimmer()
    assert "".join(trimmer.feed(piece) for piece in pieces) == "a quiet  day."


@pytest.mark.parametrize(
    ("stops", "text", "kept", "has_stopped"),
    [
        (["END"], "fog END and on", "fog ", True),
        (["END"], "fog EN", "fog EN", False),
        (["END", "\n"], "fog ENE\nEND", "fog ENE", True),
        (["aab"], "aaab", "a", True),
        (["abc", "b"], "abc", "a", True),
        ([], "fog END", "fog END", False),
    ],
)
def test_a_text_ends_at_the_first_stop_text_wherever_its_pieces_end(
    stops: list[str], text: str, kept: str, has_stopped: bool
) -> None:
    for length in range(1, len(text) + 1):
        cutter = StopCutter(stops)
        pieces = [cutter.feed(text[start : start + length]) for start in range(0, len(text), length)]
        assert ("".join(pieces) + cutter.end(), cutter.has_stopped) == (kept, has_stopped)
