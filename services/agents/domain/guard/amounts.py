"""Numbers and prices that a reply may not have: of nobody that code trusts, in digits or in words of any language."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.agents.domain.guard.values import abbreviated, longest_row, row_of_digits, values
from services.runtime.text.normal import script_of, skeleton

_HAN_DIGITS = (
    "\u3007\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u5343\u4e07\u842c\u5104\u4ebf\u5146"
)
_NUMBER = re.compile(rf"\d+(?:[.,' ]\d{{1,3}})*|[{_HAN_DIGITS}]{{2,}}")
_MULTIPLE = re.compile(r"\d\s?[x\u00d7*]\b|\b[x\u00d7]\s?\d|%|\u2030", re.IGNORECASE)
_THOUSANDS = 3
_PERCENT, _THOUSAND = 100, 1_000
_MAX_NEW = 2
_MIN_ROW = 4
"""Digits in the order in which they were heard, whatever is between: of a telephone or a card."""
_MIN_LONG = 7
"""Digits with only signs between: two times of day have fewer."""
_NEAR = 2
"""In words: `five hundred US dollars`."""
_SPELLED_DIGITS = 3
_MIN_JOINED = 3


class Amounts:
    """Judges the numbers of replies to one post; what is trusted and what was heard is in normal form."""

    def __init__(self, trusted: str, heard: Sequence[str]) -> None:
        self._trusted, self._bare = trusted, skeleton(trusted)
        self._known = numbers(trusted)
        self._priced, self._shared = (_beside(trusted, unit) for unit in (lexicon.is_currency, lexicon.is_percent))
        self._spoken = lexicon.languages_of(trusted) | (lexicon.languages_of(heard[0]) if heard else frozenset())
        self._heard = frozenset(number for reading in heard for number in numbers(reading))
        known = _money_words(trusted)
        self._heard_money = frozenset(word for reading in heard for word in _money_words(reading)) - known
        self._known_values = values(trusted, self._spoken)
        self._heard_values = frozenset(value for reading in heard for value in self._values_of(reading))
        self._heard_rows = tuple(row_of_digits(reading, self._spoken) for reading in heard)

    def reasons(self, plain: str) -> Iterator[str]:
        """Yield what numbers and prices a reply in normal form has, and shouldn't."""
        signs = (place for place, sign in enumerate(plain) if unicodedata.category(sign) == "Sc")
        is_priced = _is_priced(plain) or _beside(plain, lexicon.is_currency) - self._priced
        if is_priced or any(_is_money(plain, place) for place in signs):
            yield "names a price"
        if _MULTIPLE.search(plain) or _has_percent(plain) or _beside(plain, lexicon.is_percent) - self._shared:
            yield "has a percentage or a multiple"
        new = numbers(plain) - self._known
        spoken = self._spoken | lexicon.languages_of(plain)
        if (
            new & self._heard
            or (values(plain, spoken) - self._known_values) & self._heard_values
            or self._is_row_heard(row_of_digits(plain, spoken))
        ):
            yield "takes a number from what it answers"
        if _money_words(plain) & self._heard_money:
            yield "takes money from what it answers"
        # One or two digits are a time of day or how many gates there are.
        if (
            any(len(number) > _MAX_NEW for number in new)
            or len(longest_row(plain)) >= _MIN_LONG
            or any(value >= _THOUSAND and value not in self._known_values for value in abbreviated(plain, spoken))
            or self._is_large(plain, spoken)
        ):
            yield "has a number from nowhere"

    def _values_of(self, reading: str) -> frozenset[int]:
        """Return the numbers of what was heard; three hundred percent are three times as well."""
        said = values(reading, self._spoken)
        is_share = "%" in reading or any(map(lexicon.is_percent, texts.tokens(reading)))
        return said | {value // _PERCENT for value in said if is_share and value > _PERCENT and not value % _PERCENT}

    def _is_row_heard(self, row: str) -> bool:
        """Say whether digits in a row stand in the same order in what was heard."""
        pieces = (row[start : start + _MIN_ROW] for start in range(len(row) - _MIN_ROW + 1))
        return any(piece in heard for piece in pieces for heard in self._heard_rows)

    def _is_large(self, plain: str, spoken: frozenset[str]) -> bool:
        """Say whether there are hundreds in words, or the digits of something longer, that nobody trusted has said."""
        row: list[str] = []
        # Letters between digits are of something longer, too: `zero x seven a two`.
        for word in (word for word in texts.words(plain) if len(word) > 1 or texts.is_unspaced(word)):
            read = lexicon.numeral(word)
            row = [*row[1 - _SPELLED_DIGITS :], word] if read and read.among(spoken) else []
            is_long = len(row) == _SPELLED_DIGITS and not texts.says(self._trusted, " ".join(row))
            if is_long or (row and read and read.is_large(spoken) and not texts.says(self._trusted, word)):
                return True
        return any(
            length > 1 and largest >= 100 and run not in self._bare for run, length, largest, _ in _unspaced(plain)
        )


def _beside(plain: str, is_unit: Callable[[str], bool]) -> frozenset[tuple[str, str]]:
    """Return each number, in digits or words, with the unit that it stands beside."""
    words = texts.tokens(plain)
    units = [place for place, word in enumerate(words) if is_unit(word)]
    return frozenset(
        (words[near].casefold(), words[place].casefold())
        for place in units
        for near in range(max(0, place - _NEAR), min(len(words), place + _NEAR + 1))
        if near != place and _is_number(words[near])
    )


def _is_number(word: str) -> bool:
    if word[0].isdigit():
        return True
    read = lexicon.numeral(word)
    return read is not None and max(read.values.values()) > 1


def _is_priced(plain: str) -> bool:
    """Say whether a number and money are one word, as in languages that join them or write no spaces."""
    return any(
        lexicon.is_unspaced_currency(behind[skip:]) for *_, behind in _unspaced(plain) for skip in range(3)
    ) or any(_is_joined(word, lexicon.is_currency) for word in texts.words(plain))


def _has_percent(plain: str) -> bool:
    return any(_is_joined(word, lexicon.is_percent) for word in texts.words(plain))


def _is_joined(word: str, is_unit: Callable[[str], bool]) -> bool:
    bare = skeleton(word)
    head = lexicon.leading_numeral(bare)
    rest = bare[head.length :]
    if head.largest < 2 or (head.length < _MIN_JOINED and script_of(bare[0]) != "HANGUL"):
        return False
    return any(is_unit(rest[:end]) for end in range(_MIN_JOINED + 1 if rest.isascii() else 2, len(rest) + 1))


def _unspaced(plain: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield each number in a script without spaces: itself, its letters, the largest in it, and what follows."""
    for word in texts.words(skeleton(plain)):
        place = 0
        while place < len(word):
            if not (texts.is_unspaced(word[place]) or word[place].isdigit()):
                place += 1
                continue
            head = lexicon.leading_numeral(word[place:])
            if head.length:
                yield word[place : place + head.length], head.length, head.largest, word[place + head.length :]
            place += max(1, head.length)


def _money_words(plain: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in texts.tokens(plain) if lexicon.is_currency(word))


def numbers(plain: str) -> frozenset[str]:
    """Return each number, whatever signs group its digits: `1,000` and `1000` are one, and so are `0,5` and `0.5`."""
    return frozenset(map(_number, _NUMBER.findall(plain)))


def _number(found: str) -> str:
    parts = re.split(r"\D", found)
    is_grouped = len(parts) > 1 and parts[0] != "0" and all(len(part) == _THOUSANDS for part in parts[1:])
    return "".join(parts) if is_grouped else ".".join(parts)


def _is_money(plain: str, place: int) -> bool:
    near = plain[max(0, place - 2) : place] + plain[place + 1 : place + 3]
    return any(sign.isalnum() for sign in near)
