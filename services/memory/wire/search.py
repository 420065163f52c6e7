"""Searches on the wire."""

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.search import Found, Parts, Query
from services.memory.wire.memories import read_filter, write_memory
from services.runtime.rpc.answers import Room
from services.runtime.rpc.limits import check, size_of


def read_query(request: pb.SearchMemoriesRequest, min_relevance: float) -> Query:
    """Return what to look for; `min_relevance` is asked for when the request doesn't say."""
    check(request)
    return Query(
        agent_id=request.agent_id,
        text=request.query,
        wanted=read_filter(request),
        limit=size_of(request, "max_results"),
        min_relevance=request.min_relevance if request.HasField("min_relevance") else min_relevance,
        recency_weight=request.recency_weight,
        importance_weight=request.importance_weight,
    )


def write_found(found: Found) -> pb.SearchMemoriesResponse:
    """Return what a search found, as much of it as can be read."""
    answer, room = pb.SearchMemoriesResponse(is_by_words_only=not found.has_meaning), Room()
    for hit in found.hits:
        item = pb.MemoryHit(
            memory=write_memory(hit.memory),
            relevance=hit.parts.fit,
            score=hit.parts.score,
            parts=_write_parts(hit.parts),
        )
        if not room.take(item):
            break
        answer.hits.append(item)
    answer.omitted_hit_count = len(found.hits) - len(answer.hits)
    return answer


def _write_parts(parts: Parts) -> pb.ScoreParts:
    return pb.ScoreParts(
        lexical=parts.lexical,
        vector=parts.vector,
        entity=parts.entity,
        recency=parts.recency,
        importance=parts.importance,
    )
