"""Texts that come in pieces."""

import pytest

from services.llm.domain.generation import Trimmer


@pytest.mark.parametrize(
    "pieces",
    [["  a quiet", " ", " day. "], [" ", "\n", "a quiet  day."], ["a quiet ", " day.", "\n\n"], ["a quiet  day."]],
)
def test_the_pieces_joined_are_the_text_without_white_space_at_its_ends(pieces: list[str]) -> None:
    trimmer = Trimmer()
    assert "".join(trimmer.feed(piece) for piece in pieces) == "a quiet  day."
