"""The fault switches, without a network."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from sandbox.faults import HANG_UP, Fault, FaultBoard, FaultKind, FaultMiddleware, _refusal


class Wire:
    """The two ends of one HTTP call: what the caller sends, and what it hears."""

    def __init__(self, body: bytes = b"{}", method: str = "POST", path: str = "/2/tweets") -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": method, "path": path, HANG_UP: self._hang_up}
        self.heard: list[Message] = []
        self.hung_up = False
        self._coming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    def _hang_up(self) -> None:
        self.hung_up = True
        self._coming.append({"type": "http.disconnect"})

    async def receive(self) -> Message:
        return self._coming.pop(0) if self._coming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.heard if "status" in message), None)

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.heard[0]["headers"]}


class Echo:
    """An application that answers with the body it got, and counts its calls."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.bodies[-1]})


async def call(faults: Iterable[Fault], wire: Wire) -> Echo:
    board = FaultBoard()
    for fault in faults:
        board.add(fault)
    echo = Echo()
    await FaultMiddleware(echo, board)(wire.scope, wire.receive, wire.send)
    return echo


def admin_request(method: str, body: bytes = b"") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": method, "path": "/_sandbox/faults", "headers": []}, receive)


async def ask(board: FaultBoard, method: str, body: object = None) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await board.routes()[0].endpoint(admin_request(method, raw))
    return response.status_code, json.loads(response.body)


def test_a_fault_hits_the_routes_that_begin_with_its_route_and_no_others() -> None:
    board = FaultBoard()
    board.add(Fault(kind=FaultKind.STATUS, route="POST /2/tweets"))
    assert board.take(FaultKind.STATUS, "GET /2/tweets") is None
    assert board.take(FaultKind.LATENCY, "POST /2/tweets") is None
    assert board.take(FaultKind.STATUS, "POST /2/tweets/1") is not None


def test_a_fault_lasts_as_many_calls_as_it_says() -> None:
    board = FaultBoard()
    board.add(Fault(kind=FaultKind.STATUS, times=2, status=500))
    taken = [board.take(FaultKind.STATUS, "GET /") for _ in range(3)]
    assert [fault.status if fault else None for fault in taken] == [500, 500, None]


def test_a_fault_without_a_count_lasts_until_it_is_cleared() -> None:
    board = FaultBoard()
    board.add(Fault(kind=FaultKind.LATENCY))
    assert all(board.take(FaultKind.LATENCY, "GET /") for _ in range(10))
    board.clear()
    assert board.take(FaultKind.LATENCY, "GET /") is None


@pytest.mark.parametrize(
    "wrong", [{"time": 1}, {"times": 0}, {"seconds": -1}, {"seconds": float("inf")}, {"status": 199}, {"kind": "rain"}]
)
def test_a_wrong_fault_is_refused_and_the_field_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Fault.model_validate({"kind": "status"} | wrong)


async def test_a_refusal_can_say_anything_in_any_form() -> None:
    fault = Fault(kind=FaultKind.STATUS, status=200, headers={"x-left": "0"}, body={"error": {"code": -32005}})
    answer = _refusal(fault)
    assert (answer.status_code, answer.headers["x-left"]) == (200, "0")
    assert json.loads(bytes(answer.body)) == {"error": {"code": -32005}}
    limited = _refusal(Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": "7"}))
    assert limited.headers["retry-after"] == "7"


async def test_faults_are_added_listed_and_cleared_over_http() -> None:
    board = FaultBoard()
    status, listed = await ask(board, "POST", [{"kind": "latency", "seconds": 1}, {"kind": "lost_answer", "times": 3}])
    assert (status, [fault["kind"] for fault in listed]) == (200, ["latency", "lost_answer"])
    assert (await ask(board, "GET"))[1] == listed
    assert await ask(board, "DELETE") == (200, [])


async def test_when_one_of_several_faults_is_wrong_none_is_added() -> None:
    board = FaultBoard()
    status, answer = await ask(board, "POST", [{"kind": "latency"}, {"kind": "status", "status": 99}])
    assert status == 400
    assert "status" in answer["error"]
    assert (await ask(board, "GET"))[1] == []


async def test_json_that_cant_be_read_is_refused() -> None:
    assert (await ask(FaultBoard(), "POST", b"{"))[0] == 400


async def test_without_a_fault_the_application_gets_the_whole_body() -> None:
    wire = Wire(b"hello")
    echo = await call([], wire)
    assert (wire.status, echo.bodies) == (200, [b"hello"])


async def test_a_refused_call_does_nothing() -> None:
    wire = Wire()
    echo = await call([Fault(kind=FaultKind.STATUS, status=503, seconds=7)], wire)
    assert (wire.status, wire.headers["Retry-After".lower()], echo.bodies) == (503, "7", [])


async def test_a_429_says_when_to_come_back() -> None:
    wire = Wire()
    await call([Fault(kind=FaultKind.STATUS, status=429)], wire)
    assert wire.headers["x-rate-limit-remaining"] == "0"
    assert int(wire.headers["x-rate-limit-reset"]) > 0


async def test_a_refusal_can_be_html() -> None:
    wire = Wire()
    await call([Fault(kind=FaultKind.STATUS, status=502, html=True)], wire)
    assert wire.headers["content-type"].startswith("text/html")


async def test_a_lost_answer_is_worked_for_and_never_heard() -> None:
    wire = Wire(b"once")
    echo = await call([Fault(kind=FaultKind.LOST_ANSWER, seconds=0)], wire)
    assert (echo.bodies, wire.heard, wire.hung_up) == ([b"once"], [], True)


async def test_the_sandboxs_own_routes_are_never_hit() -> None:
    wire = Wire(path="/_sandbox/health")
    await call([Fault(kind=FaultKind.STATUS)], wire)
    assert wire.status == 200
