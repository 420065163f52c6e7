"""A service's gRPC server: health, reflection, the boundary, and an end that finishes what is under way."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from pydantic import ValidationError

from services.runtime import logs, private, resident
from services.runtime.background import repeating
from services.runtime.errors import Unreachable
from services.runtime.rpc import tls
from services.runtime.rpc.access import rules_of
from services.runtime.rpc.authentication import AgentOf, Authentication
from services.runtime.rpc.boundary import Boundary, Contract
from services.runtime.rpc.bounds import MAX_BYTES
from services.runtime.rpc.client import Proof
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.health import ChecksOnly, Health
from services.runtime.rpc.principals import PrincipalFiles
from services.runtime.rpc.reflection import add_reflection
from services.runtime.rpc.registry import Registry, read_principals
from services.runtime.settings import ProgramSettings, ServiceSettings, SettingsError, explain
from services.runtime.telemetry.exporting import exporting
from services.runtime.unknown_settings import unknown_settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mounted:
    """One gRPC service of a server: its descriptor, the generated function that adds it, and its servicer."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, Any], None]
    servicer: object
    agent_of: AgentOf | None = None
    """Returns the agent that something of this service belongs to, where requests name the thing and not the agent."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a service is told about its own end; open streams end with Stopping when `draining` is set."""

    draining: asyncio.Event = field(default_factory=asyncio.Event)
    health: Health = field(default_factory=Health)
    """What it says of itself, to which a service may add what it needs."""


Opener = Callable[[Lifecycle], AbstractAsyncContextManager[Sequence[Mounted]]]
"""Opens everything that a service needs, and closes it again."""


@contextlib.asynccontextmanager
async def serving(name: str, settings: ServiceSettings, open_service: Opener) -> AsyncIterator[str]:
    """Serve until the block ends, then drain; the value is the address, with the port that was really bound."""
    lifecycle = Lifecycle()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(exporting(name, settings))
        mounted = await stack.enter_async_context(open_service(lifecycle))
        authentication = _authentication(name, settings, mounted)
        contract = Contract.of([item.descriptor for item in mounted])
        boundary = Boundary(name, authentication, contract, settings, is_reflection_open=settings.is_local)
        server = grpc.aio.server(interceptors=[boundary], options=OPTIONS)
        mount = Mount(server)
        health_pb2_grpc.add_HealthServicer_to_server(lifecycle.health, mount)
        for item in mounted:
            item.add(item.servicer, mount)
        names = [item.descriptor.full_name for item in mounted]
        add_reflection([*names, HEALTH_NAME], mount)
        port = _listen(server, settings)
        await server.start()
        lifecycle.health.tell(("", *names), serves=True)
        async with _answering_probes(settings, lifecycle.health):
            log.info("serving", extra={"host": settings.host, "port": port})
            try:
                yield settings.at(port)
            finally:
                lifecycle.draining.set()
                lifecycle.health.stop()
                await boundary.drain(settings.drain_seconds)
                stopping = asyncio.create_task(server.stop(_STATUS_GRACE_SECONDS))
                await asyncio.sleep(0)
                boundary.release()
                await stopping
                log.info("stopped")


class Mount:
    """A server to which generated code adds its methods, which are looked up by name when they are called.

    That code registers each of them too, and grpc.aio then waits for each one anew at every call: for 30 methods that
    takes a fortieth of the call.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Add methods."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, _service: str, _handlers: Any) -> None:
        """Leave it: they were added already."""


_STATUS_GRACE_SECONDS = 0.3
"""How long statuses have to reach their callers when all calls are over."""

_PINGS_APART_MS = 500
"""How often a client may ping, with calls under way or without. Of other languages' clients few do so before 10 s."""

OPTIONS: list[tuple[str, int]] = [
    ("grpc.so_reuseport", 0),
    # Twice what a message may have: those in between are refused by us, with a reason, and larger ones by gRPC itself.
    ("grpc.max_receive_message_length", 2 * MAX_BYTES),
    # A delegation for a batch names all its agents, in up to 9 KiB; by default 8 are taken for sure.
    ("grpc.max_metadata_size", 16 * 2**10),
    # By default pings within 5 minutes, or without a call within 2 hours, end the connection and all calls on it.
    ("grpc.http2.min_ping_interval_without_data_ms", _PINGS_APART_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    # Who has vanished without a word keeps streams open for two hours otherwise.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


def _listen(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    """Open the service's port, with TLS if its settings say so, and its socket; the value is the port's number."""
    credentials = tls.server_credentials(settings)
    with _naming_ports("port", settings):
        if credentials is not None:
            port = server.add_secure_port(settings.address, credentials)
        else:
            port = server.add_insecure_port(settings.address)
    if settings.socket is not None:
        with _naming_ports("socket", settings):
            try:
                private.make_folder(settings.socket.parent)
            except OSError as error:
                raise settings.unusable("socket", error) from error
            server.add_insecure_port(f"unix:{settings.socket}")
    return port


@contextlib.contextmanager
def _naming_ports(field: str, settings: ServiceSettings) -> Iterator[None]:
    """Say which setting it is when a port can't be opened. Raises SettingsError."""
    try:
        yield
    except RuntimeError:
        where = {
            "socket": str(settings.socket),
            "port": settings.address,
            "health_port": settings.at(settings.health_port),
        }[field]
        raise SettingsError(
            f"{settings.variable(field)}: {where} can't be listened on: something else does, or this machine has no "
            "such address"
        ) from None


def proof_of(name: str, settings: ProgramSettings) -> Proof:
    """Return what a service proves itself with to others. Raises SettingsError."""
    path = settings.credential or _own_files(name, settings).credential_path(name)
    with settings.naming("credential"):
        credential = Credential.read(path)
    return Proof(credential, tls.channel_credentials(settings))


def _own_files(name: str, settings: ProgramSettings) -> PrincipalFiles:
    """Return the principals of a service that nobody has given any, made when they aren't there."""
    settings.data_folder()
    files = PrincipalFiles(settings.auth_dir)
    try:
        files.prepare([name])
    except OSError as error:
        raise settings.unusable("data_dir", error) from error
    return files


def _authentication(name: str, settings: ServiceSettings, mounted: Sequence[Mounted]) -> Authentication:
    path = settings.principals
    if path is not None:
        # A wrong path is told now, and not to every caller.
        with settings.naming("principals"):
            read_principals(path)
    else:
        path = _own_files(name, settings).registry
    agent_of = next((item.agent_of for item in mounted if item.agent_of is not None), None)
    return Authentication(
        name,
        Registry(path),
        rules_of(item.descriptor for item in mounted),
        agent_of,
        asks_for_certificates=settings.tls_client_ca is not None,
    )


@contextlib.asynccontextmanager
async def _answering_probes(settings: ServiceSettings, health: Health) -> AsyncIterator[None]:
    """Answer health checks on a port of their own, so that a probe needs neither a token nor a certificate."""
    if not settings.health_port:
        yield
        return
    server = grpc.aio.server(maximum_concurrent_rpcs=16, options=[("grpc.so_reuseport", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(ChecksOnly(health), server)
    with _naming_ports("health_port", settings):
        server.add_insecure_port(settings.at(settings.health_port))
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


_GIVEN_BACK_SECONDS = 10.0
"""How often it is looked for what this process holds and doesn't use."""

_COLLECTED_AFTER = 10_000
"""How many new objects are waited for before those are looked for that only refer to each other: 700 take 4% more."""
S = TypeVar("S", bound=ServiceSettings)
P = TypeVar("P", bound=ProgramSettings)


def run(name: str, kind: type[S], opener: Callable[[S], Opener]) -> None:
    """Serve gRPC until SIGTERM or SIGINT, with the settings of the environment."""
    run_until_stopped(name, kind, lambda settings: serving(name, settings, opener(settings)))


def run_until_stopped(name: str, kind: type[P], serve: Callable[[P], AbstractAsyncContextManager[str]]) -> None:
    """Serve until SIGTERM or SIGINT, with the settings of the environment; wrong ones end the process with one line."""
    try:
        settings = kind()
    except ValidationError as error:
        sys.exit(explain(error, kind.model_config.get("env_prefix", "")))
    # What the service writes is for the eyes of its user only, whatever writes it.
    os.umask(private.OTHERS)
    try:
        private.tighten(settings.data_dir)
    except OSError as error:
        sys.exit(str(settings.unusable("data_dir", error)))
    logs.configure(name, settings.log_level)
    prefix = kind.model_config.get("env_prefix", "")
    set_names = [variable for variable, value in os.environ.items() if value]
    for words in unknown_settings(set_names, prefix, kind.variables(os.environ)):
        log.warning("a setting is not known", extra={"setting": words})
    resident.configure()
    gc.set_threshold(_COLLECTED_AFTER)

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        async with serve(settings):
            # What is there now stays: going through all of it takes 60 ms, in which no call is answered.
            gc.collect()
            gc.freeze()
            async with repeating("giving memory back", _GIVEN_BACK_SECONDS, resident.give_back):
                await stopping.wait()

    try:
        asyncio.run(main())
    except SettingsError as error:
        sys.exit(str(error))
    except Unreachable as error:
        sys.exit(f"{settings.variable('database_url')}: {error}")
