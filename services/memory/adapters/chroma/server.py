"""The index on a Chroma server: the collections of a build carry its number in their names."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings
from typing_extensions import override

from services.memory.adapters.chroma.generation import ANSWER_SECONDS, ShardedGeneration
from services.memory.adapters.chroma.shards import Shards
from services.memory.domain.vectors import IndexDown
from services.memory.ports.index import Index

R = TypeVar("R")

_OURS = re.compile(r"memories-(\d+)-\d+")


class ServerIndex(Index):
    """Opens builds on a server; Chroma's client is blocking, so each call leaves the event loop."""

    def __init__(self, url: str) -> None:
        """Take the URL of the server, for example `http://localhost:8000`."""
        self._url = url

    @override
    async def open(self, generation: int) -> "ServerGeneration":
        return ServerGeneration(await _away(self._connect), generation)

    @override
    async def drop_others(self, generation: int) -> None:
        """Delete the collections of every build but this one. Raises IndexDown."""
        await _away(lambda: self._drop_others(str(generation)))

    def _connect(self) -> Client:
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        client = chromadb.HttpClient(
            parts.hostname or "localhost",
            parts.port or (443 if secure else 8000),
            ssl=secure,
            settings=Settings(anonymized_telemetry=False),
        )
        for session in _sessions(client):
            session.timeout = ANSWER_SECONDS
        return cast("Client", client)

    def _drop_others(self, kept: str) -> None:
        client = self._connect()
        try:
            for collection in client.list_collections():
                ours = _OURS.fullmatch(collection.name)
                if ours and ours[1] != kept:
                    client.delete_collection(collection.name)
        finally:
            _close(client)


class ServerGeneration(ShardedGeneration):
    """The collections of one build."""

    def __init__(self, client: Client, generation: int) -> None:
        self._client = client
        self._shards = Shards(client, f"memories-{generation}")

    @override
    async def close(self) -> None:
        """Let go of the connections."""
        await _away(lambda: _close(self._client))

    async def _call(self, method: str, *arguments: Any) -> Any:
        return await _away(lambda: getattr(self._shards, method)(*arguments))


def _sessions(client: Any) -> list[Any]:
    """Return the HTTP sessions, which Chroma makes without a timeout and never closes."""
    return [client._server._session, client._admin_client._server._session]


def _close(client: Client) -> None:
    for session in _sessions(client):
        session.close()
    client.close()


async def _away(work: Callable[[], R]) -> R:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await asyncio.to_thread(work)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise IndexDown("the vector index can't be used", problem=problem) from error
