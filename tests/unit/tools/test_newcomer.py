"""What a newcomer waits for in the feed."""

from collections.abc import Iterator

import pytest

from tools.newcomer import Suite

POST = ["02:51:13  Odd Halvorsen", "          @pia the lamp goes round.", "          about the lamp · feels even"]
REPLY = ["02:51:43  ↳ Nonna Pia to Unit 7", "            “@pia hm.”", "            It's okay."]
OTHER = [
    *("02:42:06  Basil bought 0.032 SOL of NAP", "          NAP moved -1.7% in 24 hours"),
    *("02:42:31  Basil leaves Odd Halvorsen without an answer", "          by its reply probability"),
    *("02:42:40  memory was ended by SIGKILL, and is started again", ""),
]


class Said(Suite):
    """A suite that says these lines."""

    def __init__(self, lines: list[str]) -> None:
        self._given = iter(lines)

    def lines(self) -> Iterator[str]:
        yield from self._given
        raise RuntimeError("it has ended")


@pytest.mark.parametrize("words", [POST, REPLY])
def test_words_are_a_post_or_a_reply_and_nothing_else_that_is_told(words: list[str]) -> None:
    suite = Said([*OTHER, *words, "the rest"])
    suite.until_words()
    assert "the rest" in list(suite._given)
    with pytest.raises(RuntimeError, match="it has ended"):
        Said(OTHER).until_words()
