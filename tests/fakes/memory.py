"""Fakes of the memory service's ports; its store is tested with, since SQLite takes no longer than a fake would."""

import asyncio
import zlib
from collections.abc import Sequence

import numpy as np

from services.memory.domain.vectors import EmbedderDown, Flaws, IndexDown, Place, TextsRefused, Vector

_FLOAT = np.dtype("<f4")


class FakeEmbedder:
    """Counts words: texts are near that share some. Its model is named `words-<dimensions>`; `ready` holds it back.

    One of another service is named `far-words-<dimensions>`. It fails with the next of `failures`, or `refuses` texts.
    """

    def __init__(self, model: str = "words-64") -> None:
        self.model = model
        self.is_instant = not model.startswith("far-")
        self.batch = 1_000 if self.is_instant else 4
        self._dimensions = int(model.removeprefix("far-").removeprefix("words-"))
        self.ready = asyncio.Event()
        self.ready.set()
        self.failures: list[Exception] = []
        self.down: EmbedderDown | None = None
        self.refuses: set[str] = set()
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        """By whom, and for what."""

    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        self.asked.append((agent_id, tuple(texts)))
        await self.ready.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.down is not None and self.down.agent_id in ("", agent_id):
            raise self.down
        if self.refuses.intersection(texts):
            raise TextsRefused("one of these can't be embedded")
        return [self._embed(text) for text in texts]

    async def familiarity(self, text: str) -> float:
        return 1.0

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        wanted = np.frombuffer(vector, _FLOAT)
        return [float(np.frombuffer(other or bytes(len(vector)), _FLOAT) @ wanted) for other in others]

    def _embed(self, text: str) -> bytes:
        counts = np.zeros(self._dimensions)
        for word in text.lower().split():
            counts[zlib.crc32(word.encode()) % self._dimensions] += 1
        return (counts / (float(np.linalg.norm(counts)) or 1.0)).astype(_FLOAT).tobytes()


class FakeEmbedders:
    """Opens every model whose name begins with `words-` or `far-words-`, each once."""

    def __init__(self) -> None:
        self.opened: dict[str, FakeEmbedder] = {}

    async def open(self, model: str) -> FakeEmbedder | None:
        if not model.startswith(("words-", "far-words-")):
            return None
        return self.opened.setdefault(model, FakeEmbedder(model))


class FakeIndex:
    """Keeps builds in memory. `down` makes every call fail, `damaged` builds can't be opened, `writable` holds puts."""

    def __init__(self) -> None:
        self.builds: dict[int, dict[int, Vector]] = {}
        self.damaged: set[int] = set()
        self.down = False
        self.opened = 0
        self.put: list[int] = []
        """The numbers of the vectors that were put, in their order."""
        self.asked: list[int] = []
        """How many neighbours were asked for, each time."""
        self.writable = asyncio.Event()
        self.writable.set()

    async def open(self, generation: int) -> "FakeGeneration":
        self.answer()
        if generation in self.damaged:
            raise IndexDown(f"build {generation} is damaged")
        self.opened += 1
        return FakeGeneration(self, self.builds.setdefault(generation, {}))

    async def drop_others(self, generation: int) -> None:
        self.answer()
        self.builds = {number: build for number, build in self.builds.items() if number == generation}

    def answer(self) -> None:
        if self.down:
            raise IndexDown("the index is down")


class FakeGeneration:
    """One build; it proposes other agents' memories too."""

    def __init__(self, index: FakeIndex, vectors: dict[int, Vector]) -> None:
        self._index = index
        self._vectors = vectors
        self.closed = False

    async def put(self, vectors: Sequence[Vector]) -> None:
        await self._index.writable.wait()
        self._answer()
        self._vectors.update({vector.seq: vector for vector in vectors})
        self._index.put += [vector.seq for vector in vectors]

    async def remove(self, places: Sequence[Place]) -> None:
        self._answer()
        for place in places:
            self._vectors.pop(place.seq, None)

    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        self._answer()
        self._index.asked.append(limit)
        wanted = np.frombuffer(vector, _FLOAT)
        near = sorted(self._vectors.values(), key=lambda held: -float(np.frombuffer(held.data, _FLOAT) @ wanted))
        return [held.seq for held in near[:limit]]

    async def seqs(self) -> set[int]:
        self._answer()
        return set(self._vectors)

    async def flaws(self, vectors: Sequence[Vector]) -> Flaws:
        self._answer()
        return Flaws([vector.seq for vector in vectors if self._vectors.get(vector.seq) != vector], [])

    async def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        self._index.answer()
        if self.closed:
            raise IndexDown("it is closed")
