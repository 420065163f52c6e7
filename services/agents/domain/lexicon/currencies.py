"""What money and percentages are called, by Unicode's CLDR, in every language whose numbers are known."""

import functools
import re
from collections import Counter
from collections.abc import Iterator

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_territory_currencies
from babel.units import get_unit_name

from services.agents.domain import text as texts
from services.agents.domain.lexicon.numerals import numbering_languages
from services.agents.domain.lexicon.vocabulary import MOST_KEPT, is_everyday
from services.runtime.text.normal import script_of, skeleton

_PLACEHOLDER = re.compile(r"[0#,.\s']+")
_LEAST_WORD = 3
_LEAST_HEAD = 2
_SHARED_BY = 2
_KNOWN_BY = 10
"""Of languages: `euro` is said every day, and means nothing else in any."""
_MOST_HEAD = 6


@functools.lru_cache(maxsize=MOST_KEPT)
def is_currency(word: str) -> bool:
    """Say whether a word is one that money is called by in some language, or the code of a currency in capitals."""
    return word in _codes() or skeleton(word) in _names()


def is_unspaced_currency(rest: str) -> bool:
    """Say whether a skeleton, which follows a number in a script without spaces, begins with what money is called."""
    return any(rest[:length] in _heads() for length in range(1, _MOST_HEAD + 1))


@functools.lru_cache(maxsize=MOST_KEPT)
def is_percent(word: str) -> bool:
    """Say whether a word means a hundredth."""
    return skeleton(word) in _percents()


@functools.cache
def abbreviations(language: str) -> dict[str, int]:
    """Return what a language writes behind a number to make it larger, such as `k` and `mln`, as skeletons."""
    found: dict[str, int] = {}
    for locale in locales():
        if locale.language == language:
            for power, pattern in _abbreviated(locale):
                if sign := "".join(texts.words(skeleton(_PLACEHOLDER.sub("", pattern)))):
                    found.setdefault(sign, power)
    return found


def _abbreviated(locale: Locale) -> Iterator[tuple[int, str]]:
    for forms in locale.compact_decimal_formats["short"].values():
        for power, pattern in forms.items():
            yield int(power) // 10 ** (pattern.pattern.count("0") - 1), pattern.pattern


@functools.cache
def _names() -> frozenset[str]:
    """Return the words that begin or end a name, and those that several names have in common: `US` is in the middle."""
    found: Counter[str] = Counter()
    for locale in locales():
        forms = [form.split() for forms in _currency_names(locale).values() for form in forms if form]
        counts = Counter(word for form in forms for word in set(form))
        places = {word for name in locale.territories.values() for word in texts.words(name)}
        parts = {word for word, count in counts.items() if count >= _SHARED_BY}
        parts |= {form[end] for form in forms for end in (0, -1)}
        alone = {form[0] for form in forms if len(form) == 1}
        found.update({skeleton(word) for word in alone | (parts - places) if word in alone or not is_everyday(word)})
    return frozenset(name for name, count in found.items() if _is_name(name, count))


def _is_name(name: str, count: int) -> bool:
    """Say whether a word is a name and no other word, by its length and by how many languages have it."""
    if is_everyday(name):
        return count >= _KNOWN_BY
    return not name.isascii() or len(name) > _LEAST_WORD or (len(name) == _LEAST_WORD and count >= _SHARED_BY)


@functools.cache
def _heads() -> frozenset[str]:
    """Return the names of currencies in scripts without spaces, and the beginnings and ends that several share."""
    found: set[str] = set()
    for locale in locales():
        names = {form for forms in _currency_names(locale).values() for form in forms if form}
        unspaced = {skeleton(name) for name in names if texts.is_unspaced(name[-1])}
        ends = Counter(name[-size:] for name in unspaced for size in range(1, _MOST_HEAD + 1))
        begins = Counter(name[:size] for name in unspaced for size in range(_LEAST_WORD, _MOST_HEAD + 1))
        shared = {part for part, count in (*ends.items(), *begins.items()) if count > _SHARED_BY}
        found |= unspaced | {part for part in shared if len(part) >= _LEAST_HEAD or script_of(part[0]) == "CJK"}
    return frozenset(found)


@functools.cache
def _percents() -> frozenset[str]:
    names = (get_unit_name("concentr-percent", locale=locale) for locale in locales())
    return frozenset(skeleton(words[-1]) for name in names if name and (words := texts.words(name)))


@functools.cache
def _codes() -> frozenset[str]:
    """Return the codes of the currencies that are money somewhere today."""
    return frozenset(code for place in get_global("territory_currencies") for code in get_territory_currencies(place))


@functools.cache
def locales() -> tuple[Locale, ...]:
    """Return what Unicode's CLDR knows of each language whose numbers are known."""
    return tuple(_known())


def _known() -> Iterator[Locale]:
    for language in numbering_languages():
        try:
            yield Locale.parse(language)
        except UnknownLocaleError:
            continue


def _currency_names(locale: Locale) -> dict[str, frozenset[str]]:
    """Return the forms of each currency's name, of one and of many: words in lower case."""
    names, plurals = locale.currencies, locale._data["currency_names_plural"]
    return {
        code: frozenset(" ".join(texts.words(form)) for form in (names.get(code, ""), *plurals.get(code, {}).values()))
        for code in _codes()
    }
