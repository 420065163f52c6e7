"""Models that decline in place of their character, in the languages in which examples of it are at hand."""

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.agents.domain.meaning import Languages, Terms, stem, uses
from services.runtime.text.normal import normal_form

_MIN_TELLING = 2
_MIN_RUN = 8
"""Letters of a script without spaces, which are about four words."""
_MAX_FOREIGN = 0.15
"""The part of their pairs that no example has: where no spaces part words, a form of a word can't be told from it."""


@dataclass(frozen=True, slots=True)
class _Examples:
    """How models decline in one language; words are stems."""

    language: Languages
    roles: Terms
    words: frozenset[str]
    pairs: frozenset[str]

    def is_role(self, plain: str, trusted: str) -> bool:
        """Say whether a text speaks as a model; a character that is one says so in its persona."""
        return any(not uses(trusted, role, self.language) for role in self.roles.used_in(plain))

    def is_refusal(self, sentence: "_Sentence") -> bool:
        """Say whether a sentence is made of nothing but words of the examples."""
        pairs, said = sentence
        if pairs:
            foreign = sum(pair not in self.pairs for pair in pairs)
            return len(pairs) >= _MIN_RUN - 1 and foreign <= _MAX_FOREIGN * len(pairs)
        if not all(stem(word, self.language) in self.words for word in said):
            return False
        return len({word for word in said if not lexicon.is_small(word, self.language)}) >= _MIN_TELLING


class _Sentence(NamedTuple):
    """A sentence, as every language's examples are compared with it."""

    pairs: Sequence[str]
    words: Sequence[str]

    @classmethod
    def of(cls, text: str) -> "_Sentence":
        return cls(list(texts.runs(text, 2)), texts.words(text))


def declines(plain: str, trusted: str) -> bool:
    """Say whether a text in normal form is a model's refusal, or a model's word on itself."""
    sentences = [_Sentence.of(sentence) for sentence in texts.sentences(plain)]
    return any(
        examples.is_role(plain, trusted) or any(map(examples.is_refusal, sentences)) for examples in _languages()
    )


@functools.cache
def _languages() -> tuple[_Examples, ...]:
    known = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))
    return tuple(_read(code, told["roles"], told["refusals"]) for code, told in known.items())


def _read(code: str, roles: list[str], refusals: list[str]) -> _Examples:
    language, said = frozenset((code,)), [normal_form(refusal) for refusal in refusals]
    words = frozenset(stem(word, language) for refusal in said for word in texts.words(refusal))
    pairs = frozenset(pair for refusal in said for pair in texts.runs(refusal, 2))
    return _Examples(language, Terms(map(normal_form, roles), language), words, pairs)
