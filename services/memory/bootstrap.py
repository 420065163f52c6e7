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
from services.memory.adapters.embedders import AllEmbedders, WordLlamaEmbedders
from services.memory.adapters.matrices import RoundedMatrices
from services.memory.adapters.recent import RecentVectors
from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.ports.embedder import Embedders
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
from services.runtime.rpc.client import connect
from services.runtime.rpc.dependencies import watching
from services.runtime.rpc.health import Health
from services.runtime.rpc.server import Lifecycle, Mounted, Opener, proof_of
from services.runtime.session_lock import SessionLock, held
from services.runtime.settings import SettingsError
from services.runtime.tidying import TIDY_SECONDS, Tidying

_COUNTING_SECONDS = 5.0
_LOCK_TIMEOUT_SECONDS = 10.0
"""How long the replica that this one replaces has to end."""

_SWEEPING_SECONDS = 24 * 3600.0
_TELLING_SECONDS = 1.0

EMBEDDINGS = "embeddings"
"""The name in the health that says whether memories get their vectors."""


def opener(settings: MemorySettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        clock, database = SystemClock(), Database(settings.sql_url("memory"))
        try:
            await database.migrate(Path(__file__).with_name("migrations"))
            async with _owning_its_index(settings, database), _embedding(settings, lifecycle.health) as embedders:
                embedder = await embedders.open(model_of(settings))
                if embedder is None:
                    raise ValueError(f"there is no embedding model {settings.embedding_model!r}")
                store = SqlMemoryStore(database)
                exact = ExactSearch(
                    store, RoundedMatrices(settings.exact_mebibytes * 2**20), settings.exact_limit, clock
                )
                # An index on a server takes nothing of this process while nobody searches it.
                rests, index = not settings.chroma_url, _index(settings)
                indexing = Indexing(
                    store,
                    index,
                    RecentVectors(),
                    exact,
                    embedders,
                    embedder,
                    may_rest=rests,
                    alone=lambda: alone(database),
                )
                await indexing.prepare()
                search, upkeep = (
                    Search(store, indexing, exact, clock),
                    Upkeep(store, indexing, settings.retention, clock),
                )
                tidying = Tidying(store, clock, timedelta(days=settings.request_days))
                use_cases = UseCases(Memories(store, indexing, clock), search, indexing, upkeep)
                async with (
                    _running(indexing),
                    _telling(indexing, settings, lifecycle.health),
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


def model_of(settings: MemorySettings) -> str:
    """Return the name of the model that texts are embedded with."""
    if settings.embeddings == "local":
        return settings.embedding_model
    from services.memory.adapters.llm_client import name_of

    provider, _, model = settings.embedding_model.partition("/")
    return name_of(provider, model, settings.embedding_dimensions)


@contextlib.asynccontextmanager
async def _embedding(settings: MemorySettings, health: Health) -> AsyncIterator[Embedders]:
    """Open what has the models; the llm service's only where it embeds."""
    if settings.embeddings == "local":
        yield WordLlamaEmbedders()
        return
    # Another service's contract takes a megabyte, which one that embeds by itself has no use for.
    from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
    from services.memory.adapters.llm_client import LlmEmbedders

    async with (
        connect({LlmServiceStub: settings.llm_target}, proof_of("memory", settings)) as stubs,
        watching(stubs.channels, health),
    ):
        yield AllEmbedders(WordLlamaEmbedders(), LlmEmbedders(stubs[LlmServiceStub]))


@contextlib.asynccontextmanager
async def _telling(indexing: Indexing, settings: MemorySettings, health: Health) -> AsyncIterator[None]:
    """Tell in the health whether vectors are made, where another service makes them; without them it serves as well."""
    if settings.embeddings == "local":
        yield
        return

    async def tell() -> None:
        health.tell([EMBEDDINGS], serves=not indexing.problem)

    async with repeating("health of embeddings", _TELLING_SECONDS, tell):
        yield


@contextlib.asynccontextmanager
async def alone(database: Database) -> AsyncIterator[bool]:
    """Open what one replica has at a time; the value says whether it is this one."""
    if database.is_sqlite:
        yield True
        return
    async with database.session() as connection:
        yield await SessionLock("embedding").take(connection)


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
