"""What Unicode's CLDR says of languages: what they call money, hundredths, days and months, and each other.

A language's data takes 2 MB, of which little is asked for: it is let go of when that is known.
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from babel.numbers import get_territory_currencies
from babel.units import get_unit_name

from services.agents.domain import text as texts
from services.agents.domain.lexicon.numerals import numbering_languages


@dataclass(frozen=True, slots=True)
class Language:
    """What is asked of a language whose numbers are known; words are in lower case."""

    code: str
    currencies: Sequence[frozenset[str]]
    """The forms of each currency's name, of one and of many."""
    places: frozenset[str]
    """The words in names of territories."""
    percent: str
    """What a hundredth is called, empty where that isn't known."""
    calendar: frozenset[str]
    """The names of days and months."""
    multiples: Sequence[tuple[int, str]]
    """What is written behind a number to make it larger: by which power of ten, and the pattern it stands in."""


def languages() -> Iterator[Language]:
    """Yield every language whose numbers are known."""
    for code in numbering_languages():
        with _letting_go(), contextlib.suppress(UnknownLocaleError):
            yield _language(Locale.parse(code))


@functools.cache
def codes() -> frozenset[str]:
    """Return the codes of the currencies that are money somewhere today."""
    return frozenset(code for place in get_global("territory_currencies") for code in get_territory_currencies(place))


def english_name(code: str) -> str:
    """Return what a language is called in English; empty when there is none of this code."""
    with _letting_go(), contextlib.suppress(UnknownLocaleError, ValueError):
        return str(Locale.parse(code).english_name)
    return ""


@contextlib.contextmanager
def _letting_go() -> Iterator[None]:
    try:
        yield
    finally:
        localedata.clear_caches()


def _language(locale: Locale) -> Language:
    return Language(
        locale.language,
        [*_currencies(locale)],
        frozenset(word for name in locale.territories.values() for word in texts.words(name)),
        get_unit_name("concentr-percent", locale=locale) or "",
        frozenset(
            name for forms in (*locale.days.values(), *locale.months.values()) for name in forms["wide"].values()
        ),
        [*_multiples(locale)],
    )


def _currencies(locale: Locale) -> Iterator[frozenset[str]]:
    names, plurals = locale.currencies, locale._data["currency_names_plural"]
    for code in codes():
        forms = (names.get(code, ""), *plurals.get(code, {}).values())
        yield frozenset(" ".join(texts.words(form)) for form in forms)


def _multiples(locale: Locale) -> Iterator[tuple[int, str]]:
    for forms in locale.compact_decimal_formats["short"].values():
        for power, pattern in forms.items():
            yield int(power) // 10 ** (pattern.pattern.count("0") - 1), pattern.pattern
