"""The embedding models that there are, each opened when it is first used: it takes half a second, and 30 MB."""

import asyncio
import contextlib
import importlib.util
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from services.memory.ports.embedder import Embedder
from services.runtime.deferred import Deferred

_NAME = re.compile(r"wordllama-(64|128|256)")


class WordLlamaEmbedders:
    """The sizes that WordLlama's vectors come in, by their names."""

    async def open(self, model: str) -> Embedder | None:
        """Return a model; None when there is none of this name. Raises ModuleNotFoundError without the package."""
        if (named := _NAME.fullmatch(model)) is None:
            return None
        files()
        return _OpenedWhenUsed(model, int(named[1]))


def files() -> Path:
    """Return the folder of WordLlama's package, which isn't imported. Raises ModuleNotFoundError."""
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the package wordllama, which has the vectors, isn't installed", name="wordllama")
    return Path(found.origin).parent


class _OpenedWhenUsed:
    """Hands on what is asked to the model."""

    def __init__(self, model: str, dimensions: int) -> None:
        self.model = model

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[Embedder]:
            yield await asyncio.to_thread(_wordllama, dimensions)

        self._embedder = Deferred(opened)

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector for each text: little-endian float32, of unit length."""
        return await (await self._embedder.get()).embed(texts)

    async def familiarity(self, text: str) -> float:
        """Return how well the model knows the words of a text: 1 for whole words, 0 for mere letters."""
        return await (await self._embedder.get()).familiarity(text)

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        """Return the cosine of a vector with each of the others; what has no vector is 0."""
        return await (await self._embedder.get()).similarities(vector, others)


def _wordllama(dimensions: int) -> Embedder:
    from services.memory.adapters.wordllama import WordLlamaEmbedder

    return WordLlamaEmbedder(dimensions)
