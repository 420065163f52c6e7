"""The memory service that the command line calls, in memory."""

# ruff: noqa: N802 - gRPC names the methods of a servicer.
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_status import rpc_status

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceServicer
from services.runtime.errors import NotFound
from services.runtime.rpc.status import to_status

Context = grpc.aio.ServicerContext[Any, Any]


class FakeMemory(MemoryServiceServicer):
    """Keeps memories in the order in which they were stored, and every request; a page has two of them."""

    def __init__(self) -> None:
        self.kept: dict[str, list[pb.ExportMemoriesResponse]] = {}
        self.requests: list[Any] = []
        self.seconds_left: list[float] = []
        self.is_by_words_only = False
        self.index = pb.IndexStatus(state=pb.INDEX_STATE_READY, generation=3, embedding_model="words")
        self.verified = pb.VerifyIndexResponse(is_consistent=True, checked_count=5)
        self.breaks_exports = False

    def add(self, agent_id: str, memory: pb.Memory, *before: pb.Memory) -> None:
        """Keep a memory, and what it was before."""
        kept = self.kept.setdefault(agent_id, [])
        memory.agent_id = agent_id
        kept.append(pb.ExportMemoriesResponse(memory=memory, history=before, cursor=str(len(kept))))

    async def SearchMemories(self, request: pb.SearchMemoriesRequest, context: Context) -> pb.SearchMemoriesResponse:
        self._note(request, context)
        parts = pb.ScoreParts(lexical=0.5, vector=0.25)
        found = [item for item in self._memories(request.agent_id) if request.query in item.text]
        hits = [pb.MemoryHit(memory=item, relevance=0.6, score=0.75, parts=parts) for item in found]
        return pb.SearchMemoriesResponse(hits=hits, is_by_words_only=self.is_by_words_only)

    async def ListMemories(self, request: pb.ListMemoriesRequest, context: Context) -> pb.ListMemoriesResponse:
        self._note(request, context)
        first = int(request.page_token or 0)
        wanted = request.metadata.items()
        found = [item for item in self._memories(request.agent_id)[::-1] if wanted <= item.metadata.items()]
        page = found[first : first + 2]
        return pb.ListMemoriesResponse(memories=page, next_page_token=str(first + 2) if len(page) == 2 else "")

    async def BatchCreateMemories(
        self, request: pb.BatchCreateMemoriesRequest, context: Context
    ) -> pb.BatchCreateMemoriesResponse:
        self._note(request, context)
        for memory in request.memories:
            memory.id = f"mem_{len(self.kept.get(request.agent_id, ()))}"
            self.add(request.agent_id, memory)
        return pb.BatchCreateMemoriesResponse()

    async def GetMemoryStats(self, request: pb.GetMemoryStatsRequest, context: Context) -> pb.GetMemoryStatsResponse:
        self._note(request, context)
        memories = self._memories(request.agent_id)
        return pb.GetMemoryStatsResponse(
            memory_count=len(memories),
            kinds=[pb.KindCount(kind=item.kind, count=1) for item in memories],
            provenances=[pb.ProvenanceCount(provenance=item.provenance, count=1) for item in memories],
            oldest_time=memories[0].occur_time if memories else None,
            newest_time=memories[-1].occur_time if memories else None,
            relationship_count=4,
            index=self.index,
        )

    async def ExportMemories(
        self, request: pb.ExportMemoriesRequest, context: Context
    ) -> AsyncIterator[pb.ExportMemoriesResponse]:
        self._note(request, context)
        for item in self.kept.get(request.agent_id, ()):
            yield item
            if self.breaks_exports:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the service goes away")

    async def ImportMemories(
        self, requests: AsyncIterator[pb.ImportMemoriesRequest], context: Context
    ) -> pb.ImportMemoriesResponse:
        counts, agent_id = [0, 0], ""
        async for request in requests:
            self._note(request, context)
            agent_id = agent_id or request.agent_id
            is_known = any(item.id == request.memory.id for item in self._memories(agent_id))
            counts[is_known] += 1
            if not is_known:
                self.add(agent_id, request.memory, *request.history)
        return pb.ImportMemoriesResponse(created_count=counts[0], existing_count=counts[1])

    async def DeleteMemory(self, request: pb.DeleteMemoryRequest, context: Context) -> pb.DeleteMemoryResponse:
        self._note(request, context)
        found = [item for item in self.kept.get(request.agent_id, ()) if item.memory.id == request.id]
        if not found:
            status = to_status(_MemoryNotFound(f"no memory {request.id!r}"), "memory.puppet")
            await context.abort_with_status(rpc_status.to_status(status))
        self.kept[request.agent_id].remove(found[0])
        return pb.DeleteMemoryResponse()

    async def ClearMemories(self, request: pb.ClearMemoriesRequest, context: Context) -> pb.ClearMemoriesResponse:
        self._note(request, context)
        held = self.kept.pop(request.agent_id, [])
        self.kept[request.agent_id] = [item for item in held if request.kinds and item.memory.kind not in request.kinds]
        return pb.ClearMemoriesResponse(deleted_count=len(held) - len(self.kept[request.agent_id]))

    async def PurgeSource(self, request: pb.PurgeSourceRequest, context: Context) -> pb.PurgeSourceResponse:
        self._note(request, context)
        return pb.PurgeSourceResponse(purged_count=1)

    async def SweepMemories(self, request: pb.SweepMemoriesRequest, context: Context) -> pb.SweepMemoriesResponse:
        self._note(request, context)
        return pb.SweepMemoriesResponse(expired_count=1, outdated_count=2, excess_count=3, consolidated_count=4)

    async def VerifyIndex(self, request: pb.VerifyIndexRequest, context: Context) -> pb.VerifyIndexResponse:
        self._note(request, context)
        self.verified.index.CopyFrom(self.index)
        return self.verified

    async def Reindex(self, request: pb.ReindexRequest, context: Context) -> pb.ReindexResponse:
        asked_before = self.requests.count(request)
        self._note(request, context)
        # The first answer comes before the build has begun.
        self.index.state = pb.INDEX_STATE_BUILDING if 0 < asked_before < 3 else pb.INDEX_STATE_READY
        self.index.generation += asked_before == 3
        return pb.ReindexResponse(index=self.index)

    def _memories(self, agent_id: str) -> list[pb.Memory]:
        return [item.memory for item in self.kept.get(agent_id, ())]

    def _note(self, request: Message, context: Context) -> None:
        self.requests.append(request)
        self.seconds_left.append(context.time_remaining())


class _MemoryNotFound(NotFound):
    reason = "MEMORY_NOT_FOUND"
