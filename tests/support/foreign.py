"""What every example client has to do, whatever it is written in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
from grpc_status import rpc_status

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.runtime.errors import Unavailable
from services.runtime.rpc.status import to_status
from tools.languages import Language, environment

RETRY_SECONDS = 1.5
_SECONDS = 120.0

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Two services, and an agent that may post and remembers something."""

    agents: str
    memory: str
    tokens: Mapping[str, str]
    """By service."""
    agent: str
    remembered: str
    cursors: Callable[[], Awaitable[list[str]]]
    """Returns the cursors of what the agent did, oldest first."""
    restart: Callable[[], Awaitable[None]]
    """Ends the agents service without a word, and returns when it is back at the same address."""

    def settings(self, **others: str) -> dict[str, str]:
        """Return what a client is told by its environment."""
        return {
            "AGENTS_TARGET": self.agents,
            "AGENTS_TOKEN": self.tokens["agents"],
            "MEMORY_TARGET": self.memory,
            "MEMORY_TOKEN": self.tokens["memory"],
            **others,
        }


@dataclass(slots=True)
class Foreign:
    """A client of a language."""

    language: Language
    world: World

    async def say(self, *arguments: str, **settings: str) -> tuple[int, list[Line]]:
        """Run the client to its end, and return its exit code and its lines."""
        process = await self._start(arguments, settings)
        async with asyncio.timeout(_SECONDS):
            said, complained = await process.communicate()
        code = process.returncode or 0
        # A refusal is told on a line of its own, and with a code of 1.
        assert code == 0 or (code == 1 and said), f"it ended with {code}: {complained.decode()}"
        return code, [json.loads(line) for line in said.decode().splitlines()]

    @contextlib.asynccontextmanager
    async def lines(self, *arguments: str) -> AsyncIterator[AsyncIterator[Line]]:
        """Run the client, and yield its lines as they come; at the end of the block it is gone."""
        process = await self._start(arguments, {})

        async def each() -> AsyncIterator[Line]:
            assert process.stdout is not None
            async for line in process.stdout:
                yield json.loads(line)

        try:
            async with asyncio.timeout(_SECONDS):
                yield each()
        finally:
            # One that has said its last word ends by itself.
            if process.stdout is not None and not process.stdout.at_eof():
                process.kill()
            await process.wait()

    async def _start(self, arguments: tuple[str, ...], settings: Mapping[str, str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(*self.language.command, *arguments),
            cwd=self.language.path,
            env=environment(self.world.settings(**settings)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


async def lists(client: Foreign) -> None:
    """Fail unless it lists all agents, page by page."""
    code, agents = await client.say("list")
    assert code == 0, agents
    assert client.world.agent in {agent["id"] for agent in agents}
    assert len(agents) > 2, "there have to be more agents than a page has"


async def posts(client: Foreign) -> None:
    """Fail unless a post that is asked for twice is made once."""
    request_id = uuid4().hex
    answers = [await client.say("post", client.world.agent, request_id, "the weather") for _ in range(2)]
    assert answers[0] == answers[1]
    code, (line,) = answers[0]
    assert code == 0, line
    assert line["workflow_id"]
    assert line["kind"] == "ACTIVITY_KIND_POST", line


async def watches(client: Foreign) -> None:
    """Fail unless it sees each activity once and in its order, over a restart of the service."""
    seen: list[str] = []
    known = len(await client.world.cursors())
    async with client.lines("watch", client.world.agent, "0", str(known + 1)) as lines:
        async for line in lines:
            assert "cursor" in line, line
            seen.append(line["cursor"])
            if len(seen) == known:
                await client.world.restart()
                code, answer = await client.say("post", client.world.agent, uuid4().hex, "the harbour")
                assert code == 0, answer
    assert seen == (await client.world.cursors())[: known + 1]


async def searches(client: Foreign) -> None:
    """Fail unless it finds what the agent remembers."""
    code, hits = await client.say("search", client.world.agent, client.world.remembered)
    assert code == 0, hits
    assert client.world.remembered in {hit["text"] for hit in hits}
    assert all(hit["relevance"] > 0 for hit in hits)


async def reads_refusals(client: Foreign) -> None:
    """Fail unless it reads why it was refused: the reason, the fields, and when to come back."""
    agent = client.world.agent
    code, (told,) = await client.say("post", agent, "", "x")
    assert (code, told["code"], told["reason"]) == (1, "INVALID_ARGUMENT", "INVALID_REQUEST")
    assert (told["domain"], list(told["fields"])) == ("agents.puppet", ["request_id"])
    code, (told,) = await client.say("post", "nobody-has-this", "x", "x")
    assert (code, told["code"], told["reason"]) == (1, "NOT_FOUND", "AGENT_NOT_FOUND")
    code, (told,) = await client.say("search", agent, "x", MEMORY_TOKEN="forged")  # noqa: S106
    assert (code, told["code"], told["reason"]) == (1, "UNAUTHENTICATED", "UNAUTHENTICATED")
    async with busy() as address:
        code, (told,) = await client.say("search", agent, "x", MEMORY_TARGET=address)
    assert (code, told["code"], told["retry_after"]) == (1, "UNAVAILABLE", RETRY_SECONDS)


CHECKS: Mapping[str, Callable[[Foreign], Awaitable[None]]] = {
    "ListAgents": lists,
    "TriggerPost": posts,
    "WatchActivity": watches,
    "SearchMemories": searches,
    "refusals": reads_refusals,
}
"""By what a table calls them."""


async def cursors_of(agents: AgentServiceStub, agent_id: str) -> list[str]:
    """Return the cursors of what an agent did, oldest first."""
    listed = await agents.ListActivity(pb.ListActivityRequest(agent_ids=[agent_id], page_size=500))
    return [activity.cursor for activity in reversed(listed.activities)]


async def remember(memories: MemoryServiceStub, agent_id: str, text: str) -> None:
    """Let an agent remember something."""
    memory = memory_pb.Memory(
        agent_id=agent_id, text=text, kind=memory_pb.MEMORY_KIND_CORE, provenance=memory_pb.PROVENANCE_OPERATOR
    )
    await memories.CreateMemory(memory_pb.CreateMemoryRequest(memory=memory))


@contextlib.asynccontextmanager
async def busy() -> AsyncIterator[str]:
    """Serve nothing: every call is refused until later, in the way of the suite. The value is the address."""
    refusal = Unavailable("too many calls at once", RETRY_SECONDS)

    async def refuse(_request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await context.abort_with_status(rpc_status.to_status(to_status(refusal, "memory.puppet")))
        raise AssertionError

    class Refusing(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Refusing(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
