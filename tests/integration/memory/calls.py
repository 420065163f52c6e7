"""Calls of the memory service, in as few words as a test needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from services.runtime.rpc.server import serving
from tests.support.channels import open_as, operator_of
from tests.support.waits import WAIT_SECONDS


def memory(text: str, **fields: Any) -> pb.Memory:
    """Return a memory as a caller gives it."""
    given: dict[str, Any] = {"kind": pb.MEMORY_KIND_GENERAL, "provenance": pb.PROVENANCE_SELF}
    return pb.Memory(text=text, **given | fields)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what comes to pass by itself."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(settings: MemorySettings) -> AsyncIterator[grpc.aio.Channel]:
    """Serve a memory service, and open a channel to it."""
    operator = operator_of(settings.data_dir)
    async with serving("memory", settings, opener(settings)) as address, open_as(address, operator) as channel:
        yield channel


class Agent:
    """One agent, as the caller who remembers for it."""

    def __init__(self, channel: grpc.aio.Channel, agent_id: str) -> None:
        self.id = agent_id
        self.service = MemoryServiceStub(channel)
        self.relationships = RelationshipServiceStub(channel)

    async def create(self, text: str, **fields: Any) -> pb.Memory:
        """Store one memory."""
        return (await self.try_create(text, **fields)).memory

    async def try_create(self, text: str, request_id: str = "", **fields: Any) -> pb.CreateMemoryResponse:
        """Store one memory, and tell whether it is new."""
        given = memory(text, agent_id=self.id, **fields)
        return await self.service.CreateMemory(pb.CreateMemoryRequest(memory=given, request_id=request_id))

    async def batch(self, memories: Iterable[pb.Memory], request_id: str = "") -> pb.BatchCreateMemoriesResponse:
        """Store several memories."""
        request = pb.BatchCreateMemoriesRequest(agent_id=self.id, memories=memories, request_id=request_id)
        return await self.service.BatchCreateMemories(request)

    async def get(self, memory_id: str) -> pb.Memory:
        """Return one memory."""
        return (await self.service.GetMemory(pb.GetMemoryRequest(agent_id=self.id, id=memory_id))).memory

    async def history(self, memory_id: str) -> list[pb.Memory]:
        """Return what a memory was."""
        return [state for part in await self.parts_of_history(memory_id) for state in part]

    async def parts_of_history(self, memory_id: str, page_size: int = 0) -> list[list[pb.Memory]]:
        """Return what a memory was, by pages."""
        parts: list[list[pb.Memory]] = []
        request = pb.ListMemoryVersionsRequest(agent_id=self.id, id=memory_id, page_size=page_size)
        while not parts or request.page_token:
            page = await self.service.ListMemoryVersions(request)
            parts.append(list(page.versions))
            request.page_token = page.next_page_token
        return parts

    async def update(self, memory_id: str, etag: str = "", request_id: str = "", **values: Any) -> pb.Memory:
        """Set the fields that are given; one that is None is cleared."""
        given = {name: value for name, value in values.items() if value is not None}
        request = pb.UpdateMemoryRequest(
            memory=pb.Memory(agent_id=self.id, id=memory_id, etag=etag, **given),
            update_mask=FieldMask(paths=list(values)),
            request_id=request_id,
        )
        return (await self.service.UpdateMemory(request)).memory

    async def delete(self, memory_id: str, request_id: str = "") -> None:
        """Delete one memory."""
        request = pb.DeleteMemoryRequest(agent_id=self.id, id=memory_id, request_id=request_id)
        await self.service.DeleteMemory(request)

    async def clear(self, *kinds: pb.MemoryKind.ValueType, request_id: str = "") -> int:
        """Delete all memories, or those of some kinds."""
        request = pb.ClearMemoriesRequest(agent_id=self.id, kinds=kinds, request_id=request_id)
        return (await self.service.ClearMemories(request)).deleted_count

    async def pages(self, page_size: int = 500, **filters: Any) -> list[list[pb.Memory]]:
        """Return all pages."""
        pages: list[list[pb.Memory]] = []
        token = ""
        while not pages or token:
            request = pb.ListMemoriesRequest(agent_id=self.id, page_size=page_size, page_token=token, **filters)
            listed = await self.service.ListMemories(request)
            pages.append(list(listed.memories))
            token = listed.next_page_token
        return pages

    async def all(self, **filters: Any) -> list[pb.Memory]:
        """Return all memories, newest first."""
        return [item for page in await self.pages(**filters) for item in page]

    async def texts(self, **filters: Any) -> list[str]:
        """Return the texts of all memories, newest first."""
        return [item.text for item in await self.all(**filters)]

    async def hits(self, query: str, **fields: Any) -> list[pb.MemoryHit]:
        """Search."""
        request = pb.SearchMemoriesRequest(agent_id=self.id, query=query, **fields)
        return list((await self.service.SearchMemories(request)).hits)

    async def find(self, query: str, **fields: Any) -> list[str]:
        """Search; the texts, best first."""
        return [hit.memory.text for hit in await self.hits(query, **fields)]

    async def export(self, after_cursor: str = "") -> list[pb.ExportMemoriesResponse]:
        """Return all that is exported."""
        request = pb.ExportMemoriesRequest(agent_id=self.id, after_cursor=after_cursor)
        return [message async for message in self.service.ExportMemories(request)]

    async def restore(
        self, messages: Iterable[pb.ExportMemoriesResponse], request_id: str = ""
    ) -> pb.ImportMemoriesResponse:
        """Import what was exported."""
        requests = [pb.ImportMemoriesRequest(memory=item.memory, history=item.history) for item in messages]
        if requests:
            requests[0].agent_id, requests[0].request_id = self.id, request_id
        return await self.service.ImportMemories(iter(requests))

    async def stats(self) -> pb.GetMemoryStatsResponse:
        """Count."""
        return await self.service.GetMemoryStats(pb.GetMemoryStatsRequest(agent_id=self.id))

    async def index(self) -> pb.IndexStatus:
        """Return how far the index is."""
        return (await self.stats()).index

    async def is_settled(self) -> bool:
        """Tell whether the index serves and has everything; one that rests is opened."""
        index = await self.index()
        if index.state == pb.INDEX_STATE_IDLE:
            index = (await self.service.VerifyIndex(pb.VerifyIndexRequest())).index
        return index.state == pb.INDEX_STATE_READY and not index.pending_count

    async def purge(self, author: str = "", source_id: str = "", request_id: str = "") -> int:
        """Remove what a source brought."""
        request = pb.PurgeSourceRequest(agent_id=self.id, request_id=request_id)
        if author:
            request.author = author
        if source_id:
            request.source_id = source_id
        return (await self.service.PurgeSource(request)).purged_count

    async def sweep(self, request_id: str = "") -> pb.SweepMemoriesResponse:
        """Forget what is due."""
        request = pb.SweepMemoriesRequest(agent_id=self.id, request_id=request_id)
        return await self.service.SweepMemories(request)

    async def verify(self) -> pb.VerifyIndexResponse:
        """Compare the index with the store."""
        return await self.service.VerifyIndex(pb.VerifyIndexRequest())
