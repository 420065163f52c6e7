"""Texts of memories, and questions about them: the same seed gives the same ones.

Words are as uneven as in life: few names, things and places fill most texts, and thousands of others turn up rarely.
"""

import itertools
import random
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from services.memory.domain.words import query_terms

_VOCABULARY = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
_RARE_NAMES, _RARE_TOWNS, _RARE_THINGS = 2_000, 500, 5_000


class Texts:
    """Makes texts and questions; none of them comes twice."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        rare = iter(self._coined(_RARE_NAMES + _RARE_TOWNS + _RARE_THINGS))
        names, towns = ([next(rare).capitalize() for _ in range(count)] for count in (_RARE_NAMES, _RARE_TOWNS))
        known = {name: _VOCABULARY[name] for name in ("person", "place", "thing", "trait", "deed", "day")}
        known |= {"person": known["person"] + names, "town": towns, "thing": known["thing"] + list(rare)}
        self._words = {name: _Skewed(choices) for name, choices in known.items()}
        self._seen: set[str] = set()

    def memories(self, count: int) -> list[str]:
        """Return texts of 8 to 40 words."""
        return [self._new(self._memory) for _ in range(count)]

    def questions(self, count: int, memories: Sequence[str]) -> list[str]:
        """Return questions of 3 to 10 words, each about one of these texts."""
        return [self._new(lambda: self._question(self._rng.choice(memories))) for _ in range(count)]

    def _memory(self) -> str:
        while True:
            parts = [self._clause()]
            for _ in range(self._rng.randrange(4)):
                parts += [self._rng.choice(_VOCABULARY["joints"]), self._clause()]
            text = "".join(parts)
            if 8 <= len(text.split()) <= 40:
                return f"{text[0].upper()}{text[1:]}."

    def _clause(self) -> str:
        filled: str = self._rng.choice(_VOCABULARY["clauses"])
        while "{" in filled:
            slot = filled[filled.index("{") + 1 : filled.index("}")]
            filled = filled.replace(f"{{{slot}}}", self._words[slot].draw(self._rng), 1)
        return filled

    def _question(self, memory: str) -> str:
        known = query_terms(memory)
        wanted = self._rng.sample(known, min(len(known), self._rng.randint(1, 5)))
        question: str = self._rng.choice(_VOCABULARY["questions"])
        return question.format(" ".join(wanted))

    def _new(self, make: Callable[[], str]) -> str:
        while (text := make()) in self._seen:
            pass
        self._seen.add(text)
        return text

    def _coined(self, count: int) -> list[str]:
        """Return words that nobody uses, as names of people, towns and products are."""
        every = ["".join(parts) for parts in itertools.product(_VOCABULARY["syllables"], repeat=3)]
        return self._rng.sample(every, count)


class _Skewed:
    """Draws words by Zipf's law: the second half as often as the first, the third a third as often."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = choices
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, len(choices) + 1)))

    def draw(self, rng: random.Random) -> str:
        """Return one word."""
        return rng.choices(self._choices, cum_weights=self._weights)[0]
