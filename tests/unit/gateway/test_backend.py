"""What becomes of a call whose caller leaves."""

import asyncio
from typing import Any, cast

import pytest
from starlette.requests import Request

from services.gateway.backend import Backend
from services.gateway.web.errors import Gone


class Call:
    """A call to a service that is answered when somebody says so."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_cancelled = False

    def __await__(self) -> Any:
        return self.answer.__await__()

    def cancel(self) -> None:
        self.is_cancelled = True


def request_of(leaving: asyncio.Event) -> Request:
    async def receive() -> Any:
        await leaving.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "headers": [], "method": "GET"}, receive)


async def test_it_is_cancelled() -> None:
    backend, call, leaving = object.__new__(Backend), Call(), asyncio.Event()
    waiting = asyncio.create_task(backend.unless_gone(request_of(leaving), cast("Any", call)))
    leaving.set()
    with pytest.raises(Gone):
        await waiting
    assert call.is_cancelled


async def test_one_that_is_answered_is_not() -> None:
    backend, call, leaving = object.__new__(Backend), Call(), asyncio.Event()
    call.answer.set_result("done")
    assert await backend.unless_gone(request_of(leaving), cast("Any", call)) == "done"
    assert not call.is_cancelled


async def test_one_that_is_given_up_is_cancelled_too() -> None:
    backend, call, leaving = object.__new__(Backend), Call(), asyncio.Event()
    waiting = asyncio.create_task(backend.unless_gone(request_of(leaving), cast("Any", call)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert call.is_cancelled
