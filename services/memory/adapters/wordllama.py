"""Embeddings by WordLlama: static vectors, packed in its wheel, about 50 microseconds a text."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wordllama
from wordllama import WordLlama

_FLOAT = np.dtype("<f4")
_NAME = re.compile(r"wordllama-(64|128|256)")
_FEW, _MANY = 32, 2_000
"""More texts to embed, or more vectors to compare, take longer than handing them to a thread."""


class WordLlamaEmbedder:
    """Embeds few texts in the event loop: a text costs less than handing it to a thread."""

    def __init__(self, dimensions: int = 256) -> None:
        self.model = f"wordllama-{dimensions}"
        self._dimensions = dimensions
        # Its own folder as the cache: elsewhere it looks for its tokenizer in the wrong place and tries to download it.
        folder = Path(wordllama.__file__).parent
        # The first dimensions of its vectors are vectors too (Kusupati et al., "Matryoshka Representation Learning",
        # 2022).
        self._model = WordLlama.load(dim=256, trunc_dim=dimensions, cache_dir=folder, disable_download=True)

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector for each text: little-endian float32, of unit length."""
        if len(texts) > _FEW:
            return await asyncio.to_thread(self._embed, texts)
        return self._embed(texts)

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        """Return the cosine of a vector with each of the others; what has no vector is 0."""
        if len(others) > _MANY:
            return await asyncio.to_thread(self._similarities, vector, others)
        return self._similarities(vector, others)

    def _similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        nothing = bytes(len(vector))
        rows = np.frombuffer(b"".join(other or nothing for other in others), _FLOAT).reshape(-1, self._dimensions)
        found: list[float] = (rows @ np.frombuffer(vector, _FLOAT)).tolist()
        return found

    def _embed(self, texts: Sequence[str]) -> list[bytes]:
        if not texts:
            return []
        with np.errstate(invalid="ignore"):  # A text without a token has no direction.
            vectors = self._model.embed(list(texts), norm=True).astype(_FLOAT)
        return [vector.tobytes() for vector in np.nan_to_num(vectors)]


class WordLlamaEmbedders:
    """The sizes that WordLlama's vectors come in, by their names."""

    async def open(self, model: str) -> WordLlamaEmbedder | None:
        """Open a model; None when there is none of this name."""
        named = _NAME.fullmatch(model)
        return await asyncio.to_thread(WordLlamaEmbedder, int(named[1])) if named else None
