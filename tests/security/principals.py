"""Everybody who may call, or tries to, against the five services as they really are."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from services.agents.bootstrap import opener as open_agents
from services.agents.settings import AgentsSettings
from services.llm.bootstrap import opener as open_llm
from services.llm.settings import LlmSettings, read_provider
from services.memory.bootstrap import opener as open_memory
from services.memory.settings import MemorySettings
from services.runtime.rpc.access import Rule, full_name
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.identity import Kind, Principal
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import Opener, serving
from services.runtime.rpc.status import Remote
from services.runtime.settings import ServiceSettings
from services.social.bootstrap import opener as open_social
from services.social.settings import SocialSettings
from services.trading.bootstrap import opener as open_trading
from services.trading.settings import TradingSettings

SERVICES = ("agents", "memory", "llm", "trading", "social")
RELAY = "gateway"
AGENT = "odd"
"""The character that every request is about."""

NOWHERE = "http://127.0.0.1:1"
OUTCOME_SECONDS = 20.0


@dataclass(frozen=True)
class Suite:
    """Five services on loopback ports, and the credentials of everybody."""

    folder: Path
    channels: Mapping[str, grpc.aio.Channel] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> PrincipalFiles:
        """Who there is."""
        return PrincipalFiles(self.folder / "auth")

    def credential(self, name: str) -> Credential:
        """Return a principal's credential."""
        return Credential.read(self.files.credential_path(name))

    async def outcome(
        self, method: MethodDescriptor, metadata: Mapping[str, str], request: Message | None = None
    ) -> str:
        """Call a method, and return `OK` or the reason of the refusal."""
        service = method.containing_service.full_name.split(".")[1]
        coding: Any = {
            "request_serializer": GetMessageClass(method.input_type).SerializeToString,
            "response_deserializer": GetMessageClass(method.output_type).FromString,
        }
        channel, path = self.channels[service], f"/{full_name(method)}"
        asked = request if request is not None else about(method, AGENT)
        given: Any = {"metadata": tuple(metadata.items()), "timeout": OUTCOME_SECONDS}
        try:
            if method.client_streaming:
                await channel.stream_unary(path, **coding)(iter([asked]), **given)
            elif method.server_streaming:
                call = channel.unary_stream(path, **coding)(asked, **given)
                async for _ in call:
                    break
                call.cancel()
            else:
                await channel.unary_unary(path, **coding)(asked, **given)
        except grpc.aio.AioRpcError as error:
            remote = Remote(error)
            return remote.reason or remote.code.name
        return "OK"


def bearer(credential: Credential, service: str) -> dict[str, str]:
    """Return the metadata that proves a principal to a service."""
    return {"authorization": f"Bearer {credential.fresh_token(service)}"}


def about(method: MethodDescriptor, agent: str) -> Message:
    """Return a request that names an agent, or a thing that isn't there, and is otherwise empty."""
    rule, request = Rule.of(method), GetMessageClass(method.input_type)()
    path = rule.agent or rule.resource
    place: Any = request
    for name in path[:-1]:
        named_by = getattr(place, name)
        place = named_by.add() if hasattr(named_by, "add") else named_by
    if path and isinstance(place, Struct):
        place[path[-1]] = agent
    elif path:
        value = agent if rule.agent else "none_1"
        named = place.DESCRIPTOR.fields_by_name[path[-1]]
        if named.is_repeated:
            getattr(place, path[-1]).append(value)
        else:
            setattr(place, path[-1], value)
    return request


@contextlib.asynccontextmanager
async def served(
    folder: Path, new_database: Callable[[str], str] | None = None, x_url: str = NOWHERE
) -> AsyncIterator[Suite]:
    """Run the five services on one data folder; the world outside of them isn't there, but for an X that is given.

    `new_database` makes the database of a service and returns its URL; without it each has an SQLite file.
    """
    files = PrincipalFiles(folder / "auth")
    files.prepare((*SERVICES, RELAY))
    for principal in (
        Principal("reader", Kind.READER),
        Principal("client-read", Kind.CLIENT, may_write=False),
        Principal("client-write", Kind.CLIENT),
        Principal("client-odd", Kind.CLIENT, frozenset({AGENT})),
        Principal("client-pia", Kind.CLIENT, frozenset({"pia"})),
    ):
        files.add(principal)
    here: Any = {"port": 0, "data_dir": folder, "drain_seconds": 0.2}
    async with contextlib.AsyncExitStack() as stack:
        addresses = {
            name: await stack.enter_async_context(serving(name, settings, open_service))
            for name, settings, open_service in _neighbours(here, new_database, x_url)
        }
        targets: Any = {f"{name}_target": address for name, address in addresses.items()}
        settings = AgentsSettings(
            **here, **_stored(new_database, "agents"), **targets, speed=1e-6, patience_seconds=0.2
        )
        addresses["agents"] = await stack.enter_async_context(serving("agents", settings, open_agents(settings)))
        channels = {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for name, address in addresses.items()
        }
        yield Suite(folder, channels, addresses)


def _stored(new_database: Callable[[str], str] | None, name: str) -> dict[str, Any]:
    return {} if new_database is None else {"database_url": new_database(name)}


def _neighbours(
    here: Any, databases: Callable[[str], str] | None, x_url: str
) -> list[tuple[str, ServiceSettings, Opener]]:
    memory = MemorySettings(**here, **_stored(databases, "memory"))
    llm = LlmSettings(**here, providers=(read_provider("fake"),))
    trading = TradingSettings(**here, **_stored(databases, "trading"), rpc_url=NOWHERE, jupiter_url=NOWHERE)
    social = SocialSettings(**here, **_stored(databases, "social"), x_base_url=x_url)
    return [
        ("memory", memory, open_memory(memory)),
        ("llm", llm, open_llm(llm)),
        ("trading", trading, open_trading(trading)),
        ("social", social, open_social(social)),
    ]


__all__ = ["AGENT", "OPERATOR", "RELAY", "SERVICES", "Suite", "about", "bearer", "served"]
