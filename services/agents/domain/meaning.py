"""What a text is about: its words that mean something, whatever form they stand in, in the languages it may be in.

Stems are Snowball's. Where no spaces part words, pairs of letters stand for them, and Chinese characters also alone.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import regex

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.agents.domain.persona import Persona

Languages = frozenset[str]
"""The codes of languages, such as `es`."""

_RUN = regex.compile(
    r"\p{scx=Katakana}{2,}|\p{scx=Hiragana}+|\p{scx=Han}+|[^\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Han}]+"
)
_IS_WHOLE = regex.compile(r"\p{scx=Katakana}{2,}")
_IS_HAN = regex.compile(r"\p{scx=Han}+")
_JOINS_PREFIXES = regex.compile(r"[\p{Script=Arabic}\p{Script=Hebrew}]")
_IS_HANGUL = regex.compile(r"\p{Script=Hangul}")

_MIN_WORD = 3
_MIN_STEM = 4
_LONGEST_ENDING = 2
_MIN_PART = 4
_LINKING = "s"
_KEPT = 50_000
_TERMS_KEPT = 10_000


def spoken_by(persona: Persona) -> Languages:
    """Return the languages of a character's examples, or else of its description; none when no dictionary knows it."""
    examples = (*persona.post_examples, *persona.reply_examples, *persona.trade_post_examples)
    return _languages_of(" ".join(example.text for example in examples) or persona.description)


def content(text: str, languages: Languages) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(stem(word, languages) for word in _telling(text, languages))


def shared(text: str, other: str, languages: Languages) -> frozenset[str]:
    """Return the stems of the words with meaning that both texts have."""
    return content(text, languages) & content(other, languages)


def repeated(text: str, languages: Languages) -> int:
    """Return how many words with meaning stand in a text again, in whatever form."""
    stems = [stem(word, languages) for word in _telling(text, languages)]
    return len(stems) - len(set(stems))


def gist(text: str, languages: Languages, limit: int = 4) -> str:
    """Return the first words with meaning of a text: something to talk about."""
    told = dict.fromkeys(word for word in _telling(text, languages) if len(word) > 1)
    return " ".join(list(told)[:limit])


def speaks_of(text: str, topic: str, languages: Languages) -> bool:
    """Say whether a text has every word of a topic in some form, also within a compound."""
    asked = tuple(word for word in _words(topic) if not lexicon.is_small(word, languages)) or _words(topic)
    said = _words(text)
    return bool(asked) and all(
        _holds(text, word) if texts.is_unspaced(word[0]) else any(_is_form(each, word, languages) for each in said)
        for word in asked
    )


def uses(text: str, term: str, languages: Languages) -> bool:
    """Say whether a text has the words of a term in a row, each in some form; signs count where there are no words."""
    asked = _asked(term, languages)
    if not asked.words:
        return term.strip() in text
    if asked.unspaced:
        return asked.unspaced in text and _holds(text, term)
    if asked.forms:
        # A word is the same by itself or by its stem alone: a term of which one is missing is nowhere.
        said_forms = _forms(text, languages)
        if not all(word in said_forms or root in said_forms for word, root in asked.forms):
            return False
    said, length = _words(text), len(asked.words)
    rows = (said[start : start + length] for start in range(len(said) - length + 1))
    return any(all(map(_is_same, row, asked.words, itertools.repeat(languages))) for row in rows)


class Terms:
    """Terms that many texts are searched for, most of which a text is done with by how its words begin."""

    def __init__(self, terms: Iterable[str], languages: Languages) -> None:
        self._languages = languages
        self._is_stemmed = any(map(_algorithm, languages))
        self._beginnings = [(term, self._beginning(_asked(term, languages))) for term in terms]

    def used_in(self, text: str) -> Iterator[str]:
        """Yield those that a text uses."""
        said = _forms(text, self._languages) if self._is_stemmed else _initials(text)
        for term, beginning in self._beginnings:
            if not (beginning and beginning.isdisjoint(said)) and uses(text, term, self._languages):
                yield term

    def _beginning(self, asked: "_Asked") -> frozenset[str]:
        """Return what a text that uses a term has one of; nothing where that can't be said."""
        if asked.unspaced or not asked.words:
            return frozenset()
        if asked.forms:
            return frozenset(asked.forms[0])
        # Where nothing is stemmed, a word that is the same begins with the same letter, at least.
        return frozenset() if self._is_stemmed else frozenset(asked.words[0][0])


class _Asked(NamedTuple):
    """What is looked for of a term."""

    words: tuple[str, ...]
    unspaced: str
    """A letter of it that no case changes, where no spaces part words; else empty."""
    forms: tuple[tuple[str, str], ...]
    """Its words with their stems, where a word is known by these alone."""


@functools.lru_cache(maxsize=_TERMS_KEPT)
def _asked(term: str, languages: Languages) -> _Asked:
    words = _words(term)
    unspaced = next((word[0] for word in words if texts.is_unspaced(word[0])), "")
    is_stemmed = any(map(_algorithm, languages)) and not any(map(_IS_HANGUL.match, words))
    return _Asked(words, unspaced, tuple((word, stem(word, languages)) for word in words) if is_stemmed else ())


_languages_of = functools.lru_cache(maxsize=1_000)(lexicon.languages_of)


@functools.lru_cache(maxsize=_KEPT)
def stem(word: str, languages: Languages) -> str:
    """Return a word without its endings, by the first of these languages that has a stemmer."""
    name = next(filter(None, map(_algorithm, sorted(languages))), "")
    if not name:
        return word
    # One that is asked by two threads mixes their words up.
    found: str = _snowball().stemmer(name).stemWord(word)
    return found


@functools.cache
def _algorithm(language: str) -> str:
    """Return what Snowball calls a language; empty when it has no stemmer for it."""
    name = lexicon.english_name(language).partition(" ")[0].casefold()
    return name if name in _snowball().algorithms() else ""


def _snowball() -> Any:
    # All languages' rules come along, which take 4 MB.
    import snowballstemmer

    return snowballstemmer


@functools.lru_cache(maxsize=1_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(texts.words(texts.parted(text)))


@functools.lru_cache(maxsize=1_000)
def _forms(text: str, languages: Languages) -> frozenset[str]:
    """Return the words of a text and their stems."""
    return frozenset(form for word in _words(text) for form in (word, stem(word, languages)))


@functools.lru_cache(maxsize=1_000)
def _initials(text: str) -> frozenset[str]:
    """Return the first letters of a text's words."""
    return frozenset(word[0] for word in _words(text))


def _telling(text: str, languages: Languages) -> Iterator[str]:
    for word in _words(text):
        if texts.is_unspaced(word[0]):
            yield from (part for part in _parts(word) if not lexicon.is_small(part, languages))
        elif (len(word) >= _MIN_WORD or word.isdigit()) and not lexicon.is_small(word, languages):
            yield word


def _parts(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if _IS_WHOLE.fullmatch(run):
            yield run
            continue
        signs = texts.clusters(run)
        yield from map("".join, itertools.pairwise(signs))
        if _IS_HAN.fullmatch(run):
            yield from signs


def _holds(text: str, term: str) -> bool:
    """Say whether a term stands in a text without spaces; one in katakana not as a part of a longer one."""
    edge = r"\p{scx=Katakana}"
    before = f"(?<!{edge})" if regex.match(edge, term[0]) else ""
    behind = f"(?!{edge})" if regex.match(edge, term[-1]) else ""
    return regex.search(f"{before}{regex.escape(term)}{behind}", text, regex.IGNORECASE) is not None


def _is_form(word: str, asked: str, languages: Languages) -> bool:
    """Say whether a word is a form of what is asked for, or a compound with it."""
    if _is_same(word, asked, languages):
        return True
    before, found, behind = word.partition(stem(asked, languages))
    if not found or len(found) < _MIN_STEM:
        return False
    if _JOINS_PREFIXES.match(word):
        return len(before) <= _MIN_PART
    rest = before.removesuffix(_LINKING) if before else behind.removeprefix(_LINKING)
    return len(rest) >= _MIN_PART and lexicon.is_common(rest, languages) and asked in word


def _is_same(word: str, asked: str, languages: Languages) -> bool:
    if word == asked or stem(word, languages) == stem(asked, languages):
        return True
    if _IS_HANGUL.match(asked):
        # What a word does in its sentence is written behind it.
        return word.startswith(asked)
    if any(map(_algorithm, languages)) or len(asked) < _MIN_STEM + _LONGEST_ENDING:
        return False
    return word.startswith(asked[:-_LONGEST_ENDING])
