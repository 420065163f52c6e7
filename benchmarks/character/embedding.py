"""Vectors of texts by WordLlama, as the memory service makes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wordllama

from benchmarks.character.measures import Embed, Vectors

_DIMENSIONS = 256


def embedder() -> Embed:
    """Return what turns texts into vectors of length 1."""
    # Without the folder it looks for its tokenizer elsewhere, and would download it.
    model = wordllama.WordLlama.load(dim=_DIMENSIONS, cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed(texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, _DIMENSIONS), np.float32)
        return np.asarray(model.embed(list(texts), norm=True), np.float32)

    return embed
