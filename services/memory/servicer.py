"""The gRPC classes of the memory service: check, convert, call, convert back."""

from typing import Any

import grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2_grpc as pb_grpc
from services.memory import wire
from services.memory.service import Memories, Relationships
from services.runtime.clock import Clock
from services.runtime.pages import next_token, read_page
from services.runtime.protobuf import request_key

Context = grpc.aio.ServicerContext[Any, Any]


class MemoryServicer(pb_grpc.MemoryServiceServicer):
    """Serves `puppet.memory.v1.MemoryService`."""

    def __init__(self, memories: Memories, clock: Clock, min_relevance: float) -> None:
        self._memories = memories
        self._clock = clock
        self._min_relevance = min_relevance

    async def CreateMemory(self, request: pb.CreateMemoryRequest, context: Context) -> pb.CreateMemoryResponse:
        """Store one memory."""
        memory = wire.read_new_memory(request, self._clock.now())
        stored = await self._memories.create(memory, request_key(request))
        return pb.CreateMemoryResponse(memory=wire.write_memory(stored))

    async def GetMemory(self, request: pb.GetMemoryRequest, context: Context) -> pb.GetMemoryResponse:
        """Return one memory."""
        wire.check_memory_id(request)
        memory = await self._memories.get(request.agent_id, request.id)
        return pb.GetMemoryResponse(memory=wire.write_memory(memory))

    async def ListMemories(self, request: pb.ListMemoriesRequest, context: Context) -> pb.ListMemoriesResponse:
        """List an agent's memories."""
        wanted = wire.read_filter(request)
        filters = [request.agent_id, wanted]
        page = read_page(request.page_size, request.page_token, filters)
        listed = await self._memories.page(request.agent_id, wanted, page)
        return pb.ListMemoriesResponse(
            memories=[wire.write_memory(memory) for memory in listed.rows],
            next_page_token=next_token(listed.next_key, filters),
        )

    async def DeleteMemory(self, request: pb.DeleteMemoryRequest, context: Context) -> pb.DeleteMemoryResponse:
        """Delete one memory."""
        wire.check_memory_id(request)
        await self._memories.delete(request.agent_id, request.id, request_key(request))
        return pb.DeleteMemoryResponse()

    async def SearchMemories(self, request: pb.SearchMemoriesRequest, context: Context) -> pb.SearchMemoriesResponse:
        """Find memories by meaning."""
        wanted = wire.read_filter(request)
        least = request.min_relevance if request.HasField("min_relevance") else self._min_relevance
        most = request.max_results or 10
        hits = await self._memories.search(request.agent_id, request.query, wanted, most, least)
        return wire.write_hits(hits)


class RelationshipServicer(pb_grpc.RelationshipServiceServicer):
    """Serves `puppet.memory.v1.RelationshipService`."""

    def __init__(self, relationships: Relationships) -> None:
        self._relationships = relationships

    async def GetRelationship(self, request: pb.GetRelationshipRequest, context: Context) -> pb.GetRelationshipResponse:
        """Return one relationship."""
        wire.check_pair(request)
        relationship = await self._relationships.get(request.agent_id, request.counterpart)
        return pb.GetRelationshipResponse(relationship=wire.write_relationship(relationship))

    async def ListRelationships(
        self, request: pb.ListRelationshipsRequest, context: Context
    ) -> pb.ListRelationshipsResponse:
        """List an agent's relationships."""
        wire.check_agent(request)
        page = read_page(request.page_size, request.page_token, [request.agent_id])
        listed = await self._relationships.page(request.agent_id, page)
        return pb.ListRelationshipsResponse(
            relationships=[wire.write_relationship(row) for row in listed.rows],
            next_page_token=next_token(listed.next_key, [request.agent_id]),
        )

    async def RecordInteraction(
        self, request: pb.RecordInteractionRequest, context: Context
    ) -> pb.RecordInteractionResponse:
        """Add one interaction."""
        interaction = wire.read_interaction(request)
        relationship = await self._relationships.record(
            request.agent_id, request.counterpart, interaction, request_key(request)
        )
        return pb.RecordInteractionResponse(relationship=wire.write_relationship(relationship))

    async def UpdateRelationship(
        self, request: pb.UpdateRelationshipRequest, context: Context
    ) -> pb.UpdateRelationshipResponse:
        """Set fields of a relationship."""
        values = wire.read_relationship_values(request)
        given = request.relationship
        relationship = await self._relationships.update(
            given.agent_id,
            given.counterpart,
            values,
            given.etag,
            request_key(request),
            allow_missing=request.allow_missing,
        )
        return pb.UpdateRelationshipResponse(relationship=wire.write_relationship(relationship))
