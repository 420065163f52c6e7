"""Wires the memory service."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2_grpc as pb_grpc
from services.memory.adapters.chroma import ChromaIndex, open_client
from services.memory.adapters.sql import SqlRecords
from services.memory.adapters.wordllama import WordLlamaEmbedder
from services.memory.service import Memories, Relationships
from services.memory.servicer import MemoryServicer, RelationshipServicer
from services.memory.settings import MemorySettings
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.server import Lifecycle, Mounted, Opener
from services.runtime.sql import SqlStore

log = logging.getLogger(__name__)


def opener(settings: MemorySettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        database = Database(settings.sql_url("memory"))
        try:
            await database.migrate(Path(__file__).with_name("migrations"))
            client = await asyncio.to_thread(open_client, settings.chroma_url, settings.data_dir / "chroma")
            store, clock, embedder = SqlStore(database, SqlRecords), SystemClock(), WordLlamaEmbedder()
            memories = Memories(store, ChromaIndex(client, embedder.model), embedder)
            if repaired := await memories.repair():
                log.warning("index repaired", extra={"vectors": repaired})
            services = pb.DESCRIPTOR.services_by_name
            yield [
                Mounted(
                    services["MemoryService"],
                    pb_grpc.add_MemoryServiceServicer_to_server,
                    MemoryServicer(memories, clock, settings.min_relevance),
                ),
                Mounted(
                    services["RelationshipService"],
                    pb_grpc.add_RelationshipServiceServicer_to_server,
                    RelationshipServicer(Relationships(store, clock)),
                ),
            ]
        finally:
            await database.close()

    return open_service
