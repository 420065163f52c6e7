"""Embeddings: texts as vectors."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of one model."""

    model: str
    """Names the model and its dimensions; vectors of different models are never compared."""
    is_instant: bool
    """True when vectors are made in this process, so fast that a memory is stored with its own.

    Otherwise they are made later, and searches don't wait for them.
    """
    batch: int
    """How many texts it takes at once."""

    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        """Return a vector for each text, on an agent's behalf: little-endian float32, of unit length.

        One that isn't instant raises EmbedderDown and TextsRefused.
        """
        ...

    async def familiarity(self, text: str) -> float:
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
