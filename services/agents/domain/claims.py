"""What a sentence claims of a trade, in languages of which the words for it are at hand.

A sentence can be read when it is made of nothing but these words, numbers and the trade's token. So what isn't known is
never taken for harmless: whatever else somebody may say of a trade, a promise or a piece of advice, isn't read at all.
"""

import functools
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import regex

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.runtime.text.normal import normal_form

_PLAIN = "plain"
_VOWELS = dict.fromkeys((*range(0x064B, 0x0660), 0x0670, 0x0640))
_AND = "\u0648"
"""What Arabic writes as one with the next word."""

_SCRIPTS = {"ja": regex.compile(r"[\p{Hiragana}\p{Katakana}]"), "th": regex.compile(r"\p{Thai}")}

_ASKS = ("?", "\u061f", "\u00bf")


class Claim(StrEnum):
    """Something that is true of some trades."""

    BOUGHT = "bought"
    SOLD = "sold"
    HALF = "half"
    ALL = "all"
    GAIN = "gain"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a language, in normal form: those of each claim, and all of them."""

    claims: dict[Claim, frozenset[str]]
    known: frozenset[str]

    def read(self, word: str) -> frozenset[Claim] | None:
        """Return what a word claims; None when it isn't known."""
        if word.isdigit():
            return frozenset()
        if texts.is_unspaced(word[0]):
            if not self._is_made_of_known(word):
                return None
            return frozenset(claim for claim, pieces in self.claims.items() if any(piece in word for piece in pieces))
        bare = word.translate(_VOWELS)
        for form in (bare, bare.removeprefix(_AND)):
            if form in self.known:
                return frozenset(claim for claim, words in self.claims.items() if form in words)
        return None

    def _is_made_of_known(self, word: str) -> bool:
        ends = [True] + [False] * len(word)
        for end in range(1, len(word) + 1):
            ends[end] = any(ends[start] and word[start:end] in self.known for start in range(end))
        return ends[-1]


def languages() -> frozenset[str]:
    """Return the languages that can be read."""
    return frozenset(_all())


def read_in(text: str) -> frozenset[str]:
    """Return those of these languages that a text is in: the ones without spaces show by their script."""
    by_script = {language for language, script in _SCRIPTS.items() if script.search(text)}
    return (lexicon.languages_of(text) | by_script) & languages()


def claims_of(sentence: str, names: Collection[str], among: Collection[str]) -> frozenset[Claim] | None:
    """Return what a sentence in normal form claims; None when none of these languages knows all of its words.

    `names` are those of the trade's tokens.
    """
    if any(sign in sentence for sign in _ASKS):
        return None
    own = {normal_form(name).casefold() for name in names}
    words = [word for word in texts.words(texts.parted(sentence)) if word not in own]
    for language in sorted(set(among) & languages()):
        found = [_all()[language].read(word) for word in words]
        known = [claims for claims in found if claims is not None]
        if len(known) == len(found):
            return frozenset().union(*known)
    return None


def true_of(trade: str) -> frozenset[Claim]:
    """Return what is true of a trade in words, such as `sold half of NAP at a gain`."""
    said = set(texts.words(trade))
    return frozenset(claim for claim in Claim if claim in said)


@functools.cache
def _all() -> dict[str, _Words]:
    told = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
    return {code: _read(words) for code, words in told.items()}


def _read(told: dict[str, list[str]]) -> _Words:
    plain = {name: frozenset(map(_form, words)) for name, words in told.items()}
    claims = {claim: plain[claim] for claim in Claim}
    return _Words(claims, frozenset().union(*claims.values(), plain[_PLAIN]))


def _form(word: str) -> str:
    return normal_form(word).casefold().translate(_VOWELS)
