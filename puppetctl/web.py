"""JSON over HTTP to the sandbox, with the standard library: never through a proxy, never on the event loop."""

import asyncio
import http.client
import json
import urllib.error
import urllib.parse
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


async def is_well(address: str, path: str = "/_sandbox/health") -> bool:
    """Tell whether the server at `host:port`, a sandbox unless it is asked at another path, says that it is well."""
    try:
        await get(f"http://{address}{path}")
    except WebError:
        return False
    return True


async def date_at(url: str, seconds: float) -> str | None:
    """Return what the server of a URL takes the time for, by HTTP's `Date`; None when it doesn't tell in time.

    Only its front door is asked, since keys stand in the rest of some URLs; through a proxy, if the machine has one.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    netloc = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    request = urllib.request.Request(f"{parts.scheme}://{netloc}/", method="HEAD")  # noqa: S310
    return await asyncio.to_thread(_date, request, seconds)


def _date(request: urllib.request.Request, seconds: float) -> str | None:
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - as above
            return str(answer.headers["Date"] or "") or None
    except urllib.error.HTTPError as error:
        with error:
            # That it refuses has its time as well.
            return str(error.headers["Date"] or "") or None
    except (OSError, ValueError, http.client.HTTPException):
        return None


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
