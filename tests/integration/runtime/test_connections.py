"""Connections: messages of any size, pings, and how they end when the server stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime import errors
from services.runtime.rpc import server
from services.runtime.rpc.bounds import MAX_BYTES
from services.runtime.rpc.dependencies import watching
from services.runtime.rpc.health import Health
from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.rpc.status import Remote
from services.runtime.settings import ServiceSettings
from tests.integration.runtime.conftest import NAME, SHAPES, Caller, Echo, _descriptor
from tests.integration.runtime.http2 import Connection, connected
from tests.support.channels import open_as, operator_of
from tests.support.waits import WAIT_SECONDS

HELLO = StringValue(value="hello").SerializeToString()
SLOW = StringValue(value="slow").SerializeToString()

every_shape = pytest.mark.parametrize("method", list(SHAPES))


class Stoppable:
    """A server that a test stops, and what it has under way."""

    def __init__(self, echo: Echo, settings: ServiceSettings) -> None:
        self.started, self.release = asyncio.Event(), asyncio.Event()
        self._echo = echo
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        echo.act = self._act

    async def start(self) -> str:
        """Start, and return the address."""

        @contextlib.asynccontextmanager
        async def open_service(lifecycle: Lifecycle) -> AsyncIterator[list[Mounted]]:
            self._echo.lifecycle = lifecycle
            yield [Mounted(_descriptor(), self._echo.add, self._echo)]

        return await self._stack.enter_async_context(serving("test", self._settings, open_service))

    async def stop(self) -> None:
        await self._stack.aclose()

    def _act(self, text: str) -> Any:
        async def wait() -> str:
            self.started.set()
            await self.release.wait()
            return text

        return wait() if text == "slow" else text


@pytest.fixture
def stoppable(echo: Echo, settings: ServiceSettings) -> Stoppable:
    return Stoppable(echo, settings)


async def ended(call: Any) -> Remote:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return Remote(error.value)


@every_shape
async def test_the_largest_answer_is_read_and_a_larger_one_is_a_fault_that_is_told(
    caller: Caller, echo: Echo, method: str
) -> None:
    largest = "x" * (MAX_BYTES - 5)
    echo.act = lambda _text: largest if method != "Collect" else "y"
    assert len((await caller.call(method, HELLO))[0]) in (len(largest), 1)
    echo.act = lambda _text: largest + "x"
    assert (await ended(caller.call(method, HELLO))).reason == "INTERNAL"


async def pinged(connection: Connection, number: int, seconds: float) -> None:
    """Ping so many times, so far apart, or until the connection is ended; the answers are waited for."""
    for _ in range(number):
        connection.ping()
        await asyncio.sleep(seconds)
        if connection.is_over:
            return
    async with asyncio.timeout(WAIT_SECONDS):
        while connection.pongs < number and not connection.is_over:
            await connection.grown.wait()


@pytest.fixture
def short_scale(monkeypatch: pytest.MonkeyPatch) -> float:
    """Let clients ping fifty times as often as they may, and return seconds that are ten times as long."""
    options = dict(server.OPTIONS)
    apart = options["grpc.http2.min_ping_interval_without_data_ms"] // 50
    assert apart
    options["grpc.http2.min_ping_interval_without_data_ms"] = apart
    monkeypatch.setattr(server, "OPTIONS", list(options.items()))
    return 10 * apart / 1000


async def test_pings_without_a_call_end_nothing(short_scale: float, stoppable: Stoppable) -> None:
    address = await stoppable.start()
    async with connected(address) as connection:
        await pinged(connection, 8, short_scale)
        assert (connection.pongs, connection.is_over) == (8, False)
    await stoppable.stop()


async def test_pings_during_a_long_call_do_not_end_it(
    short_scale: float, stoppable: Stoppable, settings: ServiceSettings
) -> None:
    address = await stoppable.start()
    async with connected(address) as connection:
        connection.call(f"/{NAME}/One", SLOW, operator_of(settings.data_dir).token("test"))
        async with asyncio.timeout(WAIT_SECONDS):
            await stoppable.started.wait()
        await pinged(connection, 8, short_scale)
        stoppable.release.set()
        async with asyncio.timeout(WAIT_SECONDS):
            while SLOW not in connection.data and not connection.is_over:
                await connection.grown.wait()
        assert SLOW in connection.data
    await stoppable.stop()


async def test_a_flood_of_pings_is_ended(stoppable: Stoppable) -> None:
    address = await stoppable.start()
    async with connected(address) as connection:
        await pinged(connection, 200, 0)
        assert connection.is_over
        # What a closed connection has said last may be lost with it.
        assert connection.went_away in (b"too_many_pings", b"")
    await stoppable.stop()


async def test_calls_that_arrive_while_it_stops_are_told_to_come_back(
    stoppable: Stoppable, settings: ServiceSettings
) -> None:
    address = await stoppable.start()
    async with open_as(address, operator_of(settings.data_dir)) as channel:
        caller = Caller(channel)
        under_way = asyncio.create_task(caller.call("One", SLOW))
        await stoppable.started.wait()
        stopping = asyncio.create_task(stoppable.stop())
        await stoppable._echo.lifecycle.draining.wait()
        await asyncio.sleep(0)
        for method in SHAPES:
            told = await ended(caller.call(method, HELLO, timeout=WAIT_SECONDS))
            assert (told.code, told.reason, told.message) == (
                grpc.StatusCode.UNAVAILABLE,
                "UNAVAILABLE",
                "the service is stopping",
            )
            assert told.retry_after == 1.0
        stoppable.release.set()
        assert await under_way == ["slow"]
        await stopping


async def test_who_calls_again_at_once_never_sees_a_bare_cancellation(
    stoppable: Stoppable, settings: ServiceSettings
) -> None:
    address, seen, is_over = await stoppable.start(), set[grpc.StatusCode](), False
    async with open_as(address, operator_of(settings.data_dir)) as channel:
        caller = Caller(channel)

        async def call_again() -> None:
            while not is_over:
                try:
                    await caller.call("One", HELLO, timeout=WAIT_SECONDS)
                except grpc.aio.AioRpcError as error:
                    seen.add(error.code())

        callers = [asyncio.create_task(call_again()) for _ in range(8)]
        while stoppable._echo.calls < 50:
            await caller.call("One", HELLO)
        await stoppable.stop()
        is_over = True
        await asyncio.gather(*callers)
    assert seen <= {grpc.StatusCode.UNAVAILABLE}


@every_shape
async def test_what_is_under_way_for_too_long_is_ended_with_a_status(
    stoppable: Stoppable, settings: ServiceSettings, method: str
) -> None:
    stoppable._settings = settings.model_copy(update={"drain_seconds": 0.05})
    address = await stoppable.start()
    async with open_as(address, operator_of(settings.data_dir)) as channel:
        under_way = asyncio.create_task(Caller(channel).call(method, SLOW))
        await stoppable.started.wait()
        await stoppable.stop()
        told = await ended(under_way)
    assert (told.code, told.reason, told.retry_after) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", 1.0)


async def test_who_watches_the_health_is_told_of_the_end_and_does_not_hold_it(stoppable: Stoppable) -> None:
    address = await stoppable.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        call = aiter(stub.Watch(health_pb2.HealthCheckRequest(service=NAME)))
        seen = [(await anext(call)).status]
        unknown = aiter(stub.Watch(health_pb2.HealthCheckRequest(service="other")))
        assert (await anext(unknown)).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        stopping = asyncio.create_task(stoppable.stop())
        async with asyncio.timeout(WAIT_SECONDS):
            told = await ended(_rest(call, seen))
            await stopping
    assert seen == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
    assert (told.code, told.retry_after) == (grpc.StatusCode.UNAVAILABLE, 1.0)


async def _rest(call: Any, seen: list[int]) -> None:
    async for answer in call:
        seen.append(answer.status)  # noqa: PERF401 - what came before the end counts


async def test_only_so_many_watch_the_health() -> None:
    health = Health(most_watchers=1)
    health.tell([""], serves=True)
    made = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, made)
    port = made.add_insecure_port("127.0.0.1:0")
    await made.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        first = stub.Watch(health_pb2.HealthCheckRequest())
        await anext(aiter(first))
        assert (await ended(_rest(stub.Watch(health_pb2.HealthCheckRequest()), []))).code is (
            grpc.StatusCode.UNAVAILABLE
        )
        first.cancel()
    await made.stop(None)


async def test_health_tells_by_name_which_dependency_is_missing(
    stoppable: Stoppable, settings: ServiceSettings
) -> None:
    address = await stoppable.start()
    health = Health()

    async def until(*statuses: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while tuple(health._answer(name).status for name in (NAME, "other")) != statuses:
                await health._changed.wait(health._changed.version)

    serving, missing = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    async with (
        grpc.aio.insecure_channel(address) as channel,
        watching({NAME: channel, "other": channel}, health, 0.02),
    ):
        await until(serving, missing)
        await stoppable.stop()
        await until(missing, missing)


def test_a_service_that_stops_is_unavailable_for_a_moment() -> None:
    assert (errors.Stopping().reason, errors.Stopping().retry_after) == ("UNAVAILABLE", 1.0)
