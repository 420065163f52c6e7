"""Numbers in words, by Unicode's rules for spelling them out (CLDR's RBNF), in every language that has such rules."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from unicode_rbnf import RbnfEngine

from services.agents.domain.lexicon.vocabulary import MOST_KEPT
from services.runtime.text.normal import normal_form, skeleton

_LARGE = 100
_LEAST_JOINED = 3
"""Letters of an alphabet: what is shorter stands at the ends of any word."""
_MOST_MORPHEME = 24
_SPELLED_OUT = (
    *range(21),
    *range(30, 100, 10),
    *range(100, 1000, 100),
    *(10**power for power in range(3, 10)),
    2 * 10**6,
)
_DIGITS = re.compile(r"\d{1,18}")
_BETWEEN = re.compile(r"[\s\-\u200b]+")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in words: in which languages, and about how much it is; of a compound only that it is large is known."""

    value: int
    languages: frozenset[str]

    @property
    def is_large(self) -> bool:
        """Whether it is a hundred or more, or a compound."""
        return self.value >= _LARGE


@functools.lru_cache(maxsize=MOST_KEPT)
def numeral(word: str) -> Numeral | None:
    """Return what a word says as a number, also as a compound that begins and ends as one; None when it is none."""
    bare = skeleton(word)
    if found := _morphemes().get(bare):
        return found
    begin, end = _longest(bare, _LEAST_JOINED), _last(bare)
    if begin and end and len(begin[0]) + len(end[0]) <= len(bare) and (both := begin[1] & end[1]):
        return Numeral(_LARGE, both)
    return None


@functools.lru_cache(maxsize=MOST_KEPT)
def leading_numeral(run: str) -> tuple[int, int]:
    """Return how many signs at the head of a skeleton are numbers, and the largest of them; 0 and 0 when none are."""
    length = largest = 0
    while length < len(run):
        if digits := _DIGITS.match(run, length):
            head, value = digits[0], int(digits[0])
        elif found := _longest(run[length : length + _MOST_MORPHEME], 1):
            head, value = found[0], _morphemes()[found[0]].value
        else:
            break
        length, largest = length + len(head), max(largest, value)
    return length, largest


def numbering_languages() -> list[str]:
    """Return the codes of the languages whose numbers are known, without their regions."""
    return sorted(language for language in RbnfEngine.get_supported_languages() if "_" not in language)


def _longest(bare: str, least: int) -> tuple[str, frozenset[str]] | None:
    morphemes = _morphemes()
    for length in range(min(len(bare), _MOST_MORPHEME), least - 1, -1):
        if (head := bare[:length]) in morphemes:
            return head, morphemes[head].languages
    return None


def _last(bare: str) -> tuple[str, frozenset[str]] | None:
    morphemes = _morphemes()
    for length in range(min(len(bare), _MOST_MORPHEME), _LEAST_JOINED - 1, -1):
        if (tail := bare[-length:]) in morphemes:
            return tail, morphemes[tail].languages
    return None


@functools.cache
def _morphemes() -> dict[str, Numeral]:
    """Return the words of round numbers, each for the least number that it is in."""
    found: dict[str, dict[str, int]] = {}
    for language in numbering_languages():
        for number, form in _forms(language):
            parts = [skeleton(part) for part in _BETWEEN.split(normal_form(form)) if part[1:] or not part.isascii()]
            # What makes five hundred of five is a hundred.
            value = number if len(parts) == 1 else 10 ** (len(str(number)) - 1)
            for part in parts:
                found.setdefault(part, {}).setdefault(language, value)
    return {part: Numeral(max(values.values()), frozenset(values)) for part, values in found.items() if part}


def _forms(language: str) -> Iterator[tuple[int, str]]:
    engine = RbnfEngine.for_language(language)
    for number in _SPELLED_OUT:
        for form in dict.fromkeys(engine.format_number(number).text_by_ruleset.values()):
            yield number, form
