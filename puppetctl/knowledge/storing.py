"""Passages as memories of a character: those that are new are added, and those of a former version are removed."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from typing import TypeAlias

from puppet.memory.v1 import memory_service_pb2 as pb
from puppetctl.clients import Clients
from puppetctl.knowledge.reading import Passage

_SOURCE = {"source": "knowledge_base"}
"""What marks these memories, and no other."""
_FILE, _HEADING, _PAGE = "file", "heading", "page"
_AT_ONCE, _PAGE_SIZE = 200, 500
_MAX_NAME = 200
_IMPORTANCE = 0.5
_SECONDS = 60.0

_Key: TypeAlias = tuple[str, str, str, str, int]
"""The file, heading, page and text of a passage, and how often the same came before."""


async def keep_knowledge(clients: Clients, agent_id: str, passages: Sequence[Passage]) -> tuple[int, int]:
    """Let a character know these passages and no others of files; returns how many were added, and removed.

    Cut short, it is completed when it is repeated. What is added comes first: nothing is unknown meanwhile.
    """
    wanted = _wanted(agent_id, passages)
    known: dict[_Key, str] = {}
    surplus: list[str] = []
    async for memory in _kept(clients, agent_id):
        key = _key(memory)
        if key in wanted and key not in known and memory.provenance == pb.PROVENANCE_OPERATOR:
            known[key] = memory.id
        else:
            surplus.append(memory.id)
    new = [memory for key, memory in wanted.items() if key not in known]
    for first in range(0, len(new), _AT_ONCE):
        some = pb.BatchCreateMemoriesRequest(agent_id=agent_id, memories=new[first : first + _AT_ONCE])
        await clients.memory.BatchCreateMemories(some, timeout=_SECONDS)
    await _remove(clients, agent_id, surplus)
    return len(new), len(surplus)


async def forget_files(clients: Clients, agent_id: str, but: Collection[str]) -> tuple[int, set[str]]:
    """Let a character forget the passages of all files but these.

    Returns how many there were, and of which of these files it knows passages.
    """
    surplus, known = [], set()
    async for memory in _kept(clients, agent_id):
        if (file := memory.metadata[_FILE]) in but:
            known.add(file)
        else:
            surplus.append(memory.id)
    await _remove(clients, agent_id, surplus)
    return len(surplus), known


async def _kept(clients: Clients, agent_id: str) -> AsyncIterator[pb.Memory]:
    """Yield the passages that are memories of a character."""
    request = pb.ListMemoriesRequest(agent_id=agent_id, metadata=_SOURCE, page_size=_PAGE_SIZE)
    while True:
        page = await clients.memory.ListMemories(request, timeout=_SECONDS)
        for memory in page.memories:
            yield memory
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def _remove(clients: Clients, agent_id: str, memory_ids: Sequence[str]) -> None:
    for memory_id in memory_ids:
        await clients.memory.DeleteMemory(pb.DeleteMemoryRequest(agent_id=agent_id, id=memory_id), timeout=_SECONDS)


def _wanted(agent_id: str, passages: Sequence[Passage]) -> dict[_Key, pb.Memory]:
    told: Counter[tuple[str, str]] = Counter()
    wanted = {}
    for passage in passages:
        metadata = {**_SOURCE, _FILE: passage.file}
        if passage.heading:
            metadata[_HEADING] = passage.heading
        if passage.page:
            metadata[_PAGE] = str(passage.page)
        memory = pb.Memory(
            agent_id=agent_id,
            text=passage.words,
            kind=pb.MEMORY_KIND_GENERAL,
            provenance=pb.PROVENANCE_OPERATOR,
            importance=_IMPORTANCE,
            # Of two files with the same words each has its own.
            subject=passage.file[-_MAX_NAME:],
            metadata=metadata,
            repetition=told[passage.file, passage.words],
        )
        told[passage.file, passage.words] += 1
        wanted[_key(memory)] = memory
    return wanted


def _key(memory: pb.Memory) -> _Key:
    given = memory.metadata
    return given[_FILE], given.get(_HEADING, ""), given.get(_PAGE, ""), memory.text, memory.repetition
