"""A service's gRPC server: health, reflection, the boundary, and an end that finishes what is under way."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from pydantic import ValidationError

from services.runtime import logs, private
from services.runtime.interceptors import Boundary
from services.runtime.settings import ServiceSettings, SettingsError, explain

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mounted:
    """One gRPC service of a server: its descriptor, the generated function that adds it, and its servicer."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a service is told about its own end; open streams finish by themselves when `draining` is set."""

    draining: asyncio.Event = field(default_factory=asyncio.Event)


Opener = Callable[[Lifecycle], AbstractAsyncContextManager[Sequence[Mounted]]]
"""Opens everything that a service needs, and closes it again."""


@contextlib.asynccontextmanager
async def serving(name: str, settings: ServiceSettings, open_service: Opener) -> AsyncIterator[str]:
    """Serve until the block ends, then drain; the value is the address, with the port that was really bound."""
    lifecycle = Lifecycle()
    async with open_service(lifecycle) as mounted:
        boundary = Boundary(name, settings.max_concurrent_calls, settings.default_deadline_seconds)
        server = grpc.aio.server(interceptors=[boundary], options=[("grpc.so_reuseport", 0)])
        checks = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        for item in mounted:
            item.add(item.servicer, server)
        names = [item.descriptor.full_name for item in mounted]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        port = server.add_insecure_port(settings.address)
        await server.start()
        for full_name in ("", *names):
            await checks.set(full_name, health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", extra={"host": settings.host, "port": port})
        try:
            yield f"{settings.host}:{port}"
        finally:
            lifecycle.draining.set()
            await checks.enter_graceful_shutdown()
            await server.stop(settings.drain_seconds)
            log.info("stopped")


_M_TRIM_THRESHOLD = -1  # as in malloc.h
_COLLECTED_AFTER = 10_000
"""How many new objects are waited for before those are looked for that only refer to each other: 700 take 4% more."""
S = TypeVar("S", bound=ServiceSettings)


def run(name: str, kind: type[S], opener: Callable[[S], Opener]) -> None:
    """Serve until SIGTERM or SIGINT, with the settings of the environment; wrong ones end the process with one line."""
    try:
        settings = kind()
    except ValidationError as error:
        sys.exit(explain(error, kind.model_config.get("env_prefix", "")))
    os.umask(private.OTHERS)
    private.tighten(settings.data_dir)
    logs.configure(name, settings.log_level)
    _give_memory_back()
    gc.set_threshold(_COLLECTED_AFTER)

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        async with serving(name, settings, opener(settings)):
            # What is there now stays: going through all of it takes 60 ms, in which no call is answered.
            gc.collect()
            gc.freeze()
            await stopping.wait()

    try:
        asyncio.run(main())
    except SettingsError as error:
        sys.exit(str(error))


def _give_memory_back() -> None:
    """Keep glibc from holding on to large buffers: it does once a few were freed, unless its threshold is set."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(_M_TRIM_THRESHOLD, 128 * 1024)
