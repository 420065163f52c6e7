"""Between protobuf and domain; every request is checked here, all its violations at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain import Hit, Interaction, Memory, MemoryFilter, MemoryKind, Provenance, Relationship
from services.runtime.checks import Checks
from services.runtime.ids import new_id
from services.runtime.protobuf import read_time, write_time

_KINDS = {pb.MemoryKind.Value(f"MEMORY_KIND_{kind.name}"): kind for kind in MemoryKind}
_PROVENANCES = {pb.Provenance.Value(f"PROVENANCE_{provenance.name}"): provenance for provenance in Provenance}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_PROVENANCE_NUMBERS = {provenance: number for number, provenance in _PROVENANCES.items()}

_RANGES = {"sentiment": (-1, 1), "familiarity": (0, 1), "trust": (-1, 1)}


def read_new_memory(request: pb.CreateMemoryRequest, now: datetime) -> Memory:
    """Return the memory to create."""
    given = request.memory
    with Checks() as checks:
        _agent(checks, given.agent_id, "memory.agent_id")
        checks.text("memory.text", given.text, 8_000)
        checks.enum("memory.kind", given.kind, _KINDS)
        checks.enum("memory.provenance", given.provenance, _PROVENANCES)
        checks.number("memory.importance", given.importance, 0, 1)
        checks.number("memory.valence", given.valence, -1, 1)
        for field in ("author", "source_id", "subject", "conversation_id"):
            checks.text(f"memory.{field}", getattr(given, field), 200, required=False)
        if len(given.metadata) > 32:
            checks.refuse("memory.metadata", "must have at most 32 entries")
        for key, value in given.metadata.items():
            checks.text("memory.metadata", key, 64)
            checks.text(f"memory.metadata[{key!r}]", value, 1_000, required=False)
        checks.request_id(request.request_id)
    return Memory(
        id=new_id("mem"),
        agent_id=given.agent_id,
        text=given.text,
        kind=_KINDS[given.kind],
        provenance=_PROVENANCES[given.provenance],
        importance=given.importance if given.HasField("importance") else 0.5,
        valence=given.valence,
        author=given.author,
        source_id=given.source_id,
        subject=given.subject,
        conversation_id=given.conversation_id,
        attributes=dict(given.metadata),
        occur_time=read_time(given, "occur_time", now),
        create_time=now,
    )


def write_memory(memory: Memory) -> pb.Memory:
    """Return a memory as it goes over the wire."""
    return pb.Memory(
        id=memory.id,
        agent_id=memory.agent_id,
        text=memory.text,
        kind=_KIND_NUMBERS[memory.kind],
        provenance=_PROVENANCE_NUMBERS[memory.provenance],
        importance=memory.importance,
        valence=memory.valence,
        author=memory.author,
        source_id=memory.source_id,
        subject=memory.subject,
        conversation_id=memory.conversation_id,
        metadata=memory.attributes,
        occur_time=write_time(memory.occur_time),
        create_time=write_time(memory.create_time),
    )


def write_hits(hits: Sequence[Hit]) -> pb.SearchMemoriesResponse:
    """Return what a search found."""
    found = [pb.MemoryHit(memory=write_memory(hit.memory), relevance=hit.relevance) for hit in hits]
    return pb.SearchMemoriesResponse(hits=found)


def check_memory_id(request: pb.GetMemoryRequest | pb.DeleteMemoryRequest) -> None:
    """Check a request that names one memory."""
    with Checks() as checks:
        _agent(checks, request.agent_id)
        checks.text("id", request.id, 64)
        if isinstance(request, pb.DeleteMemoryRequest):
            checks.request_id(request.request_id)


def read_filter(request: pb.ListMemoriesRequest | pb.SearchMemoriesRequest) -> MemoryFilter:
    """Return which memories are wanted; checks everything of the request but its page."""
    with Checks() as checks:
        _agent(checks, request.agent_id)
        for number in request.kinds:
            checks.enum("kinds", number, _KINDS)
        for provenance in request.provenances:
            checks.enum("provenances", provenance, _PROVENANCES)
        checks.text("subject", request.subject, 200, required=False)
        checks.text("conversation_id", request.conversation_id, 200, required=False)
        if isinstance(request, pb.SearchMemoriesRequest):
            checks.text("query", request.query, 2_000)
            checks.number("max_results", request.max_results, 0, 100)
            checks.number("min_relevance", request.min_relevance, 0, 1)
    return MemoryFilter(
        kinds=tuple(_KINDS[number] for number in request.kinds),
        provenances=tuple(_PROVENANCES[number] for number in request.provenances),
        subject=request.subject,
        conversation_id=request.conversation_id,
    )


def write_relationship(relationship: Relationship) -> pb.Relationship:
    """Return a relationship as it goes over the wire."""
    return pb.Relationship(
        agent_id=relationship.agent_id,
        counterpart=relationship.counterpart,
        sentiment=relationship.sentiment,
        familiarity=relationship.familiarity,
        trust=relationship.trust,
        notes=relationship.notes,
        interaction_count=relationship.interaction_count,
        last_interaction=relationship.last_interaction,
        last_interaction_time=write_time(relationship.last_interaction_time),
        create_time=write_time(relationship.create_time),
        update_time=write_time(relationship.update_time),
        etag=relationship.etag,
    )


def check_pair(request: pb.GetRelationshipRequest) -> None:
    """Check a request that names one relationship."""
    with Checks() as checks:
        _agent(checks, request.agent_id)
        checks.text("counterpart", request.counterpart, 200)


def check_agent(request: pb.ListRelationshipsRequest) -> None:
    """Check a request that names only an agent."""
    with Checks() as checks:
        _agent(checks, request.agent_id)


def read_interaction(request: pb.RecordInteractionRequest) -> Interaction:
    """Return the interaction to record."""
    with Checks() as checks:
        _agent(checks, request.agent_id)
        checks.text("counterpart", request.counterpart, 200)
        checks.text("summary", request.summary, 1_000)
        for field in ("sentiment_delta", "familiarity_delta", "trust_delta"):
            checks.number(field, getattr(request, field), -1, 1)
        checks.request_id(request.request_id)
    return Interaction(request.summary, request.sentiment_delta, request.familiarity_delta, request.trust_delta)


def read_relationship_values(request: pb.UpdateRelationshipRequest) -> dict[str, Any]:
    """Return the fields to set, by name."""
    given = request.relationship
    with Checks() as checks:
        _agent(checks, given.agent_id, "relationship.agent_id")
        checks.text("relationship.counterpart", given.counterpart, 200)
        checks.mask("update_mask", request.update_mask.paths, {*_RANGES, "notes"})
        for field, (least, most) in _RANGES.items():
            checks.number(f"relationship.{field}", getattr(given, field), least, most)
        checks.text("relationship.notes", given.notes, 2_000, required=False)
        checks.request_id(request.request_id)
    return {path: getattr(given, path) for path in request.update_mask.paths}


def _agent(checks: Checks, agent_id: str, field: str = "agent_id") -> None:
    checks.text(field, agent_id, 128)
