"""Embeddings: texts as vectors."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of one model."""

    model: str
    """Names the model and its dimensions; vectors of different models are never compared."""

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector for each text: little-endian float32, of unit length."""
        ...

    def familiarity(self, text: str) -> float:
        """Return how well the model knows the words of a text: 1 for whole words, 0 for mere letters."""
        ...

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        """Return the cosine of a vector with each of the others; what has no vector is 0."""
        ...


class Embedders(Protocol):
    """Opens models by their names."""

    async def open(self, model: str) -> Embedder | None:
        """Open a model; None when there is none of this name."""
        ...
