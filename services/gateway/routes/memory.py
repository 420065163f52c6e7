"""What characters remember."""

from typing import Any

from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.gateway.routes.known import of_known_character
from services.gateway.transcoding.endpoint import PAGING, Endpoint

_OLD_NAMES = {"content": "text", "type": "kind"}
_IN_MEMORY = {"agent_id": "memory.agent_id"}


def _memory(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=MemoryServiceStub, rpc=rpc, summary=summary, **others)


def _remembered(given: dict[str, Any]) -> dict[str, Any]:
    """Say where a memory comes from, where the caller doesn't: whoever may write as the operator is told otherwise."""
    return {"provenance": "PROVENANCE_OPERATOR", **given}


ENDPOINTS = (
    _memory(
        "GET",
        "/memory/{agent_id}",
        "ListMemories",
        "Lists memories, newest first.",
        renamed=PAGING | {"type": "kinds", "kind": "kinds"},
    ),
    _memory(
        "POST",
        "/memory/{agent_id}",
        "CreateMemory",
        "Adds a memory.",
        into=_IN_MEMORY,
        body="memory",
        data="memory",
        status=201,
        renamed=_OLD_NAMES,
        reshape=_remembered,
        equip=of_known_character,
    ),
    _memory(
        "DELETE", "/memory/{agent_id}", "ClearMemories", "Forgets everything, or some kinds.", renamed={"type": "kinds"}
    ),
    _memory(
        "POST",
        "/memory/{agent_id}/search",
        "SearchMemories",
        "Finds memories, and says how each was found.",
        body="",
        renamed={"limit": "max_results"},
    ),
    _memory("GET", "/memory/{agent_id}/stats", "GetMemoryStats", "Counts what is remembered."),
    _memory(
        "GET",
        "/memory/{agent_id}/{memory_id}",
        "GetMemory",
        "Returns a memory.",
        into={"memory_id": "id"},
        data="memory",
    ),
    _memory(
        "PATCH",
        "/memory/{agent_id}/{memory_id}",
        "UpdateMemory",
        "Changes the fields of a memory that are given.",
        into=_IN_MEMORY | {"memory_id": "memory.id"},
        body="memory",
        data="memory",
        renamed=_OLD_NAMES,
    ),
    _memory("DELETE", "/memory/{agent_id}/{memory_id}", "DeleteMemory", "Forgets a memory.", into={"memory_id": "id"}),
    _memory(
        "GET",
        "/memory/{agent_id}/{memory_id}/versions",
        "ListMemoryVersions",
        "Lists what a memory was before.",
        into={"memory_id": "id"},
        renamed=PAGING,
    ),
)
