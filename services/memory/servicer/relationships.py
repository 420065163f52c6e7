"""Relationships over gRPC."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from puppet.memory.v1 import relationship_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2_grpc as pb_grpc
from services.memory.service.archive import Archive
from services.memory.service.relationships import Relationships
from services.memory.wire import relationships as wire
from services.runtime.protobuf import request_key
from services.runtime.rpc.answers import fill_from
from services.runtime.rpc.archives import exported, read_import
from services.runtime.rpc.limits import check, page_of

Context = grpc.aio.ServicerContext[Any, Any]


class RelationshipServicer(pb_grpc.RelationshipServiceServicer):
    """Serves `puppet.memory.v1.RelationshipService`."""

    def __init__(self, relationships: Relationships, archive: Archive) -> None:
        self._relationships = relationships
        self._archive = archive

    async def GetRelationship(self, request: pb.GetRelationshipRequest, context: Context) -> pb.GetRelationshipResponse:
        """Return one relationship."""
        check(request)
        view = await self._relationships.get(request.agent_id, request.counterpart)
        return pb.GetRelationshipResponse(relationship=wire.write_relationship(view))

    async def ListRelationships(
        self, request: pb.ListRelationshipsRequest, context: Context
    ) -> pb.ListRelationshipsResponse:
        """List an agent's relationships."""
        check(request)
        page = page_of(request, [request.agent_id], (str,))
        read = partial(self._relationships.page, request.agent_id)
        return await fill_from(pb.ListRelationshipsResponse(), page, read, wire.write_relationship, [request.agent_id])

    async def RecordInteraction(
        self, request: pb.RecordInteractionRequest, context: Context
    ) -> pb.RecordInteractionResponse:
        """Add one interaction."""
        interaction = wire.read_interaction(request)
        view = await self._relationships.record(
            request.agent_id, request.counterpart, interaction, request_key(request)
        )
        return pb.RecordInteractionResponse(relationship=wire.write_relationship(view))

    async def UpdateRelationship(
        self, request: pb.UpdateRelationshipRequest, context: Context
    ) -> pb.UpdateRelationshipResponse:
        """Set fields of a relationship."""
        change = wire.read_change(request)
        [view] = await self._relationships.update([change], request_key(request))
        return pb.UpdateRelationshipResponse(relationship=wire.write_relationship(view))

    async def BatchUpdateRelationships(
        self, request: pb.BatchUpdateRelationshipsRequest, context: Context
    ) -> pb.BatchUpdateRelationshipsResponse:
        """Set fields of several relationships, of all or of none."""
        changes = wire.read_changes(request)
        return wire.write_batch(await self._relationships.update(changes, request_key(request)))

    async def ClearRelationships(
        self, request: pb.ClearRelationshipsRequest, context: Context
    ) -> pb.ClearRelationshipsResponse:
        """Delete an agent's relationships."""
        check(request)
        count = await self._archive.clear(request.agent_id, request_key(request))
        return pb.ClearRelationshipsResponse(relationship_count=count)

    async def ExportRelationships(
        self, request: pb.ExportRelationshipsRequest, context: Context
    ) -> AsyncIterator[pb.ExportRelationshipsResponse]:
        """Stream an agent's relationships."""
        check(request)
        async for row in exported(pb.ExportRelationshipsResponse, self._archive.export(request.agent_id)):
            yield row

    async def ImportRelationships(
        self, requests: AsyncIterator[pb.ImportRelationshipsRequest], context: Context
    ) -> pb.ImportRelationshipsResponse:
        """Store what was exported."""
        given = await read_import(requests, "puppet.memory.v1.ImportRelationships")
        count = await self._archive.import_all(given)
        return pb.ImportRelationshipsResponse(row_count=count, is_repeated=not count)

    async def ListInteractions(
        self, request: pb.ListInteractionsRequest, context: Context
    ) -> pb.ListInteractionsResponse:
        """List recorded interactions."""
        check(request)
        filters = [request.agent_id, request.counterpart]
        page = page_of(request, filters, (int,))
        read = partial(self._relationships.interactions, request.agent_id, request.counterpart)
        return await fill_from(pb.ListInteractionsResponse(), page, read, wire.write_interaction, filters)
