"""What stands between the wire and every handler, for all four shapes of an RPC.

A call is traced, its caller made out, admitted or refused, and given a deadline, and every error leaves it as a status
of `services.runtime.rpc.status`. Health passes untouched, and reflection where everybody may see what there is.
"""

import asyncio
import contextlib
import contextvars
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from services.runtime import errors
from services.runtime.background import of_a_call
from services.runtime.rpc import identity, status
from services.runtime.rpc.authentication import Authentication
from services.runtime.rpc.bounds import MAX_BYTES, Shape, bounds_of
from services.runtime.rpc.instrumentation import ServerCall
from services.runtime.rpc.reasons import reasons_of
from services.runtime.rpc.registry import Shown
from services.runtime.settings import ServiceSettings

log = logging.getLogger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Context = grpc.aio.ServicerContext[Any, Any]

deadline = of_a_call(contextvars.ContextVar[float | None]("deadline", default=None))
"""When the call that is being served must be done, on the event loop's clock; None outside of a call."""

_ANSWER_SECONDS = 0.5
"""What is left of a deadline for the answer to reach its caller."""

_STATUS_SECONDS = 0.05
"""What is left of a caller's deadline for a call that is ended at it to say so."""

_ENDING_SECONDS = 0.3
"""How long calls have that are ended, to clean up behind them."""

_LOOK_SECONDS, _MAX_LOOKS = 0.01, 10
"""For so long no call must have arrived before the server stops, and how often that is waited for at most."""
UNDECLARED = "the contract doesn't name this reason"
"""What is logged of a refusal that the RPC's contract doesn't announce."""

_OTHER = "/other"
_HEALTH, _REFLECTION = "/grpc.health.v1.Health/", "/grpc.reflection."


def patience() -> float:
    """Return how many seconds the call that is being served may wait and still answer in time."""
    until = deadline.get()
    return 0.0 if until is None else max(0.0, until - asyncio.get_running_loop().time() - _ANSWER_SECONDS)


@dataclass(frozen=True, slots=True)
class Contract:
    """What the protos say of each RPC, by its path on the wire: how much it may be sent, and why it may be refused."""

    bounds: Mapping[str, Shape]
    reasons: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, services: Sequence[ServiceDescriptor]) -> "Contract":
        """Read the options of these services."""
        return cls(bounds_of(services), reasons_of(services))


@dataclass(frozen=True, slots=True)
class _Call:
    """Who makes a call, and what came with it."""

    proof: Shown
    metadata: Mapping[str, str]


class Boundary(grpc.aio.ServerInterceptor):
    """Wraps every handler of a server."""

    def __init__(
        self,
        service: str,
        authentication: Authentication,
        contract: Contract,
        settings: ServiceSettings,
        *,
        is_reflection_open: bool = True,
    ) -> None:
        """Take the service's short name, for example `memory`, who may call, what its contract says, and limits."""
        self._domain = f"{service}.puppet"
        self._authentication = authentication
        self._contract = contract
        self._exempt = (_HEALTH, _REFLECTION) if is_reflection_open else (_HEALTH,)
        self._free = {False: settings.max_concurrent_calls, True: settings.max_open_streams}
        self._default_deadline = settings.default_deadline_seconds
        self._under_way: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._is_draining = self._is_ending = False
        self._released = asyncio.Event()
        self._released.set()
        self._refused = 0
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler of a call, wrapped; the handlers of a server stay the same."""
        method = handler_call_details.method
        if wrapped := self._wrapped.get(method):
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None:
            # Never kept: there are as many of these names as anybody likes.
            return self._unknown(method)
        if method.startswith(self._exempt):
            return handler
        wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    async def drain(self, seconds: float) -> None:
        """Refuse what arrives from now on, and return when nothing is under way; what still is by then is ended.

        The calls that arrive last wait to be refused until `release`, when the server has said that it stops: who is
        refused before would call again on a connection of which gRPC then cancels all that is new.
        """
        self._is_draining = True
        if not await self._is_idle(seconds):
            self._is_ending = True
            log.warning("calls are ended", extra={"calls": len(self._under_way)})
            for call in list(self._under_way):
                if not call.expired():
                    call.reschedule(asyncio.get_running_loop().time())
            await self._is_idle(_ENDING_SECONDS)
        self._released.clear()
        for _ in range(_MAX_LOOKS):
            before = self._refused
            await asyncio.sleep(_LOOK_SECONDS)
            if self._refused == before:
                break

    def release(self) -> None:
        """Refuse the calls that arrived last, which wait since then."""
        self._released.set()

    async def _is_idle(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    self._idle.clear()
                    await self._idle.wait()
        return not self._under_way

    def _unknown(self, method: str) -> Handler:
        async def answers(_requests: Any, context: Context) -> AsyncIterator[Any]:
            async with _Guard(self, method, context, is_stream=False):
                raise errors.Unimplemented("this service has no such RPC")
            yield

        # Of any shape: nothing of the request is read.
        made: Handler = grpc.stream_stream_rpc_method_handler(answers)
        return made

    def _wrap(self, method: str, handler: Any) -> Handler:
        behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        streams_in, streams_out = handler.request_streaming, handler.response_streaming
        rule = None if method.startswith(_REFLECTION) else self._authentication.rule(method)
        parse = _Parser(self._contract.bounds.get(method), handler.request_deserializer)
        write = _writer(handler.response_serializer)

        async def read(data: Any, call: _Call) -> Any:
            """Read what came, now that it is known from whom, and let it pass if they may ask for it."""
            # A rule can only look into a request that is there as a whole.
            request = parse.each(data) if streams_in else parse(data)
            if rule is not None:
                seen = None if streams_in else request
                identity.act_as(
                    await self._authentication.admit(rule, call.proof.registered.principal, call.metadata, seen)
                )
            return request

        async def answer(data: Any, context: Context) -> Any:
            async with _Guard(self, method, context, is_stream=streams_in) as call:
                return write(await behaviour(await read(data, call), context))

        async def answers(data: Any, context: Context) -> AsyncIterator[Any]:
            async with _Guard(self, method, context, is_stream=True) as call, contextlib.AsyncExitStack() as stack:
                items = behaviour(await read(data, call), context)
                # Closed here and not by the garbage collector: a caller who left must end what feeds the stream.
                await stack.enter_async_context(contextlib.aclosing(items))
                async for item in items:
                    # A stream outlives what let it in: who is revoked meanwhile hears no more of it.
                    self._authentication.check_current(call.proof)
                    yield write(item)

        make: Any = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[streams_in, streams_out]
        # Without a deserializer gRPC hands on the bytes: what nobody vouches for is not taken apart.
        wrapped: Handler = make(answers if streams_out else answer, None, None)
        return wrapped

    async def enter(self, metadata: Mapping[str, str], context: Context) -> Shown:
        """Return who makes a call. Raises Stopping, and what identifying raises."""
        if self._is_draining:
            self._refused += 1
            await self._released.wait()
            raise errors.Stopping
        return self._authentication.identify(context, metadata)

    def admit(self, call: asyncio.Timeout, *, is_stream: bool) -> None:
        """Take a call among those that are under way. Raises Unavailable when there are too many."""
        if self._free[is_stream] <= 0:
            raise errors.Unavailable("too many streams at once" if is_stream else "too many calls at once")
        self._free[is_stream] -= 1
        self._under_way.add(call)

    def leave(self, call: asyncio.Timeout, *, is_stream: bool) -> None:
        """Let a call go that was taken."""
        self._free[is_stream] += 1
        self._under_way.discard(call)
        if not self._under_way:
            self._idle.set()

    def timeout_seconds(self, context: Context, *, is_stream: bool) -> float | None:
        """Return how many seconds a call has; None for as long as its caller wants."""
        remaining: float | None = context.time_remaining()
        if remaining is not None:
            # A little before its caller gives up, who would otherwise never hear why.
            return remaining - min(_STATUS_SECONDS, remaining / 10)
        return None if is_stream else self._default_deadline

    def is_known(self, method: str) -> bool:
        """Tell whether there is an RPC of this path."""
        return method in self._wrapped

    async def end(self, method: str, context: Context, error: BaseException, call: ServerCall) -> None:
        """End a call with the status of what it has raised; returns when that has none, and is to be raised on."""
        match error:
            case grpc.aio.AbortError():
                return
            case errors.PuppetError():
                log.info("call refused", extra={"method": method, "reason": error.reason, "error": error.message})
                await self._refuse(method, context, error, call)
            case TimeoutError():
                log.info("call timed out", extra={"method": method, "ms": call.milliseconds})
                late = errors.TooLate("the call was not done at its deadline")
                await self._refuse(method, context, errors.Stopping() if self._is_ending else late, call)
            case asyncio.CancelledError():
                task = asyncio.current_task()
                if context.cancelled() or (task is not None and task.cancelling()):
                    call.ends(grpc.StatusCode.CANCELLED)
                    return
                # Something inside was cancelled, not the call: without a status the caller would hang to its deadline.
                log.warning("call lost what it waited for", extra={"method": method})
                await self._refuse(method, context, errors.Unavailable("the call was interrupted"), call)
            case Exception():
                error_id = secrets.token_hex(8)
                log.error("call failed", extra={"method": method, "error_id": error_id}, exc_info=error)
                call.ends(grpc.StatusCode.INTERNAL, error_id)
                await context.abort_with_status(rpc_status.to_status(status.internal_status(error_id, self._domain)))

    async def _refuse(self, method: str, context: Context, error: errors.PuppetError, call: ServerCall) -> None:
        declared = self._contract.reasons.get(method)
        if declared and error.reason not in declared:
            # It is said all the same: what a caller is told must not depend on what somebody forgot to declare.
            log.error(UNDECLARED, extra={"method": method, "reason": error.reason})
        ending = rpc_status.to_status(status.to_status(error, self._domain))
        call.ends(ending.code, error.reason)
        await context.abort_with_status(ending)


class _Guard:
    """One call: its caller is made out, it is admitted and given a deadline, and whatever it raises becomes a status.

    A class, and no generators within each other: every call goes through it.
    """

    __slots__ = ("_boundary", "_call", "_context", "_is_stream", "_method", "_time")

    def __init__(self, boundary: Boundary, method: str, context: Context, *, is_stream: bool) -> None:
        self._boundary = boundary
        self._method = method
        self._context = context
        self._is_stream = is_stream

    async def __aenter__(self) -> _Call:
        boundary, context = self._boundary, self._context
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        # Names of RPCs that there aren't are as many as anybody likes.
        self._call = ServerCall(self._method if boundary.is_known(self._method) else _OTHER, metadata)
        try:
            proof = await boundary.enter(metadata, context)
            timeout_seconds = boundary.timeout_seconds(context, is_stream=self._is_stream)
            if timeout_seconds is not None:
                deadline.set(asyncio.get_running_loop().time() + timeout_seconds)
            self._time = asyncio.timeout(timeout_seconds)
            boundary.admit(self._time, is_stream=self._is_stream)
        except BaseException as error:
            try:
                await boundary.end(self._method, context, error, self._call)
            finally:
                self._call.tell()
            raise
        await self._time.__aenter__()
        return _Call(proof, metadata)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._time.__aexit__(kind, error, trace)
        except TimeoutError as late:
            error = late
        finally:
            self._boundary.leave(self._time, is_stream=self._is_stream)
        try:
            if error is not None:
                await self._boundary.end(self._method, self._context, error, self._call)
            elif log.isEnabledFor(logging.DEBUG):
                log.debug("call", extra={"method": self._method, "ms": self._call.milliseconds})
        finally:
            self._call.tell()


@dataclass(frozen=True, slots=True)
class _Parser:
    """Reads requests of one RPC, once it has been counted that they hold no more than they may."""

    shape: Shape | None
    parse: Callable[[bytes], Any] | None

    def __call__(self, data: Any) -> Any:
        if self.parse is None:
            return data
        if self.shape is not None:
            self.shape.check(data)
        try:
            return self.parse(data)
        except DecodeError:
            raise errors.InvalidRequest([errors.Violation("", "the message is no valid protobuf")]) from None

    async def each(self, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for data in items:
            yield self(data)


def _writer(serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    def write(answer: Any) -> bytes:
        data: bytes = answer if serialize is None else serialize(answer)
        if len(data) > MAX_BYTES:
            # Its caller would hear of a limit of its own, and not of us.
            raise ValueError(f"an answer has {len(data):,} bytes, and nobody reads more than {MAX_BYTES:,}")
        return data

    return write
