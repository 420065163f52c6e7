"""Whether there is the character that a path names, for services that take any id."""

from typing import Any

import grpc
from starlette.requests import Request

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.gateway.backend import Backend


async def of_known_character(backend: Backend, request: Request, _message: Any) -> None:
    """Refuse what is about a character that isn't there, where the agents service says so. Raises grpc's errors."""
    try:
        await backend.call(
            request, AgentServiceStub, "GetAgent", pb.GetAgentRequest(id=request.path_params["agent_id"])
        )
    except grpc.aio.AioRpcError as error:
        # A limit is set, and a memory kept, also while that service is away.
        if error.code() is grpc.StatusCode.NOT_FOUND:
            raise
