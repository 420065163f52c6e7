"""`PUT /agents/{agent_id}/config`: changes a part of a persona, as a JSON Merge Patch (RFC 7396)."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.gateway.backend import Backend
from services.gateway.transcoding.endpoint import quoted
from services.gateway.transcoding.reading import fill, read_object
from services.gateway.transcoding.writing import write
from services.gateway.web.conditions import wanted_etags
from services.gateway.web.envelope import success
from services.gateway.web.refusals import IDEMPOTENCY_KEY


def change_config(backend: Backend) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers it."""

    async def handle(request: Request) -> Response:
        async with backend.calling(request):
            agent_id, patch = request.path_params["agent_id"], read_object(await request.body())
            asked = pb.GetAgentRequest(id=agent_id)
            found = (await backend.call(request, AgentServiceStub, "GetAgent", asked)).agent
            # What somebody else changes meanwhile isn't overwritten.
            wanted = wanted_etags(request) or [found.etag]
            etag = found.etag if found.etag in wanted else wanted[0]
            change = pb.UpdateAgentRequest(
                agent=pb.Agent(id=agent_id, etag=etag), request_id=request.headers.get(IDEMPOTENCY_KEY, "")
            )
            change.update_mask.paths.append("persona")
            fill(change.agent.persona, merged(write(found)["persona"], patch))
            answer = await backend.call(request, AgentServiceStub, "UpdateAgent", change)
        data = write(answer.agent)
        return success(data, headers={"ETag": quoted(data["etag"])})

    return handle


def merged(before: Any, patch: Any) -> Any:
    """Return what a value is after a merge patch: null takes a field away, and lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    after = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = merged(after.get(name), value)
    return after
