"""What servers answer over HTTP: the sandbox, and what clocks of others say."""

import asyncio
import http.client
import urllib.error
import urllib.parse
import urllib.request

from services.runtime.web import WebError, get, post

__all__ = ["WebError", "date_at", "get", "is_well", "post"]


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
