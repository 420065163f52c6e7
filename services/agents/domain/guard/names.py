"""What a stranger calls by name: symbols of tokens, people, brands, handles, pieces of identifiers."""

import re
from collections.abc import Iterator, Sequence

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.agents.domain.guard.likeness import (
    initials,
    is_inflected,
    is_like,
    is_slip,
    is_spelt_by,
    parts_of,
    sounds_like,
)
from services.runtime.text.identifiers import ciphers
from services.runtime.text.normal import skeleton, squeezed

_TAGGED = re.compile(r"[$#]\s?(\w{2,30})")
_CALLED = re.compile(r"@(\w{2,30})")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CAPITALS = re.compile(r"(?<![^\W_])[^\W\d_][^\W_]{1,11}(?![^\W_])")
_HANDLE = re.compile(r"@\w+")
_LOUD = re.compile(r"[A-Z]{3,12}")
_SPELLED = re.compile(r"(?<!\w)\w(?:[\s.\-_*|/,]+\w(?!\w)){2,}")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]{3,}")
_CAMEL = re.compile(r"[a-z][A-Z]")
_OPENS = frozenset(".!?\u2026:\u00a1\u00bf\"'\u201c\u00ab(\n")
_CAPITALISES_NOUNS = frozenset(("de",))
"""So a capital in the middle of a sentence says nothing there."""

_MIN = 3
_MIN_INSIDE = 5
_MAX_JOINED = 12
_FEW_WORDS = 4
_MIN_ALIKE = 4
_MIN_MISSPELT = 6
_MIN_LONG = 12
_MAX_PIECES = 2
"""Of something long that was heard, such as an address, in one reply."""


class Names:
    """Judges what replies to one post call by name."""

    def __init__(
        self,
        trusted: str,
        heard: Sequence[str],
        fellows: Sequence[str],
        symbols: Sequence[str],
        *,
        capitalises_all: bool = False,
    ) -> None:
        """Take what is trusted and every reading of what was heard, in normal form, and if capitals say nothing."""
        self._trusted = trusted
        self._capitalises_all = capitalises_all
        self._languages = lexicon.languages_of(trusted)
        spoken = lexicon.languages_of(heard[0]) if heard else frozenset()
        self._languages |= spoken
        self._fellows = tuple(name for name in fellows if not texts.says(trusted, name))
        self._market = frozenset(self._new(map(skeleton, symbols)))
        self._symbols = frozenset(self._new(symbol for reading in heard for symbol in self._symbols_in(reading)))
        spelled = (squeezed(run) for reading in heard for run in _SPELLED.findall(reading))
        self._spelled = frozenset(piece for piece in self._new(spelled) if len(piece) >= _MIN)
        self._pairs = frozenset(word for reading in heard for word in _CAPITALS.findall(reading) if _is_pair(word))
        self._names = frozenset(self._new(name for reading in heard for name in self._names_in(reading, spoken)))
        self._words = frozenset(word for reading in heard for word in texts.words(reading))
        self._bare = frozenset(map(skeleton, self._words))
        coined = [word for word in self._words if len(word) > _MIN and self._is_coined(word)]
        # Without its accents a word is in no dictionary.
        known = set(map(skeleton, self._words.difference(coined)))
        self._coined = frozenset(squeezed(word) for word in coined if word not in known)
        self._long = frozenset(word for word in map(squeezed, self._words) if len(word) >= _MIN_LONG)
        called = self._symbols | self._coined
        self._cut = frozenset(word for word in called if len(word) >= _MIN_INSIDE)
        self._misspelt = frozenset(word for word in called | self._names if len(word) >= _MIN_MISSPELT)
        rows = set(map(squeezed, heard))
        self._letters = tuple(rows | {turned for row in rows for turned in ciphers(row)})

    def reasons(self, plain: str, forms: Sequence[str]) -> Iterator[str]:
        """Yield what a reply, in normal form and decoded, calls by a name that comes from others."""
        joined = {word for form in forms for word in _joined(form)} | set(map(skeleton, _LOUD.findall(plain)))
        if (
            joined & self._symbols
            or any(word in self._pairs for word in _CAPITALS.findall(plain))
            # What is spelled out may go on in the next mention, or begin behind other letters.
            or any(piece in word for piece in self._spelled for word in joined)
        ):
            yield "has a symbol of what it answers"
        if any(self._is_traded(word) for word in (*_WORD.findall(plain), *_LOUD.findall(plain))) or any(
            word in self._market and (word in self._bare or not self._is_word(word)) for word in joined
        ):
            yield "names a token, which only code does"
        known = {skeleton(word) for word in texts.words(plain) if not self._is_coined(word)}
        if self._has_disguised(texts.words(forms[0]), joined - known):
            yield "has a word of what it answers in another form"
        if joined & self._names or self._names_heard(plain):
            yield "has a name of what it answers"
        if any(self._is_borrowed(word) for form in forms for word in texts.words(form) if word not in known):
            yield "has a word of what it answers that isn't one"
        if any(self._calls(plain, forms, name) for name in self._fellows):
            yield "names another character, whom it was not told of"

    def _has_disguised(self, words: Sequence[str], joined: set[str]) -> bool:
        """Say whether a symbol or a coined word was cut, inflected, misspelt, or put into initials."""
        bare = list(map(squeezed, words))
        telling = [squeezed(word) for word in words if not lexicon.is_everyday(word, self._languages)]
        coined = {squeezed(word) for word in words if self._is_coined(word)}
        unknown = [word for word in joined - self._bare if any(piece in word for piece in coined)]
        rows = (initials(bare), initials(telling))
        return (
            any(is_inflected(word, symbol) for symbol in self._symbols for word in telling if len(symbol) >= _MIN)
            or any(is_slip(word, symbol) for symbol in self._symbols for word in coined if len(symbol) >= _MIN_ALIKE)
            or any(symbol in row for symbol in self._symbols for row in rows if len(symbol) >= _MIN)
            or any(is_spelt_by(bare, name) for name in self._cut)
            or any(is_slip(word, name) for name in self._misspelt for word in unknown)
            or any(sum(word in long for word in coined) > _MAX_PIECES for long in self._long)
        )

    def _names_heard(self, plain: str) -> bool:
        """Say whether a word of what was heard is written as a name in a reply."""
        if self._capitalises_all:
            return False
        return any(name in self._bare for name in self._new(self._names_in(plain, lexicon.languages_of(plain))))

    def _names_in(self, text: str, languages: frozenset[str]) -> Iterator[str]:
        """Yield what is written as a name in a text of these languages."""
        nouns = languages & _CAPITALISES_NOUNS
        for word in _capitalised(text):
            is_noun = lexicon.is_common(word, nouns) or lexicon.is_compound(word, nouns)
            if not (is_noun or lexicon.is_of_calendar(word)):
                yield word

    def _new(self, words: Iterator[str] | Sequence[str]) -> Iterator[str]:
        return (word for word in words if len(word) > 1 and not texts.says(self._trusted, word))

    def _is_word(self, word: str) -> bool:
        small = word.casefold()
        return lexicon.is_common(small, self._languages) or lexicon.is_compound(small, self._languages)

    def _symbols_in(self, reading: str) -> Iterator[str]:
        """Yield what stands as a symbol in a reading: behind a sign, or in capitals."""
        yield from (skeleton(tag) for tag in _TAGGED.findall(reading))
        yield from (squeezed(name) for name in _CALLED.findall(reading) if not self._is_word(name))
        shouts = reading.isupper() and len(texts.words(reading)) >= _FEW_WORDS
        for word in _CAPITALS.findall(reading):
            small = word.casefold()
            if (
                word.isupper()
                and len(word) >= _MIN
                and not (self._is_word(small) if shouts else lexicon.is_everyday(small))
            ):
                yield skeleton(word)

    def _is_traded(self, word: str) -> bool:
        """Say whether a word is written as the name of a token, and not as a word."""
        return word != word.casefold() and word[1:] != word[1:].casefold() and skeleton(word) in self._market

    def _is_borrowed(self, word: str) -> bool:
        """Say whether a word is in no dictionary, and stands in what was heard: on its own, inside, or run together."""
        parts = _KATAKANA.findall(word) if texts.is_unspaced(word[0]) else [word]
        return any(self._is_heard(part) for part in parts if self._is_coined(part))

    def _is_coined(self, word: str) -> bool:
        """Say whether a word is in no dictionary, and nobody trusted says it."""
        return len(word) >= _MIN and not (word.isdigit() or self._is_word(word) or texts.says(self._trusted, word))

    def _is_heard(self, word: str) -> bool:
        bare = squeezed(word)
        if skeleton(word) in self._bare or (len(bare) >= _MIN_INSIDE and any(bare in row for row in self._letters)):
            return True
        # What is behind the stem may be an ending.
        stem = bare[: max(_MIN_INSIDE, 2 * len(bare) // 3)]
        return any(coined in bare or (len(stem) >= _MIN_INSIDE and stem in coined) for coined in self._coined)

    def _calls(self, plain: str, forms: Sequence[str], name: str) -> bool:
        # A part of a name may be a word, if it isn't written as a name.
        parts = [part for part in name.split() if len(part) >= _MIN and part.istitle()]
        if any(texts.says(form, name) for form in forms) or any(
            re.search(rf"(?<!\w){re.escape(part)}(?!\w)", plain) for part in parts
        ):
            return True
        small = [part for part in parts if skeleton(part) in self._bare or not self._is_word(part)]
        if any(texts.says(form, part) for part in small for form in forms):
            return True
        said = [part for word in texts.words(plain) for part in parts_of(word)]
        unfamiliar = [word for word in said if not self._is_familiar(word)]
        # Of a whole name one word may be a word; what runs together with others may not.
        spoken = [word for word in said if word in unfamiliar or not texts.is_unspaced(word[0])]
        return (
            any(is_like(word, part) for part in parts if len(part) >= _MIN_ALIKE for word in unfamiliar)
            or any(sounds_like(unfamiliar, part) for part in parts)
            or sounds_like(spoken, name)
        )

    def _is_familiar(self, word: str) -> bool:
        """Say whether a word is one of a language that is spoken here, or of any that writes without spaces."""
        return lexicon.is_common(word, None if texts.is_unspaced(word[0]) else self._languages)


def _is_pair(word: str) -> bool:
    return len(word) == 2 and word.isupper()


def _capitalised(reading: str) -> Iterator[str]:
    """Yield the words that are written as names: with a capital in the middle of a sentence, or of a word."""
    told = _HANDLE.sub("", reading)
    for found in _WORD.finditer(told):
        word, before = found[0], told[: found.start()].rstrip(" ")[-1:]
        is_inside = before and before not in _OPENS
        is_capital = is_inside and word[0].isupper() and not word.isupper() and not lexicon.is_everyday(word.casefold())
        if len(word) >= _MIN and (is_capital or _CAMEL.search(word)):
            yield skeleton(word.partition("'")[0])


def _joined(form: str) -> Iterator[str]:
    """Yield the skeletons of a text's words, and of short ones in a row run together: `b o n k`, `bo nk`."""
    said = texts.words(form)
    words = [squeezed(word) for word in said]
    for start, word in enumerate(words):
        yield word
        yield from (squeezed(part) for part in said[start].split("'")[:-1])
        for following in words[start + 1 : start + _MAX_JOINED]:
            word += following
            if len(word) > _MAX_JOINED:
                break
            yield word
