"""What happens in Chroma: blocking calls, each for one shard, which is a collection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.errors import NotFoundError
from numpy.typing import NDArray

_FLOAT = np.dtype("<f4")
# Its graph links equal vectors with each other only, and what lies behind them is lost to queries: from a hundred on,
# several in a hundred of the rest. So each is moved by this much, of a length of 1, in a direction of its own.
_NUDGE = 0.01
# What isn't in the graph's own file yet, up to `sync_threshold`, is inserted anew at the first use after each start,
# and read again by each write. (With 1,000, opening 64 shards took 12 s.)
_GRAPH: CreateHNSWConfiguration = {"space": "cosine", "batch_size": 100, "sync_threshold": 250}
# The cosine distance that the nudge and rounding explain; other texts lie far beyond.
_SAME = 0.001


class Shards:
    """The collections of one build. Chroma's own errors come through, PanicException too, which is no Exception."""

    def __init__(self, client: ClientAPI, prefix: str) -> None:
        """Take a client, and how the names of the collections begin."""
        self._client = client
        self._prefix = prefix
        self._collections: dict[int, Collection] = {}

    def put(self, shard: int, seqs: Sequence[int], data: bytes) -> None:
        """Add or replace vectors, whose data follow one another."""
        made, ids = self._made(shard), _ids(seqs)
        # In place of an upsert of what is there: moving a point now and then cuts another one off from the graph.
        if existing := made.get(ids=ids, include=[])["ids"]:
            made.delete(ids=existing)
        made.add(ids=ids, embeddings=_nudged(seqs, _matrix(data, len(seqs))))

    def remove(self, shard: int, seqs: Sequence[int]) -> None:
        """Remove vectors; what isn't there is no error."""
        if collection := self._existing(shard):
            collection.delete(ids=_ids(seqs))

    def nearest(self, shard: int, vector: bytes, limit: int) -> list[int]:
        """Return up to `limit` numbers, nearest first; fewer when the shard holds no more."""
        collection = self._existing(shard)
        if collection is None:
            return []
        query = _matrix(vector, 1)
        # Never with `where` or `ids`: both go through all that is allowed, and find less.
        found = collection.query(query_embeddings=query, n_results=limit, include=["distances"])
        near = list(zip(_distances(found)[0], found["ids"][0], strict=True))
        if len(near) < limit:
            near = sorted(near + self._unreached(collection, {seq for _, seq in near}, query[0]))[:limit]
        return [int(seq) for _, seq in near]

    def seqs(self, shard: int) -> list[int]:
        """Return all numbers."""
        collection = self._existing(shard)
        return [int(seq) for seq in collection.get(include=[])["ids"]] if collection else []

    def flaws(self, shard: int, seqs: Sequence[int], data: bytes) -> tuple[list[int], list[int]]:
        """Return the numbers of those vectors that aren't held as given, and of those that are, but aren't found."""
        collection = self._existing(shard)
        if collection is None:
            return list(seqs), []
        given = _matrix(data, len(seqs))
        held = _held(collection, _ids(seqs))
        # What can be read by its id isn't always in the graph: only a query for the vector itself shows that.
        nearest = _distances(collection.query(query_embeddings=given, n_results=1, include=["distances"]))
        different: list[int] = []
        unreached: list[int] = []
        for seq, vector, distances in zip(seqs, given, nearest, strict=True):
            if str(seq) not in held or not 1 - held[str(seq)] @ vector <= _SAME:
                different.append(seq)
            elif not (distances and distances[0] <= _SAME):
                unreached.append(seq)
        return different, unreached

    def _unreached(self, collection: Collection, found: set[str], query: NDArray[Any]) -> list[tuple[float, str]]:
        """Measure what the graph doesn't lead to: a few in 100,000, and more around many that are nearly equal."""
        missing = set(collection.get(include=[])["ids"]) - found
        held = _held(collection, sorted(missing)) if missing else {}
        return [(float(1 - vector @ query), seq) for seq, vector in held.items()]

    def _made(self, shard: int) -> Collection:
        if shard not in self._collections:
            # Without an embedding function of its own choice Chroma would fetch one.
            self._collections[shard] = self._client.get_or_create_collection(
                self._name(shard), embedding_function=None, configuration={"hnsw": _GRAPH}
            )
        return self._collections[shard]

    def _existing(self, shard: int) -> Collection | None:
        if shard not in self._collections:
            try:
                self._collections[shard] = self._client.get_collection(self._name(shard), embedding_function=None)
            except NotFoundError:
                return None
        return self._collections[shard]

    def _name(self, shard: int) -> str:
        return f"{self._prefix}-{shard}"


def _ids(seqs: Sequence[int]) -> list[str]:
    return [str(seq) for seq in seqs]


def _matrix(data: bytes, rows: int) -> NDArray[Any]:
    return np.frombuffer(data, _FLOAT).reshape(rows, -1)


def _nudged(seqs: Sequence[int], vectors: NDArray[Any]) -> NDArray[Any]:
    noise = np.stack([np.random.default_rng(seq).standard_normal(vectors.shape[1], np.float32) for seq in seqs])
    noise *= _NUDGE / np.linalg.norm(noise, axis=1, keepdims=True)
    moved: NDArray[Any] = vectors + noise
    return moved


def _held(collection: Collection, ids: list[str]) -> dict[str, NDArray[Any]]:
    """Read vectors by their ids, at unit length again."""
    found: Any = collection.get(ids=ids, include=["embeddings"])
    vectors = zip(found["ids"], np.asarray(found["embeddings"]), strict=True)
    return {seq: vector / np.linalg.norm(vector) for seq, vector in vectors}


def _distances(found: Any) -> list[list[float]]:
    distances: list[list[float]] = found["distances"]
    return distances
