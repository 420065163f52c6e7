"""Creating agents, many at once."""

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

import grpc

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.characters.personas import struct_of
from puppetctl.clients import Clients

# Creating an agent stores all its memories and asks the network about its account.
CREATE_SECONDS = 60.0

_BATCH = 50
"""How many are created in one call, which takes 100 small ones."""

_REFUSALS = frozenset((grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.UNIMPLEMENTED))
"""What a whole batch is refused with for one of its agents, for its size, or by a service of an earlier version."""

Made: TypeAlias = "pb.Agent | grpc.aio.AioRpcError"
"""An agent, or why there is none."""


async def create_all(clients: Clients, personas: Mapping[str, Mapping[str, Any]]) -> dict[str, Made]:
    """Create agents, by their ids, in batches; what is wrong with one of them costs that one."""
    made: dict[str, Made] = {}
    left = iter(personas.items())
    while batch := dict(itertools.islice(left, _BATCH)):
        made |= await _batch(clients, batch)
    return made


async def _batch(clients: Clients, personas: Mapping[str, Mapping[str, Any]]) -> dict[str, Made]:
    requests = {name: pb.CreateAgentRequest(persona=struct_of(persona)) for name, persona in personas.items()}
    if len(requests) > 1:
        try:
            request = pb.BatchCreateAgentsRequest(requests=requests.values())
            answer = await clients.agents.BatchCreateAgents(request, timeout=CREATE_SECONDS)
            return {agent.id: await _whole(clients, agent) for agent in answer.agents}
        except grpc.aio.AioRpcError as error:
            if error.code() not in _REFUSALS:
                return dict.fromkeys(requests, error)
    return {name: await _one(clients, request) for name, request in requests.items()}


async def _whole(clients: Clients, agent: pb.Agent) -> pb.Agent:
    """Return an agent with all its fields: of large ones an answer tells the names alone."""
    return agent if agent.name else (await clients.agents.GetAgent(pb.GetAgentRequest(id=agent.id))).agent


async def _one(clients: Clients, request: pb.CreateAgentRequest) -> Made:
    try:
        return (await clients.agents.CreateAgent(request, timeout=CREATE_SECONDS)).agent
    except grpc.aio.AioRpcError as error:
        return error
