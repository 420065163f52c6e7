"""What stands between the wire and every handler, for all four shapes of an RPC.

A call is traced, its caller made out, admitted or refused, and given a deadline, and every error leaves it as a status
of `services.runtime.rpc.status`. Health passes untouched, and reflection where everybody may see what there is.
"""

import asyncio
import contextlib
import contextvars
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from services.runtime import errors
from services.runtime.rpc import identity, status, told
from services.runtime.rpc.authentication import Authentication
from services.runtime.rpc.bounds import MOST_BYTES, Shape, bounds_of
from services.runtime.rpc.reasons import reasons_of
from services.runtime.rpc.registry import Registered
from services.runtime.settings import ServiceSettings

log = logging.getLogger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Context = grpc.aio.ServicerContext[Any, Any]

deadline: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)
"""When the call that is being served must be done, on the event loop's clock; None outside of a call."""

_ANSWER_SECONDS = 0.5
"""What is left of a deadline for the answer to reach its caller."""

_TELLING_SECONDS = 0.05
"""What is left of a caller's deadline for a call that is ended at it to say so."""

_ENDING_SECONDS = 1.0
"""How long calls have that are ended, to clean up behind them."""

_LOOK_SECONDS, _MOST_LOOKS = 0.01, 25
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

    proof: Registered
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
        self._rests = asyncio.Event()
        self._is_draining = self._is_ending = False
        self._held = asyncio.Event()
        self._held.set()
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
        if not await self._is_at_rest(seconds):
            self._is_ending = True
            log.warning("calls are ended", extra={"calls": len(self._under_way)})
            for call in list(self._under_way):
                if not call.expired():
                    call.reschedule(asyncio.get_running_loop().time())
            await self._is_at_rest(_ENDING_SECONDS)
        self._held = asyncio.Event()
        for _ in range(_MOST_LOOKS):
            before = self._refused
            await asyncio.sleep(_LOOK_SECONDS)
            if self._refused == before:
                break

    def release(self) -> None:
        """Refuse the calls that arrived last, which wait since then."""
        self._held.set()

    async def _is_at_rest(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    self._rests.clear()
                    await self._rests.wait()
        return not self._under_way

    def _unknown(self, method: str) -> Handler:
        async def answers(_requests: Any, context: Context) -> AsyncIterator[Any]:
            async with self._guard(method, context, is_stream=False):
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
                identity.act_as(await self._authentication.admit(rule, call.proof.principal, call.metadata, seen))
            return request

        async def answer(data: Any, context: Context) -> Any:
            async with self._guard(method, context, is_stream=streams_in) as call:
                return write(await behaviour(await read(data, call), context))

        async def answers(data: Any, context: Context) -> AsyncIterator[Any]:
            async with self._guard(method, context, is_stream=True) as call, contextlib.AsyncExitStack() as stack:
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

    @contextlib.asynccontextmanager
    async def _guard(self, method: str, context: Context, *, is_stream: bool) -> AsyncIterator[_Call]:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        started = time.monotonic()
        # Names of RPCs that there aren't are as many as anybody likes.
        with told.served(method if method in self._wrapped else _OTHER, metadata) as call:
            try:
                if self._is_draining:
                    self._refused += 1
                    await self._held.wait()
                    raise errors.Stopping
                proof = self._authentication.identify(context, metadata)
                with self._admission(is_stream):
                    async with self._deadline(context, is_stream):
                        yield _Call(proof, metadata)
                if log.isEnabledFor(logging.DEBUG):
                    log.debug("call", extra={"method": method, "ms": _ms_since(started)})
            except grpc.aio.AbortError:
                raise
            except errors.PuppetError as error:
                log.info("call refused", extra={"method": method, "reason": error.reason, "error": error.message})
                await self._refuse(method, context, call, error)
            except TimeoutError:
                log.info("call timed out", extra={"method": method, "ms": _ms_since(started)})
                late = errors.TooLate("the call was not done at its deadline")
                await self._refuse(method, context, call, errors.Stopping() if self._is_ending else late)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if context.cancelled() or (task is not None and task.cancelling()):
                    raise
                # Something inside was cancelled, not the call: without a status the caller would hang to its deadline.
                log.warning("call lost what it waited for", extra={"method": method})
                await self._refuse(method, context, call, errors.Unavailable("the call was interrupted"))
            except Exception:
                error_id = secrets.token_hex(8)
                log.exception("call failed", extra={"method": method, "error_id": error_id})
                await self._abort(context, call, status.internal_status(error_id, self._domain), error_id)

    async def _refuse(self, method: str, context: Context, call: told.Served, error: errors.PuppetError) -> None:
        declared = self._contract.reasons.get(method)
        if declared and error.reason not in declared:
            # It is said all the same: what a caller is told must not depend on what somebody forgot to declare.
            log.error(UNDECLARED, extra={"method": method, "reason": error.reason})
        await self._abort(context, call, status.to_status(error, self._domain), error.reason)

    async def _abort(self, context: Context, call: told.Served, ending: Status, reason: str) -> None:
        call.ends(ending.code, reason)
        await context.abort_with_status(rpc_status.to_status(ending))

    @contextlib.contextmanager
    def _admission(self, is_stream: bool) -> Iterator[None]:
        if self._free[is_stream] <= 0:
            raise errors.Unavailable("too many streams at once" if is_stream else "too many calls at once")
        self._free[is_stream] -= 1
        try:
            yield
        finally:
            self._free[is_stream] += 1

    @contextlib.asynccontextmanager
    async def _deadline(self, context: Context, is_stream: bool) -> AsyncIterator[None]:
        remaining, limit = context.time_remaining(), None
        if remaining is not None:
            # A little before its caller gives up, who would otherwise never hear why.
            limit = remaining - min(_TELLING_SECONDS, remaining / 10)
        elif not is_stream:
            limit = self._default_deadline
        if limit is not None:
            deadline.set(asyncio.get_running_loop().time() + limit)
        async with asyncio.timeout(limit) as call:
            self._under_way.add(call)
            try:
                yield
            finally:
                self._under_way.discard(call)
                if not self._under_way:
                    self._rests.set()


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
        if len(data) > MOST_BYTES:
            # Its caller would hear of a limit of its own, and not of us.
            raise ValueError(f"an answer has {len(data):,} bytes, and nobody reads more than {MOST_BYTES:,}")
        return data

    return write


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 2)
