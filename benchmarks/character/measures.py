"""What of texts can be counted: rules kept, repetition, and whether their author is known by them. Pure."""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from benchmarks.character.texts import Text
from puppetctl.rehearsal.style import bare, broken_rules

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Turns texts into vectors of length 1, one in a row."""

_COSINE = 0.9
_OVERLAP = 0.5
_GRAM = 5
_FOLDS = 5
_WORDS = regex.compile(r"[\p{L}\p{N}'\u2019]+")


def kept_share(texts: Sequence[Text], personas: Mapping[str, Mapping[str, Any]]) -> float:
    """Return which part of texts keeps every hard rule of its author's style guide."""
    return sum(not broken_rules(one.text, personas[one.author]) for one in texts) / len(texts)


def repeated(texts: Sequence[Text], embed: Embed) -> list[tuple[str, str]]:
    """Return each text that is nearly another, earlier one of its author, behind that one."""
    found = []
    for author in dict.fromkeys(one.author for one in texts):
        own = [bare(one.text) for one in texts if one.author == author]
        vectors, grams = embed(own), [_grams(text) for text in own]
        alike: dict[int, int] = {}
        for first, second in combinations(range(len(own)), 2):
            if second in alike:
                continue
            if float(vectors[first] @ vectors[second]) > _COSINE or _overlap(grams[first], grams[second]) > _OVERLAP:
                alike[second] = first
        found += [(own[first], own[second]) for second, first in alike.items()]
    return found


def attribution(texts: Sequence[Text], limit: Mapping[str, int], embed: Embed, seed: int) -> float | None:
    """Return how many of texts are given to who wrote them, by the nearest mean of the other texts' vectors.

    Of each author there are the first, as many as `limit` says. Each text is judged by means in which it isn't; None
    where there are fewer than two authors, or one has fewer than two texts.
    """
    authors = sorted(limit)
    own = {author: [bare(one.text) for one in texts if one.author == author][: limit[author]] for author in authors}
    folds = min([_FOLDS, *map(len, own.values())])
    if folds < 2 or len(authors) < 2:
        return None
    vectors = embed([text for author in authors for text in own[author]])
    labels = np.array([place for place, author in enumerate(authors) for _ in own[author]])
    fold = np.concatenate([_dealt(len(own[author]), folds, f"{seed}/{author}") for author in authors])
    right = 0
    for out in range(folds):
        shown, asked = vectors[fold != out], vectors[fold == out]
        centre = shown.mean(axis=0)
        means = np.stack(
            [_normal(shown[labels[fold != out] == place].mean(axis=0) - centre) for place in range(len(authors))]
        )
        right += int(((asked - centre) @ means.T).argmax(axis=1).__eq__(labels[fold == out]).sum())
    return right / len(labels)


def _dealt(count: int, folds: int, seed: str) -> NDArray[np.int64]:
    """Return for each of so many the fold that it is in: all are as large as can be."""
    dealt = [place % folds for place in range(count)]
    random.Random(seed).shuffle(dealt)
    return np.array(dealt)


def _normal(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _grams(text: str) -> frozenset[tuple[str, ...]]:
    """Return the runs of five words of a text; one that is shorter is one run."""
    words = _WORDS.findall(text.casefold())
    return frozenset(tuple(words[place : place + _GRAM]) for place in range(max(1, len(words) - _GRAM + 1)))


def _overlap(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return len(one & other) / min(len(one), len(other))
