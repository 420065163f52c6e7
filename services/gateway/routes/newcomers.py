"""What a new character is given that it doesn't bring: an account, where the network gives them."""

from google.protobuf.struct_pb2 import Struct, Value
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
    # Read as it came: it may hold what is no JSON, and is refused for that by the service.
    agent_id, name = _text(persona, "id"), _text(persona, "name")
    section = persona.fields.get(_SECTION) or Value(struct_value=Struct())
    is_readable = section.WhichOneof("kind") in ("struct_value", "null_value")
    if not (agent_id and name and is_readable) or any(_is_given(section.struct_value, each) for each in CREDENTIALS):
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


def _text(given: Struct, field: str) -> str:
    return (given.fields.get(field) or Value()).string_value


def _is_given(section: Struct, field: str) -> bool:
    value = section.fields.get(field) or Value()
    return value != Value(string_value="") and value.WhichOneof("kind") not in (None, "null_value")
