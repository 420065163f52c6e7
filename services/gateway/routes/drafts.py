"""What waits for a person."""

from typing import Any

from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from services.gateway.transcoding.endpoint import PAGING, Endpoint


def _draft(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=DraftServiceStub, rpc=rpc, summary=summary, **others)


ENDPOINTS = (
    _draft("GET", "/drafts", "ListDrafts", "Lists drafts, newest first.", renamed=PAGING),
    _draft("GET", "/drafts/{id}", "GetDraft", "Returns a draft.", data="draft"),
    _draft("PUT", "/drafts/{id}", "EditDraft", "Changes a draft's words.", body="", data="draft"),
    _draft("POST", "/drafts/{id}/approve", "ApproveDraft", "Lets a draft happen.", body="", data="draft"),
    _draft("POST", "/drafts/{id}/reject", "RejectDraft", "Keeps a draft from happening.", body="", data="draft"),
)
