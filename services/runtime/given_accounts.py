"""Accounts for characters that bring none: the server that stands in for X gives them."""

import hashlib
import re
from collections.abc import Mapping

from services.runtime import web

CREDENTIALS = {
    "apiKey": "api_key",
    "apiKeySecret": "api_key_secret",
    "accessToken": "access_token",
    "accessTokenSecret": "access_token_secret",
}
"""By the fields of a persona's `twitter_credentials`, what that server calls them."""

_HANDLE_LENGTH = 15
_MAX_NAME = 50


def handle_of(persona_id: str) -> str:
    """Return the account name that a persona gets there: up to 15 letters, digits and underscores."""
    handle = re.sub(r"\W", "_", persona_id, flags=re.ASCII)
    if len(handle) <= _HANDLE_LENGTH:
        return handle
    return f"{handle[:10]}_{hashlib.sha256(persona_id.encode()).hexdigest()[:4]}"


async def credentials_of(url: str, token: str, username: str, name: str) -> dict[str, str]:
    """Return the credentials of the account with this username, which is made unless it is there. Raises WebError."""
    keys = await web.post(url, {"username": username, "name": name[:_MAX_NAME]}, token)
    if not isinstance(keys, Mapping) or not keys.keys() >= set(CREDENTIALS.values()):
        raise web.WebError(f"{url} gave no credentials")
    return {name: str(keys[key]) for name, key in CREDENTIALS.items()}
