"""JSON over HTTP with the standard library: never through a proxy, never on the event loop."""

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_SECONDS = 5.0


class WebError(Exception):
    """The server refused the call or did not answer; the message says which."""


async def get(url: str, token: str = "") -> Any:
    """Return what a URL answers, parsed; a bearer token is sent when one is given. Raises WebError."""
    request = urllib.request.Request(url, headers=_authorization(token))  # noqa: S310 - the caller gives http URLs
    return await asyncio.to_thread(_call, request)


async def post(url: str, body: object, token: str = "") -> Any:
    """Send a JSON body, with a bearer token when one is given, and return the answer, parsed. Raises WebError."""
    headers = {"Content-Type": "application/json", **_authorization(token)}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    return await asyncio.to_thread(_call, request)


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _call(request: urllib.request.Request) -> Any:
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise WebError(f"{request.full_url} refused: {error.read(1000).decode(errors='replace')}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise WebError(f"{request.full_url} did not answer: {error}") from None
