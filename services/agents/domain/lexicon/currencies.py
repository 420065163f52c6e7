"""What money and percentages are called, by Unicode's CLDR, in every language whose numbers are known."""

import functools
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from services.agents.domain import text as texts
from services.agents.domain.lexicon import cldr
from services.agents.domain.lexicon.once import read_once
from services.agents.domain.lexicon.vocabulary import MAX_KEPT, is_everyday
from services.runtime.text.normal import script_of, skeleton

_PLACEHOLDER = re.compile(r"[0#,.\s']+")
_MIN_WORD = 3
_MIN_HEAD = 2
_SHARED_BY = 2
_KNOWN_BY = 10
"""Of languages: `euro` is said every day, and means nothing else in any."""
_MAX_HEAD = 6


@functools.lru_cache(maxsize=MAX_KEPT)
def is_currency(word: str) -> bool:
    """Say whether a word is one that money is called by in some language, or the code of a currency in capitals."""
    return word in cldr.codes() or skeleton(word) in _words().names


def is_unspaced_currency(rest: str) -> bool:
    """Say whether a skeleton, which follows a number in a script without spaces, begins with what money is called."""
    return any(rest[:length] in _words().heads for length in range(1, _MAX_HEAD + 1))


@functools.lru_cache(maxsize=MAX_KEPT)
def is_percent(word: str) -> bool:
    """Say whether a word means a hundredth."""
    return skeleton(word) in _words().percents


def is_of_calendar(word: str) -> bool:
    """Say whether a word is the name of a day of the week or of a month in some language."""
    return skeleton(word) in _words().calendar


def abbreviations(language: str) -> Mapping[str, int]:
    """Return what a language writes behind a number to make it larger, such as `k` and `mln`, as skeletons."""
    return _words().abbreviations.get(language, {})


class _Words(NamedTuple):
    """Skeletons of all languages."""

    names: frozenset[str]
    """What money is called by."""
    heads: frozenset[str]
    """The names of currencies in scripts without spaces, and the beginnings and ends that several share."""
    percents: frozenset[str]
    calendar: frozenset[str]
    abbreviations: Mapping[str, Mapping[str, int]]
    """By language, the powers of ten that signs stand for."""


@read_once
def _words() -> _Words:
    names: Counter[str] = Counter()
    heads: set[str] = set()
    percents: set[str] = set()
    calendar: set[str] = set()
    abbreviated: dict[str, dict[str, int]] = {}
    for language in cldr.languages():
        names.update(_names(language))
        heads |= _heads(language)
        percents.update(skeleton(word) for word in texts.words(language.percent)[-1:])
        calendar.update(map(skeleton, language.calendar))
        for power, pattern in language.multiples:
            if sign := "".join(texts.words(skeleton(_PLACEHOLDER.sub("", pattern)))):
                abbreviated.setdefault(language.code, {}).setdefault(sign, power)
    said = frozenset(name for name, count in names.items() if _is_name(name, count))
    return _Words(said, frozenset(heads), frozenset(percents), frozenset(calendar), abbreviated)


def _names(language: cldr.Language) -> set[str]:
    """Return the words that begin or end a name, and those that several names have in common: `US` is in the middle."""
    forms = [form.split() for forms in language.currencies for form in forms if form]
    counts = Counter(word for form in forms for word in set(form))
    parts = {word for word, count in counts.items() if count >= _SHARED_BY}
    parts |= {form[end] for form in forms for end in (0, -1)}
    alone = {form[0] for form in forms if len(form) == 1}
    return {skeleton(word) for word in alone | (parts - language.places) if word in alone or not is_everyday(word)}


def _is_name(name: str, count: int) -> bool:
    """Say whether a word is a name and no other word, by its length and by how many languages have it."""
    if is_everyday(name):
        return count >= _KNOWN_BY
    return not name.isascii() or len(name) > _MIN_WORD or (len(name) == _MIN_WORD and count >= _SHARED_BY)


def _heads(language: cldr.Language) -> set[str]:
    names = {form for forms in language.currencies for form in forms if form}
    unspaced = {skeleton(name) for name in names if texts.is_unspaced(name[-1])}
    ends = Counter(name[-size:] for name in unspaced for size in range(1, _MAX_HEAD + 1))
    begins = Counter(name[:size] for name in unspaced for size in range(_MIN_WORD, _MAX_HEAD + 1))
    shared = {part for part, count in (*ends.items(), *begins.items()) if count > _SHARED_BY}
    return unspaced | {part for part in shared if len(part) >= _MIN_HEAD or script_of(part[0]) == "CJK"}
