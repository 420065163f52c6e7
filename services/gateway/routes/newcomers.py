"""What a new character is given that it doesn't bring: an account, where the network gives them."""

from google.protobuf import json_format
from starlette.requests import Request

from puppet.agents.v1 import agent_service_pb2 as pb
from services.gateway.backend import Backend
from services.gateway.settings import GatewaySettings
from services.runtime import web
from services.runtime.errors import Unavailable
from services.runtime.given_accounts import CREDENTIALS, credentials_of, handle_of
from services.runtime.rpc.identity import Kind

_SECTION = "twitter_credentials"


async def with_account(backend: Backend, request: Request, asked: pb.CreateAgentRequest) -> None:
    """Put credentials into a persona that has none, as `puppetctl apply` does. Raises Unavailable."""
    settings, persona = backend.settings, asked.persona
    if not settings.accounts_url or backend.sessions.of(request).principal.kind is not Kind.OPERATOR:
        # Whoever may create nobody is told so by the service.
        return
    said = json_format.MessageToDict(persona)
    agent_id, name, own = said.get("id"), said.get("name"), said.get(_SECTION) or {}
    is_readable = isinstance(agent_id, str) and isinstance(name, str) and isinstance(own, dict)
    if not (is_readable and agent_id and name) or any(own.get(field) for field in CREDENTIALS):
        return
    try:
        keys = await credentials_of(settings.accounts_url, _token(settings), handle_of(agent_id), name)
    except web.WebError:
        raise Unavailable("the network that gives characters their accounts doesn't answer") from None
    persona.get_or_create_struct(_SECTION).update(keys)


def _token(settings: GatewaySettings) -> str:
    if settings.accounts_token_file is None:
        return settings.accounts_token.get_secret_value()
    try:
        return settings.accounts_token_file.read_text().strip()
    except OSError:
        return ""
