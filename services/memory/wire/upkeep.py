"""Upkeep on the wire: purging, sweeping, and the index."""

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.memories import MemoryFilter
from services.memory.domain.upkeep import Swept
from services.memory.domain.vectors import Comparison, IndexState, IndexStatus
from services.runtime.rpc.limits import check

_STATES = {state: pb.IndexState.Value(f"INDEX_STATE_{state.name}") for state in IndexState}


def read_source(request: pb.PurgeSourceRequest) -> MemoryFilter:
    """Return which memories a source brought."""
    check(request)
    return MemoryFilter(author=request.author, source_id=request.source_id)


def write_swept(swept: Swept) -> pb.SweepMemoriesResponse:
    """Return what was forgotten."""
    return pb.SweepMemoriesResponse(
        expired_count=swept.expired,
        outdated_count=swept.outdated,
        excess_count=swept.excess,
        consolidated_count=swept.consolidated,
    )


def write_index(index: IndexStatus) -> pb.IndexStatus:
    """Return how far the index is."""
    return pb.IndexStatus(
        state=_STATES[index.state],
        generation=index.generation,
        embedding_model=index.model,
        built_count=index.built,
        total_count=index.total,
        pending_count=index.pending,
        vectorless_count=index.vectorless,
    )


def write_comparison(found: Comparison, index: IndexStatus) -> pb.VerifyIndexResponse:
    """Return what the comparison showed."""
    return pb.VerifyIndexResponse(
        is_consistent=found.is_consistent,
        checked_count=found.checked,
        missing_count=found.missing,
        left_over_count=found.left_over,
        different_count=found.different,
        unreached_count=found.unreached,
        index=write_index(index),
    )
