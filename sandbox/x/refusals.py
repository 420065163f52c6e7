"""Refusals that X gives for what isn't about the call: switched on as faults of the kind `refusal`, by these names."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

_TYPES = "https://api.x.com/2/problems/"


def refuse(name: str, seconds: float) -> Response:
    """Return the refusal of this name; what ends by itself ends in so many seconds."""
    return REFUSALS[name](seconds)


def _problem(
    status: int, title: str, detail: str, kind: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    body = {"title": title, "detail": detail, "type": f"{_TYPES}{kind}" if kind else "about:blank", "status": status}
    return JSONResponse(body | more, status, headers)


def _daily_limit(seconds: float) -> Response:
    now = int(time.time())
    headers = {
        "x-rate-limit-limit": "100",
        "x-rate-limit-remaining": "91",
        "x-rate-limit-reset": str(now + 900),
        "x-app-limit-24hour-limit": "10000",
        "x-app-limit-24hour-remaining": "0",
        "x-app-limit-24hour-reset": str(now + int(seconds)),
    }
    return _problem(429, "Too Many Requests", "Too Many Requests", headers=headers)


REFUSALS: Mapping[str, Callable[[float], Response]] = {
    "credits_depleted": lambda _: _problem(
        402, "Payment Required", "The account of this app has no credits.", "credits-depleted"
    ),
    "app_read_only": lambda _: _problem(403, "Forbidden", "The app may only read for this user.", "oauth1-permissions"),
    "account_locked": lambda _: _problem(403, "Forbidden", "This account is locked for now; log in to unlock it."),
    "account_suspended": lambda _: _problem(403, "Forbidden", "This account is suspended."),
    "not_enrolled": lambda _: _problem(
        403,
        "Client Forbidden",
        "The access level of this app doesn't include this endpoint.",
        "client-forbidden",
        reason="client-not-enrolled",
    ),
    "usage_capped": lambda _: _problem(
        429, "UsageCapExceeded", "The monthly cap is reached.", "usage-capped", period="Monthly", scope="Product"
    ),
    "daily_limit": _daily_limit,
    "edge": lambda _: HTMLResponse("<html><body><h1>Access denied</h1></body></html>", 403),
    "moved": lambda _: RedirectResponse("https://api.x.com/2/", 301),
}
