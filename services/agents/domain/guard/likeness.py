"""When a word is meant for another: cut in pieces, misspelt, inflected, in initials, or written in another alphabet."""

import functools
import itertools
import re
from collections.abc import Sequence

from anyascii import anyascii

from services.agents.domain import text as texts
from services.runtime.text.normal import script_of

_MIN_PIECE = 2
_MIN_FOR_SLIP = 5
"""Letters: in shorter names another letter makes another name."""
_MAX_ENDING = 2
_RUNS = re.compile("[\u30a1-\u30fa\u30fc]+|[^\u30a1-\u30fa\u30fc]+")
"""Katakana writes foreign words."""
_DIGITS = str.maketrans("01345", "oieas")
# Sounds that alphabets write for one another, and no vowels: what a name keeps in every writing. Hebrew writes some
# vowels with the letter that it also writes `v` with.
_SOUNDS = str.maketrans("ptgqcxzjlv", "bdkkksssrf", "aeiouywh")
_VOWEL_LETTERS = str.maketrans("", "", "\u05d5")
_MIN_SOUNDS = 3


def is_spelt_by(words: Sequence[str], name: str) -> bool:
    """Say whether several of these words in their order make up a name, whatever is between them."""
    reached = {0}
    for word in words:
        if _MIN_PIECE <= len(word) < len(name):
            reached |= {place + len(word) for place in reached if name.startswith(word, place)}
    return len(name) in reached


def initials(words: Sequence[str]) -> str:
    """Return the first letter of each word."""
    return "".join(word[:1] for word in words)


def is_slip(word: str, name: str) -> bool:
    """Say whether one letter more, less or another makes a name of a word."""
    if abs(len(word) - len(name)) > 1:
        return False
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(word, name, strict=False)))
    rest, other = word[same:], name[same:]
    return rest[1:] == other[1:] or rest == other[1:] or rest[1:] == other


def is_inflected(word: str, name: str) -> bool:
    """Say whether a word is a name with an ending."""
    return word.startswith(name) and len(word) - len(name) <= _MAX_ENDING


def is_like(word: str, name: str) -> bool:
    """Say whether a word in Latin, kana or Hangul is read as a name, with an ending or a slip."""
    read, meant = _latin(word), _latin(name)
    return is_inflected(read, meant) or (len(meant) >= _MIN_FOR_SLIP and is_slip(read, meant))


def parts_of(word: str) -> list[str]:
    """Return a word, or the runs of katakana and of other signs of one that is written without spaces."""
    return _RUNS.findall(word) if texts.is_unspaced(word[0]) else [word]


def sounds_like(words: Sequence[str], name: str) -> bool:
    """Say whether words of another alphabet than Latin sound as a name does."""
    meant = sound(name)
    if len(meant) < _MIN_SOUNDS:
        return False
    sounds = [(sound(word), texts.is_unspaced(word[0])) for word in words if script_of(word[0]) not in ("LATIN", "")]
    pairs = ["".join(pair) for pair in itertools.pairwise(heard for heard, _ in sounds)]
    return (
        meant in pairs
        or any(meant == heard for heard, _ in sounds)
        # Where words have no spaces between them, three sounds stand anywhere.
        or (len(meant) > _MIN_SOUNDS and meant in "".join(heard for heard, is_unspaced in sounds if is_unspaced))
    )


@functools.lru_cache(maxsize=10_000)
def sound(word: str) -> str:
    """Return the consonants of a word in any alphabet, those that alphabets confuse as one, none twice in a row."""
    return _single("".join(filter(str.isalpha, anyascii(word.translate(_VOWEL_LETTERS)).casefold().translate(_SOUNDS))))


@functools.lru_cache(maxsize=10_000)
def _latin(word: str) -> str:
    letters = anyascii(word).casefold()
    return _single("".join(filter(str.isalpha, letters.translate(_DIGITS) if not letters.isdigit() else "")))


def _single(letters: str) -> str:
    return "".join(sign for place, sign in enumerate(letters) if sign != letters[place - 1 : place])
