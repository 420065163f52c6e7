"""Which words people use, by language: what stands in no list is a name, a brand, a symbol, or cut off from one."""

import functools
import gzip
import importlib.util
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.agents.domain import text as texts
from services.agents.domain.lexicon.once import read_once

MAX_KEPT = 50_000
"""How many words are kept with what is known of them."""

_EVERYDAY, _SMALL = 500, 120
_MAX_WORDS = 200
_JOIN_WORDS = frozenset(("da", "de", "fi", "hu", "is", "nb", "nl", "sv"))
_BRANDS = "en"
_MIN_PART = 4
_MARKS = dict.fromkeys((*range(0x064B, 0x0660), 0x0670, 0x0640))
"""Vowels that Arabic may write and mostly doesn't."""


def is_common(word: str, among: frozenset[str] | None = None) -> bool:
    """Say whether a word, or every part of it around apostrophes, is used in one of these languages, or in any."""
    if among is None:
        return bool(_spoken_in(word))
    return bool(_spoken_in(word) & among) or (
        "'" in word and all(_spoken_in(part) & among for part in word.split("'") if part)
    )


@functools.lru_cache(maxsize=MAX_KEPT)
def is_compound(word: str, among: frozenset[str]) -> bool:
    """Say whether a word is two words of one of these languages run together, if it is one that does so.

    English ones are left out: what is made of them is a brand in any language.
    """
    joining = among & _JOIN_WORDS
    seams = range(_MIN_PART, len(word) - _MIN_PART + 1) if joining else ()
    return any(joining & _own(word[:seam]) & _own(word[seam:]) for seam in seams)


def _own(word: str) -> frozenset[str]:
    found = _spoken_in(word)
    return frozenset() if _BRANDS in found else found


def is_everyday(word: str, among: frozenset[str] | None = None) -> bool:
    """Say whether a word is one that a language can't do without, as `not` or `und`: one of these, or any."""
    found = _everyday_in(word)
    return bool(found if among is None else found & among)


def is_small(word: str, among: frozenset[str]) -> bool:
    """Say whether a word holds sentences of one of these languages together, and hardly means anything by itself."""
    return bool(_small_in(word) & among)


def languages_of(text: str) -> frozenset[str]:
    """Return the languages that know most words of a text: several when they know as many."""
    counts: Counter[str] = Counter()
    for word in texts.words(text)[:_MAX_WORDS]:
        counts.update(_spoken_in(word))
        counts.update(_everyday_in(word))
    limit = max(counts.values(), default=0)
    return frozenset(language for language, count in counts.items() if count == limit)


@functools.lru_cache(maxsize=MAX_KEPT)
def _spoken_in(word: str) -> frozenset[str]:
    found = hash(word.translate(_MARKS))
    return frozenset(language for language, listed in _lists().items() if _holds(listed.words, found))


@functools.lru_cache(maxsize=MAX_KEPT)
def _everyday_in(word: str) -> frozenset[str]:
    found = hash(word.translate(_MARKS))
    return frozenset(language for language, listed in _lists().items() if _holds(listed.everyday, found))


@functools.lru_cache(maxsize=MAX_KEPT)
def _small_in(word: str) -> frozenset[str]:
    found = hash(word.translate(_MARKS))
    return frozenset(language for language, listed in _lists().items() if _holds(listed.small, found))


class _Listed(NamedTuple):
    """The hashes of a language's words that are one in a million or more, and those of the top of them, all sorted.

    Arrays, and no sets: a few numbers that stay among millions that go keep twice their room from being given back.
    """

    words: "array[int]"
    everyday: "array[int]"
    small: "array[int]"


@read_once
def _lists() -> dict[str, _Listed]:
    listed = {}
    for path in sorted(_folder().glob("small_*.msgpack.gz")):
        hashes = array("q", map(hash, _words_in(path)))
        language = path.name.removeprefix("small_").partition(".")[0]
        listed[language] = _Listed(_sorted(hashes), _sorted(hashes[:_EVERYDAY]), _sorted(hashes[:_SMALL]))
    return listed


def _folder() -> Path:
    """Return the folder of wordfreq's lists; it isn't imported itself, which takes 5 MB for what parts texts."""
    found = importlib.util.find_spec("wordfreq")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the package wordfreq, which has the words, isn't installed", name="wordfreq")
    return Path(found.origin).with_name("data")


def _words_in(path: Path) -> Iterator[str]:
    """Yield the words of a list (`wordfreq.read_cBpack` describes it), beginning with those that are used most."""
    import msgpack

    with gzip.open(path) as file:
        header, *bins = msgpack.load(file)
    if (header["format"], header["version"]) != ("cB", 1):
        raise ValueError(f"{path} has another format")
    for words in bins:
        yield from words


def _sorted(hashes: "array[int]") -> "array[int]":
    return array("q", sorted(hashes))


def _holds(listed: "array[int]", found: int) -> bool:
    place = bisect_left(listed, found)
    return place < len(listed) and listed[place] == found
