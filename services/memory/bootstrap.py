"""Wires the memory service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from puppet.memory.v1 import memory_service_pb2, relationship_service_pb2
from puppet.memory.v1.memory_service_pb2_grpc import add_MemoryServiceServicer_to_server
from puppet.memory.v1.relationship_service_pb2_grpc import add_RelationshipServiceServicer_to_server
from services.memory.adapters.chroma.embedded import EmbeddedIndex
from services.memory.adapters.embedders import WordLlamaEmbedders
from services.memory.adapters.matrices import RoundedMatrices
from services.memory.adapters.recent import RecentVectors
from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.ports.index import Index
from services.memory.service.archive import Archive
from services.memory.service.exact import ExactSearch
from services.memory.service.indexing import Indexing
from services.memory.service.memories import Memories
from services.memory.service.relationships import Relationships
from services.memory.service.search import Search
from services.memory.service.upkeep import Upkeep
from services.memory.servicer.memories import MemoryServicer, UseCases
from services.memory.servicer.relationships import RelationshipServicer
from services.memory.settings import MemorySettings
from services.runtime.background import repeating
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.rpc.server import Lifecycle, Mounted, Opener
from services.runtime.session_lock import SessionLock, held
from services.runtime.settings import SettingsError
from services.runtime.tidying import TIDY_SECONDS, Tidying

_COUNTING_SECONDS = 5.0
_LOCK_TIMEOUT_SECONDS = 10.0
"""How long the replica that this one replaces has to end."""

_SWEEPING_SECONDS = 24 * 3600.0


def opener(settings: MemorySettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        clock, embedders, database = SystemClock(), WordLlamaEmbedders(), Database(settings.sql_url("memory"))
        try:
            await database.migrate(Path(__file__).with_name("migrations"))
            async with _owning_its_index(settings, database):
                embedder = await embedders.open(settings.embedding_model)
                if embedder is None:
                    raise ValueError(f"there is no embedding model {settings.embedding_model!r}")
                store = SqlMemoryStore(database)
                exact = ExactSearch(
                    store, RoundedMatrices(settings.exact_mebibytes * 2**20), settings.exact_limit, clock
                )
                # An index on a server takes nothing of this process while nobody searches it.
                rests, index = not settings.chroma_url, _index(settings)
                indexing = Indexing(store, index, RecentVectors(), exact, embedders, embedder, may_rest=rests)
                await indexing.prepare()
                search, upkeep = (
                    Search(store, indexing, exact, clock),
                    Upkeep(store, indexing, settings.retention, clock),
                )
                tidying = Tidying(store, clock, timedelta(days=settings.request_days))
                use_cases = UseCases(Memories(store, indexing, clock), search, indexing, upkeep)
                async with (
                    _running(indexing),
                    repeating("counting accesses", _COUNTING_SECONDS, search.count_accesses, at_end=True),
                    repeating("sweeping", _SWEEPING_SECONDS, upkeep.sweep_all),
                    repeating("tidying", TIDY_SECONDS, tidying.tidy),
                ):
                    yield [
                        Mounted(
                            memory_service_pb2.DESCRIPTOR.services_by_name["MemoryService"],
                            add_MemoryServiceServicer_to_server,
                            MemoryServicer(use_cases, clock, settings.min_relevance),
                        ),
                        Mounted(
                            relationship_service_pb2.DESCRIPTOR.services_by_name["RelationshipService"],
                            add_RelationshipServiceServicer_to_server,
                            RelationshipServicer(Relationships(store, clock), Archive(store)),
                        ),
                    ]
        finally:
            await database.close()

    return open_service


@contextlib.asynccontextmanager
async def _owning_its_index(settings: MemorySettings, database: Database) -> AsyncIterator[None]:
    """Keep other processes from serving this file, or keeping an index of this database too. Raises SettingsError."""
    # With a file for a database there is one service, wherever its index is: what it compares with is in its memory.
    if settings.chroma_url and not database.is_sqlite:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(held(database, SessionLock("embedded index"), _LOCK_TIMEOUT_SECONDS))
        except TimeoutError:
            if database.is_sqlite:
                problem = f"{settings.variable('data_dir')}: another memory service runs on {settings.data_folder()}"
                raise SettingsError(problem) from None
            raise SettingsError(
                f"{settings.variable('chroma_url')}: another replica keeps the index of this database for itself, and "
                "what is purged here would stay in its vectors: name a Chroma server for all replicas, or run one"
            ) from None
        yield


def _index(settings: MemorySettings) -> Index:
    if not settings.chroma_url:
        return EmbeddedIndex(settings.data_folder() / "chroma")
    # Chroma's client takes a second and 60 MB, and an embedded index has a process of its own.
    from services.memory.adapters.chroma.server import ServerIndex

    return ServerIndex(settings.chroma_url)


@contextlib.asynccontextmanager
async def _running(indexing: Indexing) -> AsyncIterator[None]:
    task = asyncio.create_task(indexing.run(), name="indexing")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
