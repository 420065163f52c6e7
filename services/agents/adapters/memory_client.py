"""Memories and relationships, at the memory service."""

from collections.abc import Sequence
from datetime import UTC

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from services.agents.adapters.calls import calling
from services.agents.domain.memories import TrustedMemory, TrustedProvenance
from services.agents.ports.neighbours import HeldView, NewMemory, NewView, Recent, Recollection, Said, Source, View
from services.runtime.protobuf import read_optional_time, write_time

_PROVENANCES = {source: pb.Provenance.Value(f"PROVENANCE_{source.name}") for source in Source}
_SOURCES = {number: source for source, number in _PROVENANCES.items()}
_TRUSTED = [pb.PROVENANCE_SELF, pb.PROVENANCE_OPERATOR]
_VIEW = FieldMask(paths=["sentiment", "familiarity", "trust", "notes"])
_MAX_TEXT, _MAX_QUERY, _MAX_SUMMARY = 8_000, 2_000, 1_000


class MemoryClient:
    """Speaks to the memory service."""

    def __init__(self, memories: MemoryServiceStub, relationships: RelationshipServiceStub) -> None:
        self._memories = memories
        self._relationships = relationships

    async def remember(self, agent_id: str, memory: NewMemory, request_id: str) -> str:
        """Store a memory once for every request_id, and return its id."""
        request = pb.CreateMemoryRequest(memory=_written(agent_id, memory), request_id=request_id)
        with calling("memory"):
            return (await self._memories.CreateMemory(request)).memory.id

    async def remember_all(self, agent_id: str, memories: Sequence[NewMemory]) -> None:
        """Store up to 1,000 memories, all or none of them."""
        written = [_written(agent_id, memory) for memory in memories]
        request = pb.BatchCreateMemoriesRequest(agent_id=agent_id, memories=written)
        with calling("memory"):
            await self._memories.BatchCreateMemories(request)

    async def search(
        self, agent_id: str, query: str, limit: int, sources: Sequence[Source], author: str = ""
    ) -> list[Recollection]:
        """Return up to `limit` memories from these sources, of this author when one is given; most relevant first."""
        provenances = [_PROVENANCES[source] for source in sources]
        return [
            Recollection(
                id=hit.memory.id,
                text=hit.memory.text,
                kind=_kind_name(hit.memory.kind),
                source=_SOURCES[hit.memory.provenance],
                author=hit.memory.author,
                relevance=hit.relevance,
            )
            for hit in await self._hits(agent_id, query, limit, (), provenances, author)
        ]

    async def trusted(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        """Return up to `limit` SELF and OPERATOR memories of these kinds (all when empty), newest first."""
        return [_trusted(memory) for memory in await self._listed(agent_id, kinds, limit, _TRUSTED)]

    async def recent(self, agent_id: str, kinds: Sequence[str], limit: int, author: str = "") -> list[Recent]:
        """Return up to `limit` memories of these kinds, of all sources, of this author if given; newest first."""
        return [
            Recent(
                id=memory.id,
                text=memory.text,
                kind=_kind_name(memory.kind),
                source=_SOURCES[memory.provenance],
                author=memory.author,
                importance=memory.importance,
                create_time=memory.create_time.ToDatetime(tzinfo=UTC),
                has_evidence=bool(memory.evidence_ids),
            )
            for memory in await self._listed(agent_id, kinds, limit, (), author)
        ]

    async def said(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[Said]:
        """Return up to `limit` of what an agent has said, in memories of these kinds; newest first."""
        # An answer comes from where its words may come from, and names the agent as its author.
        own = await self._listed(agent_id, kinds, limit, _TRUSTED)
        answers = await self._listed(agent_id, kinds, limit, (), author=agent_id)
        every = {memory.id: memory for memory in (*own, *answers)}.values()
        newest = sorted(every, key=lambda memory: memory.create_time.ToNanoseconds(), reverse=True)
        return [Said(memory.text, memory.subject) for memory in newest[:limit]]

    async def trusted_about(self, agent_id: str, query: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        """Return up to `limit` SELF and OPERATOR memories of these kinds (all when empty), most relevant first."""
        hits = await self._hits(agent_id, query, limit, kinds, _TRUSTED)
        return [_trusted(hit.memory, hit.relevance) for hit in hits]

    async def view_of(self, agent_id: str, counterpart: str) -> HeldView | None:
        """Return what an agent thinks of a counterpart; None when it doesn't know them."""
        request = relationship_pb.GetRelationshipRequest(agent_id=agent_id, counterpart=counterpart)
        try:
            found = (await self._relationships.GetRelationship(request)).relationship
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            with calling("memory"):
                raise
        last_time = read_optional_time(found, "last_interaction_time")
        return HeldView(found.sentiment, found.familiarity, found.trust, found.notes, last_time)

    async def set_views(self, views: Sequence[NewView]) -> None:
        """Set what agents think of counterparts: of up to 400, all or none of them."""
        requests = [
            relationship_pb.UpdateRelationshipRequest(
                relationship=relationship_pb.Relationship(
                    agent_id=new.agent_id,
                    counterpart=new.counterpart,
                    sentiment=new.view.sentiment,
                    familiarity=new.view.familiarity,
                    trust=new.view.trust,
                    notes=new.view.notes,
                ),
                update_mask=_VIEW,
                allow_missing=True,
            )
            for new in views
        ]
        with calling("memory"):
            await self._relationships.BatchUpdateRelationships(
                relationship_pb.BatchUpdateRelationshipsRequest(requests=requests)
            )

    async def forget(self, agent_id: str) -> None:
        """Delete all memories and relationships of an agent."""
        with calling("memory"):
            await self._memories.ClearMemories(pb.ClearMemoriesRequest(agent_id=agent_id))
            await self._relationships.ClearRelationships(relationship_pb.ClearRelationshipsRequest(agent_id=agent_id))

    async def interacted(self, agent_id: str, counterpart: str, summary: str, change: View, request_id: str) -> None:
        """Count an interaction once for every request_id, and move what the agent thinks by the change."""
        request = relationship_pb.RecordInteractionRequest(
            agent_id=agent_id,
            counterpart=counterpart,
            summary=summary[:_MAX_SUMMARY],
            sentiment_delta=change.sentiment,
            familiarity_delta=change.familiarity,
            trust_delta=change.trust,
            request_id=request_id,
        )
        with calling("memory"):
            await self._relationships.RecordInteraction(request)

    async def _listed(
        self,
        agent_id: str,
        kinds: Sequence[str],
        limit: int,
        provenances: "Sequence[pb.Provenance.ValueType]",
        author: str = "",
    ) -> Sequence[pb.Memory]:
        request = pb.ListMemoriesRequest(
            agent_id=agent_id,
            kinds=[_kind(kind) for kind in kinds],
            provenances=provenances,
            author=author,
            page_size=limit,
        )
        with calling("memory"):
            return (await self._memories.ListMemories(request)).memories

    async def _hits(
        self,
        agent_id: str,
        query: str,
        limit: int,
        kinds: Sequence[str],
        provenances: "Sequence[pb.Provenance.ValueType]",
        author: str = "",
    ) -> Sequence[pb.MemoryHit]:
        request = pb.SearchMemoriesRequest(
            agent_id=agent_id,
            query=query[:_MAX_QUERY],
            max_results=limit,
            kinds=[_kind(kind) for kind in kinds],
            provenances=provenances,
            author=author,
        )
        with calling("memory"):
            return (await self._memories.SearchMemories(request)).hits


def _written(agent_id: str, memory: NewMemory) -> pb.Memory:
    return pb.Memory(
        agent_id=agent_id,
        text=memory.text[:_MAX_TEXT],
        kind=_kind(memory.kind),
        provenance=_PROVENANCES[memory.source],
        importance=memory.importance,
        valence=memory.valence,
        author=memory.author,
        source_id=memory.source_id,
        subject=memory.subject,
        conversation_id=memory.conversation_id,
        occur_time=write_time(memory.occur_time),
        repetition=memory.repetition,
        evidence_ids=memory.evidence,
    )


def _kind(kind: str) -> "pb.MemoryKind.ValueType":
    return pb.MemoryKind.Value(f"MEMORY_KIND_{kind.upper()}")


def _kind_name(kind: "pb.MemoryKind.ValueType") -> str:
    return pb.MemoryKind.Name(kind).removeprefix("MEMORY_KIND_").lower()


def _trusted(memory: pb.Memory, relevance: float | None = None) -> TrustedMemory:
    # The filter stood in the request; a memory of any other provenance has no name here and is an error.
    return TrustedMemory(
        id=memory.id,
        text=memory.text,
        provenance=TrustedProvenance(_SOURCES[memory.provenance].value),
        kind=_kind_name(memory.kind),
        valence=memory.valence,
        subject=memory.subject,
        relevance=relevance,
    )
