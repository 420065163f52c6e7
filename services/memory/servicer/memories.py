"""Memories over gRPC."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2_grpc as pb_grpc
from services.memory.domain.writers import Writer
from services.memory.service.indexing import Indexing
from services.memory.service.memories import Memories
from services.memory.service.search import Search
from services.memory.service.upkeep import Upkeep
from services.memory.servicer.exporting import packed
from services.memory.servicer.importing import read_import
from services.memory.wire import memories as wire
from services.memory.wire import search as search_wire
from services.memory.wire import upkeep as upkeep_wire
from services.runtime.clock import Clock
from services.runtime.protobuf import request_key
from services.runtime.rpc import identity
from services.runtime.rpc.answers import fill_from
from services.runtime.rpc.limits import check, page_of

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer calls."""

    memories: Memories
    search: Search
    indexing: Indexing
    upkeep: Upkeep


class MemoryServicer(pb_grpc.MemoryServiceServicer):
    """Serves `puppet.memory.v1.MemoryService`."""

    def __init__(self, use_cases: UseCases, clock: Clock, min_relevance: float) -> None:
        self._memories = use_cases.memories
        self._search = use_cases.search
        self._indexing = use_cases.indexing
        self._upkeep = use_cases.upkeep
        self._clock = clock
        self._min_relevance = min_relevance

    async def CreateMemory(self, request: pb.CreateMemoryRequest, context: Context) -> pb.CreateMemoryResponse:
        """Store one memory."""
        memory = wire.read_new_memory(request, self._clock.now())
        created = await self._memories.create([memory], _writer(), request_key(request))
        [stored] = created.memories
        return pb.CreateMemoryResponse(memory=wire.write_memory(stored), is_duplicate=created.duplicates > 0)

    async def BatchCreateMemories(
        self, request: pb.BatchCreateMemoriesRequest, context: Context
    ) -> pb.BatchCreateMemoriesResponse:
        """Store several memories, all or none."""
        memories = wire.read_batch(request, self._clock.now())
        created = await self._memories.create(memories, _writer(), request_key(request))
        return wire.write_batch(created.memories, created.duplicates)

    async def GetMemory(self, request: pb.GetMemoryRequest, context: Context) -> pb.GetMemoryResponse:
        """Return one memory."""
        check(request)
        memory = await self._memories.get(request.agent_id, request.id)
        return pb.GetMemoryResponse(memory=wire.write_memory(memory))

    async def ListMemoryVersions(
        self, request: pb.ListMemoryVersionsRequest, context: Context
    ) -> pb.ListMemoryVersionsResponse:
        """List what a memory was."""
        check(request)
        filters = [request.agent_id, request.id]
        page = page_of(request, filters, (int,))
        read = partial(self._memories.versions, request.agent_id, request.id)
        return await fill_from(pb.ListMemoryVersionsResponse(), page, read, wire.write_memory, filters)

    async def ListMemories(self, request: pb.ListMemoriesRequest, context: Context) -> pb.ListMemoriesResponse:
        """List an agent's memories."""
        check(request)
        wanted = wire.read_filter(request)
        filters = [request.agent_id, wanted]
        page = page_of(request, filters, (datetime, int))
        read = partial(self._memories.page, request.agent_id, wanted)
        return await fill_from(pb.ListMemoriesResponse(), page, read, wire.write_memory, filters)

    async def UpdateMemory(self, request: pb.UpdateMemoryRequest, context: Context) -> pb.UpdateMemoryResponse:
        """Set fields of a memory."""
        values, given = wire.read_changes(request), request.memory
        memory = await self._memories.update(
            given.agent_id, given.id, values, given.etag, _writer(), request_key(request)
        )
        return pb.UpdateMemoryResponse(memory=wire.write_memory(memory))

    async def DeleteMemory(self, request: pb.DeleteMemoryRequest, context: Context) -> pb.DeleteMemoryResponse:
        """Delete one memory."""
        check(request)
        await self._memories.delete(request.agent_id, request.id, _writer(), request_key(request))
        return pb.DeleteMemoryResponse()

    async def ClearMemories(self, request: pb.ClearMemoriesRequest, context: Context) -> pb.ClearMemoriesResponse:
        """Delete an agent's memories."""
        wanted = wire.read_cleared(request)
        count = await self._memories.clear(request.agent_id, wanted, request_key(request))
        return pb.ClearMemoriesResponse(deleted_count=count)

    async def SearchMemories(self, request: pb.SearchMemoriesRequest, context: Context) -> pb.SearchMemoriesResponse:
        """Find memories by words and by meaning."""
        query = search_wire.read_query(request, self._min_relevance)
        return search_wire.write_found(await self._search.find(query))

    async def ExportMemories(
        self, request: pb.ExportMemoriesRequest, context: Context
    ) -> AsyncIterator[pb.ExportMemoriesResponse]:
        """Stream all memories of an agent."""
        after, below = wire.read_cursor(request)
        async with contextlib.aclosing(self._memories.export(request.agent_id, after, below)) as exported:
            async for message in packed(exported):
                yield message

    async def ImportMemories(
        self, requests: AsyncIterator[pb.ImportMemoriesRequest], context: Context
    ) -> pb.ImportMemoriesResponse:
        """Store exported memories."""
        given = await read_import(requests, self._clock.now())
        imported = await self._memories.import_all(given.memories, given.key)
        return pb.ImportMemoriesResponse(created_count=imported.created, existing_count=imported.existing)

    async def GetMemoryStats(self, request: pb.GetMemoryStatsRequest, context: Context) -> pb.GetMemoryStatsResponse:
        """Count what an agent remembers."""
        check(request)
        return wire.write_stats(await self._memories.stats(request.agent_id), await self._indexing.status())

    async def PurgeSource(self, request: pb.PurgeSourceRequest, context: Context) -> pb.PurgeSourceResponse:
        """Remove everything that a source brought."""
        source = upkeep_wire.read_source(request)
        count = await self._memories.purge(request.agent_id, source, request_key(request))
        return pb.PurgeSourceResponse(purged_count=count)

    async def SweepMemories(self, request: pb.SweepMemoriesRequest, context: Context) -> pb.SweepMemoriesResponse:
        """Forget what is due."""
        check(request)
        return upkeep_wire.write_swept(await self._upkeep.sweep(request.agent_id, request_key(request)))

    async def VerifyIndex(self, request: pb.VerifyIndexRequest, context: Context) -> pb.VerifyIndexResponse:
        """Compare the index with the store."""
        found = await self._indexing.verify()
        return upkeep_wire.write_comparison(found, await self._indexing.status())

    async def Reindex(self, request: pb.ReindexRequest, context: Context) -> pb.ReindexResponse:
        """Start to build the index anew."""
        check(request)
        await self._indexing.reindex(request_key(request))
        return pb.ReindexResponse(index=upkeep_wire.write_index(await self._indexing.status()))


def _writer() -> Writer:
    """Return as whom the caller writes: an operator, also by a delegation; the agents service; or a client."""
    if identity.is_operator():
        return Writer.OPERATOR
    caller = identity.current()
    is_service = caller is not None and caller.issuer.kind is identity.Kind.SERVICE
    return Writer.CHARACTER if is_service else Writer.CLIENT
