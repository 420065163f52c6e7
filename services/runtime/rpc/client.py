"""Channels to other services: every call proves who makes it, has a deadline, and is retried only where that is safe.

What may be repeated stands in the contract: reads, and mutations whose `request_id` makes them happen once. A mutation
whose caller gave none gets one here, so that gRPC's own retry repeats the very same request. Where an RPC goes on to
other services in its caller's place, the delegation for that is signed here as well.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from services.runtime import telemetry
from services.runtime.ids import new_id
from services.runtime.rpc import identity
from services.runtime.rpc.access import full_name, is_safe_to_repeat, rules_of, values_at
from services.runtime.rpc.authentication import DELEGATION_KEY, TOKEN_KEY
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.instrumentation import ClientCall

DEFAULT_DEADLINE_SECONDS = 30.0

_NAMING_SECONDS = 0.25
"""How much sooner a call to another service ends than the call within which it is made."""

UNIX = "unix:"
"""What a target begins with that is a socket of this machine."""

StubT = TypeVar("StubT")


@dataclass(frozen=True, slots=True)
class Proof:
    """How a process proves itself to others: by its credential's tokens, by TLS, or by both."""

    credential: Credential | None = None
    tls: grpc.ChannelCredentials | None = None


class Stubs:
    """Opened stubs, by their generated classes."""

    def __init__(self, opened: Mapping[type, Any], channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._opened = opened
        self.channels = channels
        """By the names of the services that are called on them, `package.Service`."""

    def __getitem__(self, kind: type[StubT]) -> StubT:
        """Return the stub of this class."""
        stub: StubT = self._opened[kind]
        return stub


@contextlib.asynccontextmanager
async def connect(targets: Mapping[type[Any], str], proof: Proof) -> AsyncIterator[Stubs]:
    """Open a stub of each generated class at its target (`host:port`); nothing is dialled before the first call.

    Stubs of one service with the same target share a channel; all are closed at the end of the block.
    """
    by_target: dict[tuple[str, str], list[ServiceDescriptor]] = {}
    for kind, target in targets.items():
        called = _service_of(kind)
        by_target.setdefault((target, short_name(called)), []).append(called)
    opened = {
        (target, service): open_channel(target, service, proof, *called)
        for (target, service), called in by_target.items()
    }
    channels = {kind: opened[target, short_name(_service_of(kind))] for kind, target in targets.items()}
    try:
        yield Stubs(
            {kind: kind(channel) for kind, channel in channels.items()},
            {_service_of(kind).full_name: channel for kind, channel in channels.items()},
        )
    finally:
        await asyncio.gather(*(channel.close() for channel in opened.values()))


def open_channel(target: str, service: str, proof: Proof, *called: ServiceDescriptor) -> grpc.aio.Channel:
    """Open a channel to a service, for example `memory`; it connects when it is first used.

    Whoever answers is shown tokens for that service only, whatever is called; with TLS it has to prove that it is it.
    What may be repeated, and which delegations are signed, follows from the generated services in `called`.
    """
    preparing = _Preparing(service, proof, called)
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(_service_config(called))),
        # A service that is restarted is back in about a second: don't wait longer than that to look again.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        # What NATs and load balancers forget within a minute or two stays known, and who has vanished is noticed.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if proof.tls is not None and not target.startswith(UNIX):
        options.append(("grpc.ssl_target_name_override", service))
        return _PreparingChannel(grpc.aio.secure_channel(target, proof.tls, options), preparing)
    return _PreparingChannel(grpc.aio.insecure_channel(target, options), preparing)


def short_name(service: ServiceDescriptor) -> str:
    """Return the name of the service whose contract it is: `memory` for `puppet.memory.v1.RelationshipService`."""
    name: str = service.full_name.split(".")[1]
    return name


def _service_of(stub: type[Any]) -> ServiceDescriptor:
    """Return the service that a generated stub class calls: the class bears its name, and the module its package."""
    package = stub.__module__.rpartition(".")[0]
    found: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(
        f"{package}.{stub.__name__.removesuffix('Stub')}"
    )
    return found


def _service_config(services: Sequence[ServiceDescriptor]) -> dict[str, Any]:
    safe = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if is_safe_to_repeat(method)
    ]
    retry = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2.0,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return {"methodConfig": [{"name": safe, "retryPolicy": retry}]} if safe else {}


class _Preparing:
    """Adds to a call what every call carries."""

    def __init__(self, service: str, proof: Proof, called: Sequence[ServiceDescriptor]) -> None:
        self._service = service
        self._credential = proof.credential
        self._rules = rules_of(called)
        self._repeated = frozenset(
            f"/{full_name(method)}"
            for service in called
            for method in service.methods
            if is_safe_to_repeat(method) and "request_id" in method.input_type.fields_by_name
        )

    def identify(self, path: str, request: Any) -> None:
        """Give a request that may be sent several times an id, by which it has its effect once, unless it has one."""
        if path in self._repeated and not request.request_id:
            request.request_id = new_id("req")

    def timeout(self, given: float | None, *, is_stream: bool) -> float | None:
        """Return how many seconds a call has for which its caller gives so many; None for as long as it takes."""
        limit, until = given, deadline.get()
        # A stream lasts as long as its caller wants, unless the caller says otherwise.
        if limit is None and not is_stream:
            limit = DEFAULT_DEADLINE_SECONDS
        if until is None:
            return limit
        left = max(0.0, until - asyncio.get_running_loop().time())
        # A little before the call that is being served has to be done: it still has to say who didn't answer.
        left -= min(_NAMING_SECONDS, left / 10)
        return left if limit is None else min(limit, left)

    def metadata(self, given: Any, path: str, request: Any, trace: str) -> grpc.aio.Metadata:
        """Return what a call carries: what its caller gives, trace, token, and delegation."""
        metadata = grpc.aio.Metadata(*(given or ()))
        names = {name for name, _ in metadata}
        if trace:
            metadata.add(telemetry.TRACE_KEY, trace)
        if self._credential is not None and TOKEN_KEY not in names:
            metadata.add(TOKEN_KEY, f"Bearer {self._credential.fresh_token(self._service, identity.relayed())}")
        if DELEGATION_KEY not in names and (delegation := self._delegation(path, request)):
            metadata.add(DELEGATION_KEY, delegation)
        return metadata

    def _delegation(self, path: str, request: Any) -> str:
        caller = identity.current()
        if caller is not None and caller.passed_on is not None:
            return caller.passed_on.token if path.removeprefix("/") in caller.passed_on.methods else ""
        rule = self._rules.get(path)
        if rule is None or self._credential is None or request is None or not rule.delegates:
            return ""
        agents = values_at(request, rule.agent)
        if not agents:
            return ""
        return self._credential.delegation(self._service, rule.delegates, *agents, session=identity.relayed())


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends the calls of one method; what it makes of a request is the call that gRPC makes."""

    send: Any
    path: str
    preparing: _Preparing
    streams_in: bool = False
    streams_out: bool = False

    def __call__(self, request: Any = None, timeout: float | None = None, metadata: Any = None, **others: Any) -> Any:
        """Send a call with trace, token, delegation and deadline."""
        is_stream, whole = self.streams_in or self.streams_out, None if self.streams_in else request
        if not is_stream:
            self.preparing.identify(self.path, request)
        made = ClientCall(self.path) if telemetry.is_exported() else None
        trace = telemetry.trace_parent() if made is None else made.header
        call = self.send(
            request,
            timeout=self.preparing.timeout(timeout, is_stream=is_stream),
            metadata=self.preparing.metadata(metadata, self.path, whole, trace),
            **others,
        )
        if made is not None:
            made.watch(call)
        return call


class _PreparingChannel(grpc.aio.Channel):
    """A channel whose calls are prepared, without interceptors: they take a task, and a tenth of a call's time."""

    def __init__(self, channel: grpc.aio.Channel, preparing: _Preparing) -> None:
        self._channel = channel
        self._preparing = preparing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._channel.close()

    async def close(self, grace: float | None = None) -> None:
        """Close it; calls under way have so many seconds."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return whether it is connected."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until that is another than the state that was seen last."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until it is connected."""
        await self._channel.channel_ready()

    def unary_unary(self, method: str, *serializers: Any, **options: Any) -> Any:
        """Return what sends one request, and gives one answer."""
        return _Sender(self._channel.unary_unary(method, *serializers, **options), method, self._preparing)

    def unary_stream(self, method: str, *serializers: Any, **options: Any) -> Any:
        """Return what sends one request, and gives a stream."""
        send = self._channel.unary_stream(method, *serializers, **options)
        return _Sender(send, method, self._preparing, streams_out=True)

    def stream_unary(self, method: str, *serializers: Any, **options: Any) -> Any:
        """Return what sends a stream, and gives one answer."""
        send = self._channel.stream_unary(method, *serializers, **options)
        return _Sender(send, method, self._preparing, streams_in=True)

    def stream_stream(self, method: str, *serializers: Any, **options: Any) -> Any:
        """Return what sends a stream, and gives one."""
        send = self._channel.stream_stream(method, *serializers, **options)
        return _Sender(send, method, self._preparing, streams_in=True, streams_out=True)
