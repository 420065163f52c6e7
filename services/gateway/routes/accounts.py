"""Accounts on networks, with what each may still do there."""

from typing import Any

from starlette.requests import Request

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.gateway.backend import Backend
from services.gateway.transcoding.endpoint import PAGING, Endpoint
from services.gateway.web.errors import Missing


async def account_of(backend: Backend, request: Request, agent_id: str) -> str:
    """Return the id of an agent's account. Raises Missing when it has none."""
    asked = pb.ListAccountsRequest(agent_id=agent_id, page_size=1)
    listed = await backend.call(request, SocialServiceStub, "ListAccounts", asked)
    if not listed.accounts:
        raise Missing("this character has no account", reason="ACCOUNT_NOT_FOUND")
    return str(listed.accounts[0].id)


def _account(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=SocialServiceStub, rpc=rpc, summary=summary, **others)


ENDPOINTS = (
    _account("GET", "/accounts", "ListAccounts", "Lists accounts.", renamed=PAGING),
    _account(
        "GET",
        "/accounts/{agent_id}",
        "GetAccount",
        "Returns a character's account.",
        owned={"id": account_of},
        data="account",
    ),
    _account(
        "GET",
        "/accounts/{agent_id}/capabilities",
        "GetCapabilities",
        "Says what a character may do on its network, and how much of it.",
        owned={"account_id": account_of},
        data="capabilities",
    ),
    _account(
        "GET",
        "/accounts/{agent_id}/posts",
        "ListPosts",
        "Lists what a character has posted, and what became of it.",
        owned={"account_id": account_of},
        renamed=PAGING,
    ),
)
