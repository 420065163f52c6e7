"""What characters are told of, now or later."""

from typing import Any

from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.gateway.transcoding.endpoint import PAGING, Endpoint


def _event(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=EventServiceStub, rpc=rpc, summary=summary, data="event", **others)


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/events", stub=EventServiceStub, rpc="ListEvents", summary="Lists events.", renamed=PAGING
    ),
    _event("POST", "/events", "PublishEvent", "Publishes an event.", body="event", status=201),
    _event("GET", "/events/{id}", "GetEvent", "Returns an event."),
    _event("POST", "/events/{id}/cancel", "CancelEvent", "Cancels an event.", body=""),
)
