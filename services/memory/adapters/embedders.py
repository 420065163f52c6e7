"""The embedding models that there are, each opened when it is used: the first time takes half a second, and 30 MB.

One that nobody has used for a while rests: it gives 10 of them back, and is opened again in 0.05 s.
"""

import asyncio
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from services.memory.ports.embedder import Embedder, Embedders

_NAME = re.compile(r"wordllama-(64|128|256)")

_REST_SECONDS = 30.0
"""For how long nobody has used a model that rests."""


class WordLlamaEmbedders(Embedders):
    """The sizes that WordLlama's vectors come in, by their names."""

    @override
    async def open(self, model: str) -> Embedder | None:
        """Return a model; None when there is none of this name. Raises ModuleNotFoundError without the package."""
        if (named := _NAME.fullmatch(model)) is None:
            return None
        files()
        return _OpenedWhenUsed(model, int(named[1]))


class AllEmbedders(Embedders):
    """What any of several has."""

    def __init__(self, *kinds: Embedders) -> None:
        self._kinds = kinds

    @override
    async def open(self, model: str) -> Embedder | None:
        """Return a model; None when none of them has one of this name."""
        for kind in self._kinds:
            if (found := await kind.open(model)) is not None:
                return found
        return None


def files() -> Path:
    """Return the folder of WordLlama's package, which isn't imported. Raises ModuleNotFoundError."""
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the package wordllama, which has the vectors, isn't installed", name="wordllama")
    return Path(found.origin).parent


class _OpenedWhenUsed(Embedder):
    """Hands on what is asked to the model, which is there while it is used."""

    is_instant = True
    batch = 1_000

    def __init__(self, model: str, dimensions: int) -> None:
        self.model = model
        self._dimensions = dimensions
        self._embedder: Embedder | None = None
        self._turn = asyncio.Lock()
        self._used = 0.0

    @override
    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        return await (await self._opened()).embed(texts)

    @override
    async def familiarity(self, text: str) -> float:
        return await (await self._opened()).familiarity(text)

    @override
    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        return await (await self._opened()).similarities(vector, others)

    async def _opened(self) -> Embedder:
        self._used = asyncio.get_running_loop().time()
        if (opened := self._embedder) is not None:
            return opened
        async with self._turn:
            if (opened := self._embedder) is None:
                opened = self._embedder = await asyncio.to_thread(_wordllama, self._dimensions)
                self._rest_when_unused()
            return opened

    def _rest_when_unused(self) -> None:
        """Let the model go, or look again when it may have been unused for long enough."""
        loop = asyncio.get_running_loop()
        left = self._used + _REST_SECONDS - loop.time()
        if left > 0:
            loop.call_later(left, self._rest_when_unused)
        else:
            self._embedder = None


def _wordllama(dimensions: int) -> Embedder:
    from services.memory.adapters.wordllama import WordLlamaEmbedder

    return WordLlamaEmbedder(dimensions)
