"""What the memory service is measured beside: simple stores in this process, all of them with the same two methods."""

import itertools
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import chromadb
import numpy as np
import numpy.typing as npt
import wordllama
from chromadb.config import Settings
from wordllama import WordLlama

from services.memory.domain.words import query_terms

Vectors = npt.NDArray[np.float32]


class Peer(Protocol):
    """Stores texts by agent and finds them again; a lock or the library makes it safe for threads."""

    def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Store texts and return their ids."""
        ...

    def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the ids of up to `limit` texts, best first."""
        ...


class Embedder:
    """The embedding model of the service: vectors of unit length."""

    def __init__(self) -> None:
        folder = Path(wordllama.__file__).parent
        self._model = WordLlama.load(dim=256, cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text."""
        vectors: Vectors = self._model.embed(list(texts), norm=True).astype(np.float32)
        return vectors


class Chroma:
    """Raw Chroma: a collection for each agent in an embedded client."""

    def __init__(self, folder: Path) -> None:
        self._client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
        self._embedder = Embedder()
        self._collections: dict[str, Any] = {}
        self._ids = itertools.count()

    def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Upsert them with their vectors."""
        ids = [str(next(self._ids)) for _ in texts]
        self._collection(agent_id).upsert(ids=ids, embeddings=self._embedder.embed(texts), documents=list(texts))
        return ids

    def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the nearest ones, with their documents fetched as the service fetches its memories."""
        found = self._collection(agent_id).query(
            query_embeddings=self._embedder.embed([query]), n_results=limit, include=["documents", "distances"]
        )
        ids: list[str] = found["ids"][0]
        return ids

    def _collection(self, agent_id: str) -> Any:
        if agent_id not in self._collections:
            self._collections[agent_id] = self._client.get_or_create_collection(
                f"agent-{agent_id}", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        return self._collections[agent_id]


class Like:
    """One table in SQLite; a search counts how many words of the query are in a text."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._lock = threading.Lock()
        self._database.executescript(
            """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE memory (id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL, text TEXT NOT NULL);
            CREATE INDEX memory_agent ON memory (agent_id);"""
        )

    def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Insert them and commit."""
        insert = "INSERT INTO memory (agent_id, text) VALUES (?, ?)"
        with self._lock, self._database:
            return [str(self._database.execute(insert, (agent_id, text)).lastrowid) for text in texts]

    def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return those with the most words of the query."""
        patterns = {f"word{number}": f"%{word}%" for number, word in enumerate(query_terms(query))}
        has = [f"(text LIKE :{name})" for name in patterns]
        select = (  # The names are our own, and what the caller gave is bound.
            f"SELECT id, text FROM memory WHERE agent_id = :agent AND ({' OR '.join(has)}) "  # noqa: S608
            f"ORDER BY {' + '.join(has)} DESC, id LIMIT :limit"
        )
        with self._lock:
            rows = self._database.execute(select, {**patterns, "agent": agent_id, "limit": limit}).fetchall()
        return [str(row[0]) for row in rows]


class Bm25:
    """SQLite's full-text index with the tokenizer of the service, one for each agent; any word of a query may match."""

    def __init__(self) -> None:
        self._databases: dict[str, sqlite3.Connection] = {}

    def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Insert them; an agent's texts are added at once."""
        database = self._databases[agent_id] = sqlite3.connect(":memory:")
        database.execute(
            "CREATE VIRTUAL TABLE memory USING fts5 (text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        insert = "INSERT INTO memory (text) VALUES (?)"
        return [str(database.execute(insert, (text,)).lastrowid) for text in texts]

    def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the best by bm25."""
        match = " OR ".join(f'"{word}"' for word in query_terms(query))
        select = "SELECT rowid FROM memory WHERE memory MATCH ? ORDER BY bm25(memory), rowid LIMIT ?"
        return [str(row[0]) for row in self._databases[agent_id].execute(select, (match, limit))]


class Vector:
    """Every vector is compared, so nothing is lost to an approximate index."""

    def __init__(self) -> None:
        self._embedder = Embedder()
        self._vectors: dict[str, Vectors] = {}

    def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Keep their vectors; an agent's texts are added at once."""
        self._vectors[agent_id] = self._embedder.embed(texts)
        return [str(number) for number in range(len(texts))]

    def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the nearest by cosine."""
        [vector] = self._embedder.embed([query])
        return [str(number) for number in np.argsort(-(self._vectors[agent_id] @ vector), kind="stable")[:limit]]
