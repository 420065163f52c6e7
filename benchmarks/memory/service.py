"""The memory service as a real process, called through its generated stubs."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc

from benchmarks.start import memory_of, plan
from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppetctl.clients import proof_in
from puppetctl.local.processes import Child, running
from services.runtime.rpc.client import open_channel

BATCH = 500


class Service:
    """Calls one running service."""

    def __init__(self, child: Child, channel: grpc.aio.Channel) -> None:
        self._child = child
        self._stub = MemoryServiceStub(channel)

    @property
    def started_after(self) -> float:
        """Seconds from the start of the process until it said that it serves."""
        return self._child.healthy_after or 0.0

    @property
    def rss_mb(self) -> float:
        """The resident memory of the service and its child processes, in MB."""
        return memory_of(self._child.pid).resident * 2**20 / 1e6

    async def create(self, agent_id: str, text: str) -> str:
        """Store one text and return its id."""
        new = pb.Memory(agent_id=agent_id, text=text, kind=pb.MEMORY_KIND_GENERAL, provenance=pb.PROVENANCE_SELF)
        return (await self._stub.CreateMemory(pb.CreateMemoryRequest(memory=new))).memory.id

    async def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Store texts in one batch and return their ids."""
        return await self.add_memories(
            agent_id,
            [pb.Memory(text=text, kind=pb.MEMORY_KIND_GENERAL, provenance=pb.PROVENANCE_SELF) for text in texts],
        )

    async def add_memories(self, agent_id: str, memories: Sequence[pb.Memory]) -> list[str]:
        """Store memories in one batch and return their ids."""
        request = pb.BatchCreateMemoriesRequest(agent_id=agent_id, memories=memories)
        return [memory.id for memory in (await self._stub.BatchCreateMemories(request)).memories]

    async def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the ids of up to `limit` memories, best first, however little they fit."""
        request = pb.SearchMemoriesRequest(agent_id=agent_id, query=query, max_results=limit, min_relevance=0)
        return [hit.memory.id for hit in (await self._stub.SearchMemories(request)).hits]

    async def is_catching_up(self, agent_id: str) -> bool:
        """Tell whether the vector index lacks anything that is stored; one that rests is opened."""
        index = (await self._stub.GetMemoryStats(pb.GetMemoryStatsRequest(agent_id=agent_id))).index
        if index.state == pb.INDEX_STATE_IDLE:
            index = (await self._stub.VerifyIndex(pb.VerifyIndexRequest())).index
        return index.state != pb.INDEX_STATE_READY or index.pending_count > 0

    async def caught_up(self, agent_id: str) -> None:
        """Wait until the index has everything."""
        while await self.is_catching_up(agent_id):  # noqa: ASYNC110  # the service has no call that waits for it
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._child.send(signal.SIGKILL)


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Service]:
    """Run the service on this data folder, from its start until SIGTERM."""
    [program] = (program for program in plan(folder).programs if program.name == "memory")
    async with running([program], folder / "logs", lambda _name, _what: None) as [child]:
        await child.wait_healthy()
        async with open_channel(program.address, "memory", proof_in({}, folder)) as channel:
            yield Service(child, channel)
