"""What the numbers in a text are worth, whatever they are written in: `50`, `fifty`, `五十`, `0.05k`."""

import itertools
import re
from collections.abc import Iterator

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.runtime.text.normal import skeleton

_ABBREVIATED = re.compile(r"(?<!\d)(\d{1,15})([^\W\d_]{1,6})")
_DIGITS = re.compile(r"\d{1,15}")
_ROW = re.compile(r"\d(?:\W{0,3}\d)*")
_MAX_DIGITS = 15
_MIN_HEAD, _MIN_BEHIND = 3, 3
"""Letters: `tenfold` begins with a number, and `tent` doesn't."""


def values(plain: str, languages: frozenset[str]) -> frozenset[int]:
    """Return every number over one that a text says: alone, with others in a row, or at the head of a word."""
    rows = list(_rows(plain, languages))
    said = {value for row in rows for value in (*row, *lexicon.composed(row))}
    said |= {int(digits) for digits in _DIGITS.findall(plain)}
    said |= {value for word in _words(plain) for value in _head(word, languages)}
    return frozenset(value for value in said if value > 1)


def abbreviated(plain: str, languages: frozenset[str]) -> Iterator[int]:
    """Yield the numbers that letters right behind make larger: `90k`."""
    for digits, sign in _ABBREVIATED.findall(skeleton(plain)):
        yield from (int(digits) * power for power in _powers(sign, languages))


def row_of_digits(plain: str, languages: frozenset[str]) -> str:
    """Return the digits of all numbers of a text in a row, whatever is between them."""
    return "".join(map(str, itertools.chain.from_iterable(_spelled(plain, languages))))


def longest_row(plain: str) -> str:
    """Return the most digits that have only signs between them."""
    rows = ("".join(filter(str.isdigit, row)) for row in _ROW.findall(plain))
    return max(rows, key=len, default="")


def _rows(plain: str, languages: frozenset[str]) -> Iterator[list[int]]:
    """Yield the values of numerals that stand in a row."""
    row: list[int] = []
    for word in _words(plain):
        if read := _read(word, languages):
            row += read
        elif row and (power := next(iter(_powers(word, languages)), 0)):
            row.append(power)
        else:
            yield row
            row = []
    yield row


def _spelled(plain: str, languages: frozenset[str]) -> Iterator[list[str]]:
    """Yield the digits of each word that is a number as they are written, and those of numerals in a row."""
    row: list[int] = []
    for word in _words(plain):
        read = [] if word.isdigit() else _read(word, languages)
        if not read:
            yield [str(value) for value in lexicon.composed(row)]
            row = []
        row += read
        if word.isdigit():
            yield [word]
    yield [str(value) for value in lexicon.composed(row)]


def _words(plain: str) -> list[str]:
    return texts.words(texts.parted(skeleton(plain)))


def _read(word: str, languages: frozenset[str]) -> list[int]:
    if word.isdigit():
        return [int(word)] if len(word) <= _MAX_DIGITS else []
    if found := _ABBREVIATED.fullmatch(word):
        return [int(found[1]) * power for power in _powers(found[2], languages)]
    if texts.is_unspaced(word[0]):
        return [value for start in _heads(word) for value in start]
    read = lexicon.numeral(word)
    value = read.among(languages) if read else 0
    return [value] if value else []


def _heads(word: str) -> Iterator[tuple[int, ...]]:
    """Yield the numbers anywhere in a run of a script without spaces."""
    place = 0
    while place < len(word):
        found = lexicon.leading_numeral(word[place:])
        if found.length:
            yield tuple(lexicon.composed(found.values))
        place += max(1, found.length)


def _powers(sign: str, languages: frozenset[str]) -> Iterator[int]:
    return (power for language in languages if (power := lexicon.abbreviations(language).get(sign)))


def _head(word: str, languages: frozenset[str]) -> Iterator[int]:
    """Yield the numbers that a word begins with, when enough is behind them."""
    for length in range(_MIN_HEAD, len(word) - _MIN_BEHIND + 1):
        if read := lexicon.numeral(word[:length]):
            yield read.among(languages)
