"""How friendly a text is: by words and signs of a small lexicon, without a model, the same every time."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

import regex

from services.runtime.text.normal import normal_form

_WORD = regex.compile(r"[\p{L}\p{M}'\u2019]+|\p{So}")
_NEGATED = 2
"""So many words after a negation are turned round: `not very nice`."""
_FULL = 2
"""So many words of one kind say all there is to say."""


@dataclass(frozen=True, slots=True)
class _Words:
    whole: frozenset[str]
    stems: tuple[str, ...]

    def has(self, word: str) -> bool:
        return word in self.whole or word.startswith(self.stems)


@functools.cache
def _lexicon() -> dict[str, _Words]:
    languages = tomllib.loads(Path(__file__).with_name("sentiment.toml").read_text(encoding="utf-8")).values()
    found = {}
    for kind in ("friendly", "hostile", "negations"):
        words = [word for language in languages for word in language[kind]]
        whole = frozenset(word for word in words if not word.endswith("*"))
        found[kind] = _Words(whole, tuple(word[:-1] for word in words if word.endswith("*")))
    return found


def tone(text: str) -> float:
    """Return how friendly a text is: -1 (hostile) to 1 (friendly), 0 where it is neither or isn't understood."""
    words, score, turned = _lexicon(), 0, 0
    for found in _WORD.finditer(normal_form(text).casefold().replace("\u2019", "'")):
        word = found[0]
        if words["negations"].has(word):
            turned = _NEGATED + 1
        elif words["friendly"].has(word):
            score += -1 if turned else 1
        elif words["hostile"].has(word):
            score += 1 if turned else -1
        turned = max(0, turned - 1)
    return max(-1.0, min(1.0, score / _FULL))
