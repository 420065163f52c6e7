"""Where something comes from that was made from several memories."""

import itertools

import pytest

from services.agents.ports.neighbours import Source

HIGHEST_FIRST = (Source.OPERATOR, Source.SELF, Source.AGENT, Source.EXTERNAL)


@pytest.mark.parametrize("sources", list(itertools.product(HIGHEST_FIRST, repeat=3)))
def test_what_is_made_from_several_comes_from_the_lowest_of_them(sources: tuple[Source, ...]) -> None:
    *_, lowest = [source for source in HIGHEST_FIRST if source in sources]
    assert Source.lowest(*sources) is lowest
