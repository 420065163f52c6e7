"""What a stranger calls by name: symbols of tokens, people, brands, handles, pieces of identifiers."""

import functools
import itertools
import re
from collections.abc import Iterator, Sequence

from anyascii import anyascii

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.runtime.text.identifiers import ciphers
from services.runtime.text.normal import script_of, skeleton, squeezed

_TAGGED = re.compile(r"[$#]\s?(\w{2,30})")
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

_LEAST = 3
_LEAST_INSIDE = 5
_MOST_JOINED = 12
_FEW_WORDS = 4
# Sounds that alphabets write for one another, and no vowels: what a name keeps in every writing.
_SOUNDS = str.maketrans("ptgqcxzjlv", "bdkkksssrf", "aeiouywh")
_LEAST_SOUNDS = 3


class Names:
    """Judges what replies to one post call by name."""

    def __init__(self, trusted: str, heard: Sequence[str], fellows: Sequence[str], symbols: Sequence[str]) -> None:
        """Take what is trusted and every reading of what was heard, in normal form."""
        self._trusted = trusted
        self._languages = lexicon.languages_of(trusted)
        spoken = lexicon.languages_of(heard[0]) if heard else frozenset()
        self._languages |= spoken
        self._fellows = tuple(name for name in fellows if not texts.says(trusted, name))
        self._market = frozenset(self._new(map(skeleton, symbols)))
        self._symbols = frozenset(self._new(symbol for reading in heard for symbol in self._symbols_in(reading)))
        spelled = (squeezed(run) for reading in heard for run in _SPELLED.findall(reading))
        self._spelled = frozenset(piece for piece in self._new(spelled) if len(piece) >= _LEAST)
        self._pairs = frozenset(word for reading in heard for word in _CAPITALS.findall(reading) if _is_pair(word))
        is_noun_capital = bool(spoken & _CAPITALISES_NOUNS)
        self._names = frozenset(
            self._new(
                word
                for reading in heard
                for word in _names_in(reading)
                if not (is_noun_capital and lexicon.is_common(word, spoken))
            )
        )
        self._words = frozenset(word for reading in heard for word in texts.words(reading))
        self._bare = frozenset(map(skeleton, self._words))
        self._coined = frozenset(squeezed(word) for word in self._words if len(word) > _LEAST and self._is_coined(word))
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
        if joined & self._names:
            yield "has a name of what it answers"
        # Without its accents a word is in no dictionary.
        known = {skeleton(word) for word in texts.words(plain) if not self._is_coined(word)}
        if any(self._is_borrowed(word) for form in forms for word in texts.words(form) if word not in known):
            yield "has a word of what it answers that isn't one"
        if any(self._calls(plain, forms, name) for name in self._fellows):
            yield "names another character, whom it was not told of"

    def _new(self, words: Iterator[str] | Sequence[str]) -> Iterator[str]:
        return (word for word in words if len(word) > 1 and not texts.says(self._trusted, word))

    def _is_word(self, word: str) -> bool:
        return lexicon.is_common(word.casefold(), self._languages)

    def _symbols_in(self, reading: str) -> Iterator[str]:
        """Yield what stands as a symbol in a reading: behind a sign, or in capitals."""
        yield from (skeleton(tag) for tag in _TAGGED.findall(reading))
        shouts = reading.isupper() and len(texts.words(reading)) >= _FEW_WORDS
        for word in _CAPITALS.findall(reading):
            small = word.casefold()
            if (
                word.isupper()
                and len(word) >= _LEAST
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
        return len(word) >= _LEAST and not (word.isdigit() or self._is_word(word) or texts.says(self._trusted, word))

    def _is_heard(self, word: str) -> bool:
        bare = squeezed(word)
        if skeleton(word) in self._bare or (len(bare) >= _LEAST_INSIDE and any(bare in row for row in self._letters)):
            return True
        # What is behind the stem may be an ending.
        stem = bare[: max(_LEAST_INSIDE, 2 * len(bare) // 3)]
        return any(coined in bare or (len(stem) >= _LEAST_INSIDE and stem in coined) for coined in self._coined)

    def _calls(self, plain: str, forms: Sequence[str], name: str) -> bool:
        # A part of a name may be a word, if it isn't written as a name.
        parts = [part for part in name.split() if len(part) >= _LEAST and part.istitle()]
        if any(texts.says(form, name) for form in forms) or any(
            re.search(rf"(?<!\w){re.escape(part)}(?!\w)", plain) for part in parts
        ):
            return True
        small = [part for part in parts if skeleton(part) in self._bare or not self._is_word(part)]
        if any(texts.says(form, part) for part in small for form in forms):
            return True
        return any(_sounds_like(plain, each) for each in (name, *parts) if not self._is_sounding_word(plain, each))

    def _is_sounding_word(self, plain: str, name: str) -> bool:
        return any(self._is_word(word) for word in texts.words(plain) if _sound(word) == _sound(name))


def _is_pair(word: str) -> bool:
    return len(word) == 2 and word.isupper()


def _names_in(reading: str) -> Iterator[str]:
    """Yield the words that are written as names: with a capital in the middle of a sentence, or of a word."""
    told = _HANDLE.sub("", reading)
    for found in _WORD.finditer(told):
        word, before = found[0], told[: found.start()].rstrip(" ")[-1:]
        is_inside = before and before not in _OPENS
        is_capital = is_inside and word[0].isupper() and not word.isupper() and not lexicon.is_everyday(word.casefold())
        if len(word) >= _LEAST and (is_capital or _CAMEL.search(word)):
            yield skeleton(word)


def _joined(form: str) -> Iterator[str]:
    """Yield the skeletons of a text's words, and of short ones in a row run together: `b o n k`, `bo nk`."""
    words = [squeezed(word) for word in texts.words(form)]
    for start, word in enumerate(words):
        yield word
        for following in words[start + 1 : start + _MOST_JOINED]:
            word += following
            if len(word) > _MOST_JOINED:
                break
            yield word


@functools.lru_cache(maxsize=10_000)
def _sound(word: str) -> str:
    """Return the consonants of a word in any alphabet, those that alphabets confuse as one, none twice in a row."""
    sounds = "".join(filter(str.isalpha, anyascii(word).casefold().translate(_SOUNDS)))
    return "".join(sign for place, sign in enumerate(sounds) if sign != sounds[place - 1 : place])


def _sounds_like(plain: str, name: str) -> bool:
    """Say whether words of another alphabet than Latin sound as a name does."""
    sound = _sound(name)
    if len(sound) < _LEAST_SOUNDS:
        return False
    sounds = [(_sound(word), texts.is_unspaced(word[0])) for word in texts.words(plain) if not _is_latin(word)]
    pairs = ["".join(pair) for pair in itertools.pairwise(heard for heard, _ in sounds)]
    return (
        sound in pairs
        or any(sound == heard for heard, _ in sounds)
        # Where words have no spaces between them, three sounds stand anywhere.
        or (len(sound) > _LEAST_SOUNDS and sound in "".join(heard for heard, is_unspaced in sounds if is_unspaced))
    )


def _is_latin(word: str) -> bool:
    return script_of(word[0]) in ("LATIN", "")
