"""What the boundary does for every shape of RPC."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.runtime import errors
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.bounds import MAX_BYTES
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.status import Remote
from services.runtime.settings import ServiceSettings
from tests.integration.runtime.conftest import NAME, SHAPES, Caller, Echo
from tests.support.waits import WAIT_SECONDS

HELLO = StringValue(value="hello").SerializeToString()
NO_PROTOBUF = b"\xff\xff\xff"

every_shape = pytest.mark.parametrize("method", list(SHAPES))


async def refusal(caller: Caller, method: str, payload: bytes = HELLO) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call(method, payload, timeout=WAIT_SECONDS)
    return refused.value


@every_shape
async def test_a_good_call_passes(caller: Caller, method: str) -> None:
    assert set(await caller.call(method, HELLO)) == {"hello"}


@every_shape
async def test_a_domain_error_becomes_its_status(caller: Caller, echo: Echo, method: str) -> None:
    def act(text: str) -> str:
        raise errors.NotFound(f"no {text}")

    echo.act = act
    error = await refusal(caller, method)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "no hello"


@every_shape
async def test_no_exception_text_reaches_the_caller(
    caller: Caller, echo: Echo, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    def act(text: str) -> str:
        raise RuntimeError("password=hunter2")

    echo.act = act
    error = await refusal(caller, method)
    remote = Remote(error)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(error)
    logged = next(record for record in caplog.records if record.message == "call failed")
    assert vars(logged)["error_id"] == remote.metadata["error_id"]
    assert "hunter2" in caplog.text


@every_shape
async def test_bytes_that_are_no_protobuf_are_an_invalid_request(caller: Caller, method: str) -> None:
    error = await refusal(caller, method, NO_PROTOBUF)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert Remote(error).reason == "INVALID_REQUEST"


@every_shape
async def test_something_cancelled_inside_ends_the_call_with_a_status(caller: Caller, echo: Echo, method: str) -> None:
    def act(text: str) -> str:
        raise asyncio.CancelledError

    echo.act = act
    assert (await refusal(caller, method)).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_call_without_a_deadline_gets_the_default_one(caller: Caller, echo: Echo) -> None:
    async def act() -> str:
        left = deadline.get()
        assert left is not None
        return str(left - asyncio.get_running_loop().time())

    echo.act = lambda _text: act()
    [left] = await caller.call("One", HELLO)
    assert 4 < float(left) <= 5


async def test_a_call_that_takes_too_long_is_ended(caller: Caller, echo: Echo) -> None:
    ended = asyncio.Event()

    async def act() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    echo.act = lambda _text: act()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call("One", HELLO, timeout=0.1)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(WAIT_SECONDS):
        await ended.wait()


async def half_an_upload() -> AsyncIterator[bytes]:
    yield HELLO
    await asyncio.Event().wait()


def upload(
    channel: grpc.aio.Channel, requests: AsyncIterable[bytes] | Iterable[bytes], timeout: float | None = None
) -> Any:
    method: Any = channel.stream_unary(f"/{NAME}/Collect", response_deserializer=StringValue.FromString)
    return method(requests, timeout=timeout)


async def test_only_its_caller_sets_a_deadline_for_an_upload(caller: Caller, echo: Echo) -> None:
    echo.act = lambda _text: "none" if deadline.get() is None else "some"
    assert await caller.call("Collect", HELLO, HELLO) == ["none,none"]
    assert await caller.call("Collect", HELLO, timeout=5) == ["some"]


async def test_an_upload_that_gets_stuck_is_ended_at_its_deadline(channel: grpc.aio.Channel, echo: Echo) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await upload(channel, half_an_upload(), timeout=0.2)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(WAIT_SECONDS):
        await echo.upload_ended.wait()


async def test_an_upload_whose_caller_leaves_is_ended(channel: grpc.aio.Channel, echo: Echo) -> None:
    started = asyncio.Event()

    def act(text: str) -> str:
        started.set()
        return text

    echo.act = act
    call = upload(channel, half_an_upload())
    async with asyncio.timeout(WAIT_SECONDS):
        await started.wait()
        call.cancel()
        await echo.upload_ended.wait()


async def test_an_upload_that_is_refused_half_way_ends_with_the_refusal(channel: grpc.aio.Channel, echo: Echo) -> None:
    def act(text: str) -> str:
        if echo.calls == 3:
            raise errors.NotFound("enough")
        return text

    echo.act = act
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await upload(channel, (HELLO for _ in range(10_000)), timeout=WAIT_SECONDS)
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.NOT_FOUND, "enough")
    assert echo.calls == 3


async def test_a_message_in_the_midst_of_an_upload_that_is_no_protobuf_is_refused(caller: Caller, echo: Echo) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call("Collect", HELLO, NO_PROTOBUF, HELLO, timeout=WAIT_SECONDS)
    assert Remote(refused.value).reason == "INVALID_REQUEST"
    assert echo.calls == 1


async def test_open_uploads_take_no_place_from_other_calls(channel: grpc.aio.Channel, echo: Echo) -> None:
    all_open = asyncio.Event()

    def act(text: str) -> str:
        if echo.calls == 5:
            all_open.set()
        return text

    echo.act = act
    uploads = [upload(channel, half_an_upload()) for _ in range(5)]
    async with asyncio.timeout(WAIT_SECONDS):
        await all_open.wait()
    assert await Caller(channel).call("One", HELLO, timeout=5) == ["hello"]
    for call in uploads:
        call.cancel()


async def test_calls_beyond_the_limit_are_refused_and_the_others_finish(caller: Caller, echo: Echo) -> None:
    full, release = asyncio.Event(), asyncio.Event()

    async def act() -> str:
        if echo.calls == 4:
            full.set()
        await release.wait()
        return "done"

    echo.act = lambda _text: act()
    waiting = [asyncio.create_task(caller.call("One", HELLO)) for _ in range(4)]
    async with asyncio.timeout(WAIT_SECONDS):
        await full.wait()
    error = await refusal(caller, "One")
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert Remote(error).retry_after is not None
    release.set()
    assert await asyncio.gather(*waiting) == [["done"]] * 4


async def test_a_trace_goes_on_from_the_caller_to_the_log(
    caller: Caller, caplog: pytest.LogCaptureFixture, echo: Echo
) -> None:
    from services.runtime.logs import trace_id

    echo.act = lambda _text: trace_id.get()
    sent = f"00-{'b' * 32}-{'c' * 16}-01"
    assert await caller.call("One", HELLO, metadata=(("traceparent", sent),)) == ["b" * 32]
    [made] = await caller.call("One", HELLO)
    assert len(made) == 32
    assert caplog.at_level(logging.INFO)


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    remote = Remote(await refusal(Caller(channel), "Nothing"))
    assert (remote.code, remote.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED")


@every_shape
async def test_a_call_that_is_ended_at_its_deadline_says_so(caller: Caller, echo: Echo, method: str) -> None:
    async def act() -> str:
        await asyncio.Event().wait()
        return ""

    echo.act = lambda _text: act()
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await caller.call(method, HELLO, timeout=1)
    assert Remote(ended.value).reason == "DEADLINE_EXCEEDED"


@every_shape
async def test_a_message_that_is_too_large_is_refused_with_a_reason(caller: Caller, method: str) -> None:
    remote = Remote(await refusal(caller, method, StringValue(value="x" * (MAX_BYTES + 1)).SerializeToString()))
    assert (remote.code, remote.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


async def test_these_statuses_are_made_by_grpc_and_carry_no_reason(channel: grpc.aio.Channel, echo: Echo) -> None:
    caller, made = Caller(channel), {}
    huge = StringValue(value="x" * (2 * MAX_BYTES)).SerializeToString()
    made["more than eight megabytes"] = await refusal(caller, "One", huge)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call("One", HELLO, metadata=(("name", "x" * 64_000),), timeout=WAIT_SECONDS)
    made["metadata of more than it takes"] = refused.value

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    echo.act = lambda _text: never()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call("One", HELLO, timeout=0)
    made["a deadline that was over before the call"] = refused.value
    # Where the deadline comes first it's whose clock was faster that says whether there is a reason.
    assert {name: error.code() for name, error in made.items()} == {
        "more than eight megabytes": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "metadata of more than it takes": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "a deadline that was over before the call": grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert not any(Remote(error).reason for name, error in made.items() if "deadline" not in name)


async def test_an_error_with_more_to_tell_than_fits_keeps_its_status(caller: Caller, echo: Echo) -> None:
    def act(text: str) -> str:
        raise errors.InvalidRequest([errors.Violation(f"mints[{number}]", "ä" * 100) for number in range(500)])

    echo.act = act
    remote = Remote(await refusal(caller, "One"))
    assert (remote.code, remote.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert remote.violations[0].field == "mints[0]"


async def test_a_fact_that_is_too_long_is_cut(caller: Caller, echo: Echo) -> None:
    def act(text: str) -> str:
        raise errors.WrongState("blocked", limit="M" * 22_000, value="one")

    echo.act = act
    remote = Remote(await refusal(caller, "One"))
    assert (remote.code, remote.metadata["value"]) == (grpc.StatusCode.FAILED_PRECONDITION, "one")


async def test_a_stream_ends_when_its_caller_is_revoked(
    channel: grpc.aio.Channel, echo: Echo, settings: ServiceSettings
) -> None:
    def act(text: str) -> str:
        if echo.calls == 2:
            PrincipalFiles(settings.auth_dir).revoke(OPERATOR)
        return text

    echo.act = act
    opened: Any = channel.unary_stream(f"/{NAME}/GetMany", response_deserializer=StringValue.FromString)
    call = opened(HELLO)
    assert (await anext(aiter(call))).value == "hello"
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await anext(aiter(call))
    assert Remote(ended.value).reason == "UNAUTHENTICATED"


@every_shape
async def test_what_nobody_vouches_for_is_not_taken_apart(
    settings: ServiceSettings, channel: grpc.aio.Channel, method: str
) -> None:
    nobody: Any = (("authorization", "Bearer x.y.z"),)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Caller(channel).call(method, NO_PROTOBUF, metadata=nobody)
    assert Remote(refused.value).reason == "UNAUTHENTICATED"


async def test_streams_beyond_the_limit_are_refused(channel: grpc.aio.Channel, echo: Echo) -> None:
    release = asyncio.Event()

    async def act() -> str:
        await release.wait()
        return "done"

    echo.act = lambda _text: act()
    calls = [asyncio.create_task(Caller(channel).call("GetMany", HELLO)) for _ in range(6)]
    async with asyncio.timeout(WAIT_SECONDS):
        while echo.calls < 6:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert Remote(await refusal(Caller(channel), "GetMany")).reason == "UNAVAILABLE"
    release.set()
    assert await asyncio.gather(*calls) == [["done"] * 3] * 6


def part_of_a_token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        f"{part_of_a_token('[' * 5_000)}.e30.x",
        f"{part_of_a_token(json.dumps({'typ': 'puppet-token', 'alg': 'EdDSA'}))}.{part_of_a_token('[' * 5_000)}.x",
        f"{part_of_a_token(json.dumps({'typ': 'puppet-token', 'alg': 'EdDSA'}))}.{part_of_a_token('{' * 5_000)}.eA",
        "a" * 7_000,
        "...",
    ],
    ids=["deep header", "deep claims", "deep objects", "long", "dots"],
)
async def test_a_token_that_nobody_signed_is_refused_whatever_it_is(caller: Caller, token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call("One", HELLO, metadata=(("authorization", f"Bearer {token}"),), timeout=WAIT_SECONDS)
    assert Remote(refused.value).reason == "UNAUTHENTICATED"
