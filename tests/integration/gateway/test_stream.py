"""Server-sent events: nothing is missed, nothing comes twice, and nobody waits for anybody."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from puppetctl.local.page import sign_in_link
from services.runtime.rpc.identity import Kind, Principal
from tests.security.principals import OPERATOR
from tests.support.gateway import Door, door

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 20.0
READERS, EVENTS = 31, 8


class Reader:
    """A reader of a stream who does nothing by itself: it takes what it is told to take."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.last_id = ""

    async def event(self, *kinds: str) -> dict[str, Any]:
        """Return the next event of these kinds."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(SECONDS):
            while True:
                line = (await self._reader.readline()).decode()
                if not line:
                    raise EOFError
                name, _, value = line.rstrip("\n").rstrip("\r").partition(": ")
                if line.strip():
                    fields[name] = value
                    continue
                self.last_id = fields.get("id", self.last_id)
                if fields.get("event", "") in kinds:
                    told = {name: fields.get(name) for name in ("event", "id", "retry")}
                    return told | {"data": json.loads(fields["data"])}
                fields = {}


@contextlib.asynccontextmanager
async def reading(
    gateway: Door,
    query: str = "",
    by: str = OPERATOR,
    *,
    last_id: str = "",
    seconds: int = 600,
    limit: int = 2**16,
    cookie: str = "",
) -> AsyncIterator[Reader]:
    host, _, port = gateway.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=limit)
    proof = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {gateway.token(by, seconds)}"
    head = f"GET /stream{query} HTTP/1.0\r\nHost: {host}:{port}\r\n{proof}\r\n"
    head += f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    writer.write(f"{head}\r\n".encode())
    status = await reader.readline()
    assert b"200" in status, status + await reader.read(2000)
    while (await reader.readline()).strip():
        pass
    try:
        yield Reader(reader)
    finally:
        writer.close()


async def makes(gateway: Door, agent_id: str) -> None:
    """Let something stand in the activity log."""
    await gateway.data("POST", "/agents", {"id": agent_id, "name": agent_id.title()})


async def mood(gateway: Door, agent_id: str) -> None:
    await gateway.data("POST", f"/agents/{agent_id}/mood", {"push": {"valence": 0.01}})


async def test_what_happens_is_told_at_once_with_its_cursor(gateway: Door) -> None:
    async with reading(gateway) as reader:
        await makes(gateway, "ada")
        event = await reader.event("activity")
        assert event["data"]["agent_id"] == "ada"
        assert event["id"] == event["data"]["cursor"]


async def test_who_comes_back_misses_nothing_and_is_told_nothing_twice(gateway: Door) -> None:
    await makes(gateway, "bob")
    cursors: list[str] = []
    async with reading(gateway, "?agent_ids=bob") as reader:
        await mood(gateway, "bob")
        cursors.append((await reader.event("activity"))["id"])
    for _ in range(3):
        await mood(gateway, "bob")
    for _ in range(3):
        async with reading(gateway, "?agent_ids=bob", last_id=cursors[-1]) as reader:
            cursors.append((await reader.event("activity"))["id"])
    listed = await gateway.data("GET", "/agents/bob/activity?kinds=mood")
    assert cursors == [activity["cursor"] for activity in reversed(listed["activities"])]


async def test_who_was_cut_off_before_anything_happened_misses_nothing(gateway: Door) -> None:
    await makes(gateway, "cat")
    async with reading(gateway, "?agent_ids=cat") as reader:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.event("activity")
        last_id = reader.last_id
    assert last_id
    await mood(gateway, "cat")
    async with reading(gateway, "?agent_ids=cat", last_id=last_id) as reader:
        assert (await reader.event("activity"))["data"]["kind"] == "ACTIVITY_KIND_MOOD"


async def test_a_stream_is_of_some_characters_and_kinds(gateway: Door) -> None:
    await makes(gateway, "dan")
    await makes(gateway, "eve")
    async with reading(gateway, "?agent_ids=dan&kinds=mood&after_cursor=0") as reader:
        await mood(gateway, "eve")
        await mood(gateway, "dan")
        event = await reader.event("activity")
        assert (event["data"]["agent_id"], event["data"]["kind"]) == ("dan", "ACTIVITY_KIND_MOOD")


async def test_what_may_not_be_seen_or_is_no_cursor_is_refused_with_a_status(gateway: Door) -> None:
    assert (await gateway.refusal("GET", "/stream", by="client-odd"))[0] == 403
    assert (await gateway.refusal("GET", "/stream?agent_ids=pia", by="client-odd"))[0] == 403
    for wrong in ("x", "-1", "1" * 19, "\u0661"):
        assert (await gateway.refusal("GET", f"/stream?after_cursor={wrong}"))[0] == 400
    status, error = await gateway.refusal("GET", "/stream?page_size=3")
    assert (status, error["details"]["violations"][0]["field"]) == (400, "page_size")
    async with reading(gateway, "?agent_ids=odd", by="client-odd"):
        pass


async def test_a_stream_ends_when_its_session_does(gateway: Door) -> None:
    async with reading(gateway, seconds=2) as reader:
        assert (await reader.event("end"))["data"] == {"reason": "expired"}
        with pytest.raises(EOFError):
            await reader.event("activity")


async def test_a_stream_ends_when_its_cookie_does_and_nobody_comes_back_by_it(
    gateway: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.web.sessions.COOKIE_SECONDS", 2)
    browser = await gateway.browser(headers={"X-Puppet-Request": "1"})
    link = sign_in_link(gateway.address, gateway.suite.credential(OPERATOR)).partition("#link=")[2]
    assert (await browser.post("/session", json={"link": link})).status_code == 201
    [(name, value)] = browser.cookies.items()
    async with reading(gateway, cookie=f"{name}={value}") as reader:
        assert (await reader.event("end"))["data"] == {"reason": "expired"}
    answer = await gateway.client.get("/stream", headers={"Cookie": f"{name}={value}"})
    assert answer.status_code == 401


async def test_a_stream_ends_when_its_reader_is_revoked(gateway: Door) -> None:
    gateway.suite.files.add(Principal("watcher", Kind.READER))
    async with reading(gateway, by="watcher") as reader:
        gateway.suite.files.revoke("watcher")
        await makes(gateway, "fay")
        failure = await reader.event("failure", "activity")
        assert failure["event"] == "failure"
        assert failure["data"]["error"]["code"] == "UNAUTHENTICATED"
        assert failure["retry"] == "60000", "a browser that came back each second would hear the same"


async def test_a_stream_ends_in_good_order_with_the_gateway(gateway: Door) -> None:
    async with contextlib.AsyncExitStack() as after:
        async with door(gateway.suite) as opened:
            reader = await after.enter_async_context(reading(opened))
        assert (await reader.event("end"))["data"] == {"reason": "stopping"}
        with pytest.raises(EOFError):
            await reader.event("activity")


async def test_a_caller_has_so_many_streams_at_once(gateway: Door) -> None:
    async with door(gateway.suite, max_streams_per_caller=2) as small:
        async with reading(small), reading(small):
            status, error = await small.refusal("GET", "/stream")
            assert (status, error["code"]) == (429, "TOO_MANY_STREAMS")
            async with reading(small, by="reader"):
                pass
        async with asyncio.timeout(SECONDS):
            await _opens(small)


async def _opens(gateway: Door) -> None:
    """Return when a stream can be opened: those that were closed are let go a moment later."""
    while True:
        with contextlib.suppress(AssertionError):
            async with reading(gateway):
                return
        await asyncio.sleep(0.01)


async def test_nobody_waits_for_a_slow_reader(gateway: Door) -> None:
    await makes(gateway, "gil")
    async with contextlib.AsyncExitStack() as stack:
        slow = await stack.enter_async_context(reading(gateway, "?agent_ids=gil", limit=1024))
        fast = [await stack.enter_async_context(reading(gateway, "?agent_ids=gil")) for _ in range(READERS - 1)]
        cursors: list[list[str]] = [[] for _ in fast]
        for _ in range(EVENTS):
            await mood(gateway, "gil")
            told = await asyncio.gather(*(reader.event("activity") for reader in fast))
            assert len({event["id"] for event in told}) == 1
            for seen, event in zip(cursors, told, strict=True):
                seen.append(event["id"])
        # Whoever was slow finds all of it, in order.
        assert [(await slow.event("activity"))["id"] for _ in range(EVENTS)] == cursors[0]
    # Whoever was cut off anywhere goes on from there, with all that it lacks and nothing besides.
    for place in range(EVENTS):
        async with reading(gateway, "?agent_ids=gil", last_id=cursors[0][place]) as again:
            await mood(gateway, "gil")
            lacking = len(cursors[0]) - place
            found = [(await again.event("activity"))["id"] for _ in range(lacking)]
        assert found[:-1] == cursors[0][place + 1 :]
        cursors[0].append(found[-1])
