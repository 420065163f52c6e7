"""Networks over a session that the test has opened."""

import contextlib

import aiohttp

from services.runtime.clock import Clock
from services.runtime.deferred import Deferred
from services.social.adapters.x import XNetwork
from services.social.adapters.x.client import Clients


def x_at(url: str, session: aiohttp.ClientSession, clock: Clock) -> XNetwork:
    """Return X at this URL."""
    return XNetwork(Deferred(lambda: contextlib.nullcontext(Clients(url, session))), clock)
