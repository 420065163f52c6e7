"""Memories on the wire: the checks of their requests, and their conversions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.memories import Memory, MemoryFilter, MemoryKind, MemoryStats, Provenance, VersionedMemory
from services.memory.domain.vectors import IndexStatus
from services.memory.wire.upkeep import write_index
from services.runtime.errors import quoted
from services.runtime.ids import new_id
from services.runtime.protobuf import read_optional_time, read_time, write_time
from services.runtime.rpc.answers import Room
from services.runtime.rpc.limits import RequestChecks, check

KINDS = {pb.MemoryKind.Value(f"MEMORY_KIND_{kind.name}"): kind for kind in MemoryKind}
PROVENANCES = {pb.Provenance.Value(f"PROVENANCE_{provenance.name}"): provenance for provenance in Provenance}
_KIND_NUMBERS = {kind: number for number, kind in KINDS.items()}
_PROVENANCE_NUMBERS = {provenance: number for number, provenance in PROVENANCES.items()}

_ABOVE_VERSIONS = 10**18
_FILTERS = ("subject", "conversation_id", "author", "source_id")


_CALLED = {"metadata": "attributes"}
_READ: Mapping[str, Callable[[pb.Memory], Any]] = {
    "text": lambda given: given.text,
    "kind": lambda given: KINDS[given.kind],
    "importance": lambda given: given.importance if given.HasField("importance") else 0.5,
    "valence": lambda given: given.valence,
    "subject": lambda given: given.subject,
    "metadata": lambda given: dict(given.metadata),
    "occur_time": lambda given: read_optional_time(given, "occur_time"),
    "expire_time": lambda given: read_optional_time(given, "expire_time"),
}
"""What an update may set: of a memory only what its mask names is checked, and nothing else is looked at."""


def read_new_memory(request: pb.CreateMemoryRequest, now: datetime) -> Memory:
    """Return the memory to create."""
    with RequestChecks(request) as checks:
        _check_evidence(checks, "memory", request.memory)
    return _new_memory(request.memory, request.memory.agent_id, now)


def read_batch(request: pb.BatchCreateMemoriesRequest, now: datetime) -> list[Memory]:
    """Return the memories to create."""
    with RequestChecks(request) as checks:
        for at, given in enumerate(request.memories):
            if given.agent_id not in ("", request.agent_id):
                checks.refuse(f"memories[{at}].agent_id", f"must be {quoted(request.agent_id)} or empty")
            _check_evidence(checks, f"memories[{at}]", given)
    return [_new_memory(given, request.agent_id, now) for given in request.memories]


def read_imported(
    given: pb.ImportMemoriesRequest, agent_id: str, now: datetime, *, is_for_one: bool
) -> VersionedMemory:
    """Return a memory as it was exported; `is_for_one` says that it becomes this agent's, whosever it was."""
    with RequestChecks(given) as checks:
        if not agent_id.strip():
            checks.refuse("agent_id", "is required in the first message, or in its memory")
        if given.agent_id not in ("", agent_id):
            checks.refuse("agent_id", f"must be {quoted(agent_id)} or empty")
        if not is_for_one and given.memory.agent_id not in ("", agent_id):
            checks.refuse("memory.agent_id", f"must be {quoted(agent_id)}: the import names no agent_id")
        newer = _ABOVE_VERSIONS
        for field, state in [("memory", given.memory), *_numbered("history", given.history)]:
            if len(state.id.split()) > 1 or state.id != state.id.strip():
                checks.refuse(f"{field}.id", "must not contain blanks")
            _check_evidence(checks, field, state)
            version = _number(state.etag or "1")
            if not 0 < version < newer:
                checks.refuse(f"{field}.etag", "must be as exported: a number, lower for each state before")
            newer = version or newer
    memory = _restored(given.memory, agent_id, given.memory.id or new_id("mem"), now)
    return VersionedMemory(memory, tuple(_restored(item, agent_id, memory.id, now) for item in given.history))


def read_changes(request: pb.UpdateMemoryRequest) -> dict[str, Any]:
    """Return the fields to set, by name."""
    given, paths = request.memory, set(request.update_mask.paths)
    with RequestChecks(request) as checks:
        if "occur_time" in paths and not given.HasField("occur_time"):
            checks.refuse("memory.occur_time", "is required")
    return {_CALLED.get(path, path): _READ[path](given) for path in paths}


def read_filter(request: pb.ListMemoriesRequest | pb.SearchMemoriesRequest) -> MemoryFilter:
    """Return which memories are wanted; the request was checked before."""
    return MemoryFilter(
        kinds=tuple(KINDS[number] for number in request.kinds),
        provenances=tuple(PROVENANCES[number] for number in request.provenances),
        **{field: getattr(request, field) for field in _FILTERS},
        start_time=read_optional_time(request, "start_time"),
        end_time=read_optional_time(request, "end_time"),
        attributes=tuple(sorted(request.metadata.items())),
        min_importance=request.min_importance if request.HasField("min_importance") else None,
        max_importance=request.max_importance if request.HasField("max_importance") else None,
    )


def read_cleared(request: pb.ClearMemoriesRequest) -> MemoryFilter:
    """Return which memories are to be deleted."""
    check(request)
    return MemoryFilter(kinds=tuple(KINDS[number] for number in request.kinds))


def read_cursor(request: pb.ExportMemoriesRequest) -> tuple[int, int]:
    """Return the number after which an export goes on, and below which version of that memory if it isn't finished."""
    number, has_version, version = request.after_cursor.partition(".")
    with RequestChecks(request) as checks:
        if request.after_cursor and not (_number(number) and (_number(version) or not has_version)):
            checks.refuse("after_cursor", "is not a cursor of an export")
    return _number(number), _number(version)


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
        update_time=write_time(memory.update_time),
        expire_time=write_time(memory.expire_time),
        etag=memory.etag,
        access_count=memory.access_count,
        repetition=memory.repetition,
        evidence_ids=memory.evidence.split(),
    )


def write_batch(memories: Sequence[Memory], duplicates: int) -> pb.BatchCreateMemoriesResponse:
    """Return stored memories; those that there isn't room for with their names alone."""
    named = [pb.Memory(id=item.id, agent_id=item.agent_id, etag=item.etag) for item in memories]
    answer = pb.BatchCreateMemoriesResponse(duplicate_count=duplicates)
    room = Room(pb.BatchCreateMemoriesResponse(memories=named).ByteSize())
    for memory, name in zip(memories, named, strict=True):
        item = write_memory(memory)
        answer.memories.append(item if room.take(item) else name)
    return answer


def write_stats(stats: MemoryStats, index: IndexStatus) -> pb.GetMemoryStatsResponse:
    """Return what an agent remembers, in numbers."""
    kinds, provenances = stats.kinds, stats.provenances
    return pb.GetMemoryStatsResponse(
        memory_count=stats.memory_count,
        kinds=[pb.KindCount(kind=_KIND_NUMBERS[kind], count=kinds[kind]) for kind in sorted(kinds)],
        provenances=[
            pb.ProvenanceCount(provenance=_PROVENANCE_NUMBERS[item], count=provenances[item])
            for item in sorted(provenances)
        ],
        oldest_time=write_time(stats.oldest_time),
        newest_time=write_time(stats.newest_time),
        relationship_count=stats.relationship_count,
        index=write_index(index),
    )


def _check_evidence(checks: RequestChecks, field: str, given: pb.Memory) -> None:
    for number, memory_id in enumerate(given.evidence_ids):
        if memory_id.split() != [memory_id]:
            checks.refuse(f"{field}.evidence_ids[{number}]", "must be the id of a memory, without blanks")


def _number(written: str) -> int:
    """Return a positive number that fits the databases; 0 for anything else."""
    is_one = written.isascii() and written.isdigit() and len(written) < len(str(_ABOVE_VERSIONS))
    return int(written) if is_one else 0


def _numbered(field: str, items: Iterable[pb.Memory]) -> Iterator[tuple[str, pb.Memory]]:
    return ((f"{field}[{number}]", item) for number, item in enumerate(items))


def _new_memory(given: pb.Memory, agent_id: str, now: datetime) -> Memory:
    return Memory(
        id=new_id("mem"),
        agent_id=agent_id,
        text=given.text,
        kind=KINDS[given.kind],
        provenance=PROVENANCES[given.provenance],
        importance=given.importance if given.HasField("importance") else 0.5,
        valence=given.valence,
        author=given.author,
        source_id=given.source_id,
        subject=given.subject,
        conversation_id=given.conversation_id,
        attributes=dict(given.metadata),
        occur_time=read_time(given, "occur_time", now),
        create_time=now,
        update_time=now,
        expire_time=read_optional_time(given, "expire_time"),
        repetition=given.repetition,
        evidence=" ".join(given.evidence_ids),
    )


def _restored(given: pb.Memory, agent_id: str, memory_id: str, now: datetime) -> Memory:
    created = read_time(given, "create_time", now)
    return _new_memory(given, agent_id, now)._replace(
        id=memory_id,
        create_time=created,
        update_time=read_time(given, "update_time", created),
        version=int(given.etag or 1),
        access_count=given.access_count,
    )
