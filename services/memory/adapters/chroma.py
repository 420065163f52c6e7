"""The vector index in Chroma: a collection for each agent, embedded or on a server."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.config import Settings

from services.memory.domain import Memory

_FLOAT = np.dtype("<f4")
_BATCH = 5_000  # Chroma takes at most 5,461 rows at once.


class ChromaIndex:
    """Chroma's client is blocking, so each call leaves the event loop."""

    def __init__(self, client: ClientAPI, model: str) -> None:
        """Take a client and the name of the embedding model, whose vectors get collections of their own."""
        self._client = client
        self._model = model

    async def put(self, memories: Sequence[Memory]) -> None:
        """Add or replace the vectors of memories of one agent."""
        if memories:
            await asyncio.to_thread(self._put, memories)

    async def remove(self, agent_id: str, memory_ids: Sequence[str]) -> None:
        """Remove vectors; ids that aren't there are no error."""
        if memory_ids:
            await asyncio.to_thread(lambda: self._collection(agent_id).delete(ids=list(memory_ids)))

    async def nearest(
        self, agent_id: str, vector: bytes, most: int, among: Sequence[str] | None
    ) -> list[tuple[str, float]]:
        """Return up to `most` ids with their cosine similarity, nearest first; `among` restricts to these ids."""
        return await asyncio.to_thread(self._nearest, agent_id, vector, most, among)

    async def ids(self, agent_id: str) -> set[str]:
        """Return the ids that have a vector."""
        return await asyncio.to_thread(lambda: set(self._collection(agent_id).get(include=[])["ids"]))

    def _put(self, memories: Sequence[Memory]) -> None:
        collection = self._collection(memories[0].agent_id)
        for start in range(0, len(memories), _BATCH):
            batch = memories[start : start + _BATCH]
            vectors = np.frombuffer(b"".join(memory.embedding for memory in batch), _FLOAT)
            # Upsert: `add` of an id that exists would silently keep the old vector.
            collection.upsert(ids=[memory.id for memory in batch], embeddings=vectors.reshape(len(batch), -1))

    def _nearest(self, agent_id: str, vector: bytes, most: int, among: Sequence[str] | None) -> list[tuple[str, float]]:
        collection = self._collection(agent_id)
        known = None if among is None else collection.get(ids=list(among), include=[])["ids"]
        if known == []:
            return []
        found = collection.query(
            query_embeddings=np.frombuffer(vector, _FLOAT)[None, :], ids=known, n_results=most, include=["distances"]
        )
        [ids], [distances] = found["ids"], found["distances"] or [[]]
        return [(found_id, max(0.0, 1.0 - distance)) for found_id, distance in zip(ids, distances, strict=True)]

    def _collection(self, agent_id: str) -> Any:
        # Names allow few characters and agents' ids allow many. Without an embedding function Chroma would fetch one.
        name = "memories-" + hashlib.sha256(f"{self._model}\0{agent_id}".encode()).hexdigest()[:40]
        return self._client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )


def open_client(url: str, folder: Path) -> ClientAPI:
    """Connect to a Chroma server, or open the embedded index of this folder; one process at a time may have it open."""
    settings = Settings(anonymized_telemetry=False)
    if url:
        parts = urlsplit(url)
        return chromadb.HttpClient(
            parts.hostname or "localhost", parts.port or 8000, ssl=parts.scheme == "https", settings=settings
        )
    folder.mkdir(parents=True, exist_ok=True)
    return chromadb.PersistentClient(folder, settings=settings)
