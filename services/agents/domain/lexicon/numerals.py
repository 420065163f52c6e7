"""Numbers in words, by Unicode's rules for spelling them out (CLDR's RBNF), in every language that has such rules."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unicode_rbnf import RbnfEngine

from services.agents.domain import text as texts
from services.agents.domain.lexicon.once import read_once
from services.agents.domain.lexicon.vocabulary import MAX_KEPT, is_everyday
from services.runtime.text.normal import normal_form, skeleton

_TEN, _LARGE = 10, 100
_COMPOUND = 21
"""The first number that some languages write as one word: `einundzwanzig`."""
_MIN_JOINED = 3
"""Letters of an alphabet: what is shorter stands at the ends of any word."""
_MAX_MORPHEME = 24
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
    """A number in words: about how much it is in which language; of a compound only that it is large is known."""

    values: Mapping[str, int]

    def among(self, languages: frozenset[str]) -> int:
        """Return the largest value in these languages, 0 when it is no number in any."""
        return max((value for language, value in self.values.items() if language in languages), default=0)

    def is_large(self, languages: frozenset[str]) -> bool:
        """Say whether it is a hundred or more, or a compound, in these languages."""
        return self.among(languages) >= _LARGE


@functools.lru_cache(maxsize=MAX_KEPT)
def numeral(word: str) -> Numeral | None:
    """Return what a word says as a number, also as a compound that begins and ends as one; None when it is none."""
    bare = skeleton(word)
    if found := _morphemes().get(bare):
        return found
    begin, end = _longest(bare, _MIN_JOINED), _last(bare)
    if begin and end and len(begin[0]) + len(end[0]) <= len(bare) and (both := begin[1] & end[1]):
        return Numeral(dict.fromkeys(both, _LARGE))
    return None


@dataclass(frozen=True, slots=True)
class Leading:
    """The numbers at the head of a run of signs: how many signs they take, the largest of them, and each in order."""

    length: int = 0
    largest: int = 0
    values: tuple[int, ...] = ()


@functools.lru_cache(maxsize=MAX_KEPT)
def leading_numeral(run: str) -> Leading:
    """Return the numbers at the head of a skeleton."""
    length, values = 0, []
    while length < len(run):
        if digits := _DIGITS.match(run, length):
            head, value = digits[0], int(digits[0])
        elif found := _longest(run[length : length + _MAX_MORPHEME], 1):
            head, value = found[0], max(_morphemes()[found[0]].values.values())
        else:
            break
        length += len(head)
        values.append(value)
    return Leading(length, max(values, default=0), tuple(values))


def composed(values: Sequence[int]) -> Iterator[int]:
    """Yield the numbers that numerals in a row say: 20 and 1 are 21, 5 and 10 are 50, 5 and 5 are two numbers."""
    current = 0
    for value in values:
        if 0 < current < value and value >= _TEN and set(str(value)[1:]) == {"0"} and str(value)[0] == "1":
            current *= value
        elif value < current and current % 10 ** len(str(value)) == 0:
            current += value
        else:
            yield from (current for _ in range(current > 0))
            current = value
    yield from (current for _ in range(current > 0))


def numbering_languages() -> list[str]:
    """Return the codes of the languages whose numbers are known, without their regions."""
    return sorted(language for language in RbnfEngine.get_supported_languages() if "_" not in language)


def _longest(bare: str, least: int) -> tuple[str, frozenset[str]] | None:
    morphemes = _morphemes()
    for length in range(min(len(bare), _MAX_MORPHEME), least - 1, -1):
        if (head := bare[:length]) in morphemes:
            return head, frozenset(morphemes[head].values)
    return None


def _last(bare: str) -> tuple[str, frozenset[str]] | None:
    morphemes = _morphemes()
    for length in range(min(len(bare), _MAX_MORPHEME), _MIN_JOINED - 1, -1):
        if (tail := bare[-length:]) in morphemes:
            return tail, frozenset(morphemes[tail].values)
    return None


@read_once
def _morphemes() -> dict[str, Numeral]:
    """Return the words of round numbers, each for the least number that it is in."""
    found: dict[str, dict[str, int]] = {}
    for language in numbering_languages():
        for number, form in _forms(language):
            parts = _parts(form)
            for place, part in enumerate(parts):
                found.setdefault(part, {}).setdefault(language, _value(number, parts, place, language))
    return {part: Numeral(values) for part, values in found.items() if part}


def _parts(form: str) -> list[str]:
    return [skeleton(part) for part in _BETWEEN.split(normal_form(form)) if part[1:] or not part.isascii()]


def _value(number: int, parts: Sequence[str], place: int, language: str) -> int:
    if len(parts) == 1:
        return number
    # What makes five hundred of five is a hundred; an article before it makes nothing.
    is_article = place == 0 and is_everyday(parts[place], frozenset((language,)))
    return 1 if is_article else 10 ** (len(str(number)) - 1)


def _forms(language: str) -> Iterator[tuple[int, str]]:
    engine = RbnfEngine.for_language(language)
    for number in _SPELLED_OUT:
        for form in dict.fromkeys(engine.format_number(number).text_by_ruleset.values()):
            yield number, form
    compound = engine.format_number(_COMPOUND).text
    if not (_BETWEEN.search(compound) or texts.is_unspaced(compound[0])):
        for number in range(_COMPOUND, _LARGE):
            form = engine.format_number(number).text
            if not _BETWEEN.search(form) and number % _TEN:
                yield number, form
