"""Wires the gateway."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import uvicorn
from cryptography.fernet import Fernet

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.gateway.app import build_app
from services.gateway.backend import Backend
from services.gateway.mcp.http import McpEndpoint
from services.gateway.settings import GatewaySettings
from services.gateway.web.guard import is_same_origin
from services.gateway.web.sessions import RELAY, Sessions
from services.runtime.key_file import KeyFile
from services.runtime.keystore import Keystore
from services.runtime.rpc.client import connect
from services.runtime.rpc.registry import Registry
from services.runtime.rpc.server import proof_of
from services.runtime.settings import SettingsError
from services.runtime.telemetry.exporting import exporting
from services.runtime.version import suite_version

log = logging.getLogger(__name__)

_BACKLOG = 1024
_MAX_HEADER_BYTES = 32 * 2**10
_IDLE_SECONDS = 30
_MAX_CONNECTIONS = 1024
"""How many connections there may be beside those of event streams."""

_KEY_FILE = "gateway-cookies.key"


def targets_of(settings: GatewaySettings) -> Mapping[type[Any], str]:
    """Return where each stub's service is."""
    return {
        AgentServiceStub: settings.agents_target,
        EventServiceStub: settings.agents_target,
        DraftServiceStub: settings.agents_target,
        MemoryServiceStub: settings.memory_target,
        RelationshipServiceStub: settings.memory_target,
        LlmServiceStub: settings.llm_target,
        TradingServiceStub: settings.trading_target,
        SocialServiceStub: settings.social_target,
    }


@contextlib.asynccontextmanager
async def opened(settings: GatewaySettings) -> AsyncIterator[Backend]:
    """Open what the endpoints work with."""
    proof = proof_of(RELAY, settings)
    registry = Registry(settings.principals or settings.auth_dir / "principals.json")
    sessions = Sessions(registry, _cookie_keys(settings), is_same_origin)
    async with connect(targets_of(settings), proof) as stubs:
        calls = asyncio.Semaphore(settings.max_concurrent_calls)
        yield Backend(stubs, sessions, settings, calls, asyncio.Event())


@contextlib.asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[str]:
    """Serve until the block ends, then drain; the value is where, as `host:port`."""
    async with exporting(RELAY, settings), opened(settings) as backend:
        listening, mcp = listen(settings), McpEndpoint(backend, suite_version())
        server = _Server(
            uvicorn.Config(
                build_app(backend, mcp),
                ssl_certfile=settings.tls_certificate,
                ssl_keyfile=settings.tls_key,
                # The one in every image, which also limits headers; others are there or not with other packages.
                http="h11",
                h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
                limit_concurrency=settings.max_open_streams + _MAX_CONNECTIONS,
                timeout_keep_alive=_IDLE_SECONDS,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="off",
                timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
            )
        )
        port = listening.getsockname()[1]
        task = asyncio.create_task(server.serve([listening]), name="http")
        try:
            log.info("serving", extra={"host": settings.host, "port": port})
            yield settings.at(port)
        finally:
            backend.draining.set()
            server.should_exit = True
            await task
            await mcp.close()
            log.info("stopped")


def listen(settings: GatewaySettings) -> socket.socket:
    """Return a socket that listens where the settings say. Raises SettingsError."""
    # asyncio sends at once (TCP_NODELAY) only where a socket names its protocol; otherwise each body waits for 40 ms.
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, settings.host != "::")
        listening.bind(address)
        # Whoever is told where it is may connect at once.
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"{settings.variable('port')}: {settings.address} can't be listened on: {error.strerror}"
        ) from None
    return listening


class _Server(uvicorn.Server):
    """A server whose process handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


def _cookie_keys(settings: GatewaySettings) -> Keystore:
    """Return what seals cookies: kept in the data folder, so that a restart signs nobody out; else for this process."""
    path = settings.auth_dir / _KEY_FILE
    try:
        file = KeyFile(path)
        return Keystore(file.read() or file.create())
    except SettingsError as error:
        log.info("cookies end with this process", extra={"reason": str(error)})
        return Keystore([Fernet.generate_key()])
