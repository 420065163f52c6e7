"""`PUT /agents/{agent_id}/config`: changes a part of a persona, as a JSON Merge Patch (RFC 7396)."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
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
from services.runtime.errors import Conflict, RequestIdReused
from services.runtime.rpc.status import Remote

_MAX_TRIES = 8


def change_config(backend: Backend) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers it."""

    async def handle(request: Request) -> Response:
        async with backend.calling(request):
            patch, tries = read_object(await request.body()), 0
            while True:
                tries += 1
                try:
                    changed = await _change(backend, request, patch)
                    break
                except grpc.aio.AioRpcError as error:
                    # Another change came between reading and writing, of which the caller knows nothing.
                    is_between = Remote(error).reason == Conflict.reason and not wanted_etags(request)
                    if not is_between or tries == _MAX_TRIES:
                        raise
        data = write(changed)
        return success(data, headers={"ETag": quoted(data["etag"])})

    return handle


async def _change(backend: Backend, request: Request, patch: Any) -> pb.Agent:
    """Change the persona as it is now, unless that is another one than the caller means. Raises grpc's errors."""
    agent_id, wanted = request.path_params["agent_id"], wanted_etags(request)
    found: pb.Agent = (await backend.call(request, AgentServiceStub, "GetAgent", pb.GetAgentRequest(id=agent_id))).agent
    before = write(found)["persona"]
    after = merged(before, patch)
    change = pb.UpdateAgentRequest(
        # What somebody else changes meanwhile isn't overwritten.
        agent=pb.Agent(id=agent_id, etag=wanted[0] if wanted and found.etag not in wanted else found.etag),
        request_id=request.headers.get(IDEMPOTENCY_KEY, ""),
    )
    change.update_mask.paths.append("persona")
    fill(change.agent.persona, after)
    try:
        answer: pb.UpdateAgentResponse = await backend.call(request, AgentServiceStub, "UpdateAgent", change)
    except grpc.aio.AioRpcError as error:
        if Remote(error).reason == RequestIdReused.reason and after == before:
            # The same patch as before: what was written by it had another etag and another persona to begin with.
            return found
        raise
    return answer.agent


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
