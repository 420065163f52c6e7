"""Channels to other services: every call has a deadline, carries the trace, and is retried only where that is safe.

Safe to repeat are reads, and mutations that carry a request_id. A mutation whose caller gave none gets one here, so
that gRPC's own retry repeats the very same request.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from services.runtime import logs
from services.runtime.ids import new_id
from services.runtime.rpc.boundary import deadline

DEFAULT_DEADLINE_SECONDS = 30.0

_READS = ("Get", "List", "Search", "Watch", "Export", "Explain", "Preview", "Verify")


def open_channel(target: str, *services: ServiceDescriptor) -> grpc.aio.Channel:
    """Open a channel for these generated services; it connects when it is first used."""
    return grpc.aio.insecure_channel(
        target,
        interceptors=[_Caller(), _StreamCaller()],
        options=[
            ("grpc.service_config", json.dumps(_service_config(services))),
            # A service that is restarted is back in about a second: don't wait longer than that to look again.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.keepalive_time_ms", 30_000),
        ],
    )


def _service_config(services: Sequence[ServiceDescriptor]) -> dict[str, Any]:
    safe = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if _is_safe(method)
    ]
    retry = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2.0,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return {"methodConfig": [{"name": safe, "retryPolicy": retry}]} if safe else {}


def _is_safe(method: MethodDescriptor) -> bool:
    return method.name.startswith(_READS) or "request_id" in method.input_type.fields_by_name


def _prepared(details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
    limit = DEFAULT_DEADLINE_SECONDS if details.timeout is None else details.timeout
    if (until := deadline.get()) is not None:
        limit = min(limit, max(0.0, until - asyncio.get_running_loop().time()))
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    trace = logs.trace_id.get() or secrets.token_hex(16)
    metadata.add("traceparent", f"00-{trace}-{secrets.token_hex(8)}-01")
    return grpc.aio.ClientCallDetails(details.method, limit, metadata, details.credentials, details.wait_for_ready)


class _Caller(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = new_id("req")
        return await continuation(_prepared(client_call_details), request)


class _StreamCaller(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        # A stream lasts as long as its caller wants, unless the caller says otherwise.
        if client_call_details.timeout is None and deadline.get() is None:
            return await continuation(client_call_details, request)
        return await continuation(_prepared(client_call_details), request)


@contextlib.asynccontextmanager
async def channels(targets: Sequence[tuple[str, ServiceDescriptor]]) -> AsyncIterator[list[grpc.aio.Channel]]:
    """Open one channel for each target, and close them all at the end of the block."""
    opened = [open_channel(target, service) for target, service in targets]
    try:
        yield opened
    finally:
        await asyncio.gather(*(channel.close() for channel in opened))
