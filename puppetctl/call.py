"""`puppetctl call`: any RPC of a running service, with all that a call carries.

It goes by the contracts that this program was built with; what is newer is described by the server's reflection.
"""

import asyncio
import importlib
import os
import pkgutil
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from puppetctl import DATA_DIR
from puppetctl.clients import proof_in, targets
from puppetctl.suite import SERVICES, SuiteError
from services.runtime.rpc.access import full_name
from services.runtime.rpc.authentication import TOKEN_KEY
from services.runtime.rpc.client import UNIX, Proof, open_channel

_REFLECTION_SECONDS = 10.0


def service_of(method: str) -> str:
    """Return the suite's service that `memory/ListMemories`, or any longer form of it, is about. Raises SuiteError."""
    first, *rest = method.partition("/")[0].split(".")
    name = rest[0] if first == "puppet" and rest else first
    if name not in SERVICES:
        raise SuiteError(
            f"{method!r} names no service: write for example `memory/ListMemories` or "
            "`memory.RelationshipService/ListRelationships`"
        )
    return name


def service_of_or_agents(method: str) -> str:
    """Return the service that a method is about; `agents` for one that names none, which `call` refuses."""
    try:
        return service_of(method)
    except SuiteError:
        return "agents"


async def call(method: str, data: str, seconds: float | None, data_dir: Path = DATA_DIR) -> int:
    """Call a method with a request in JSON, `-` for standard input, and print the answers in JSON.

    The messages of an upload stand on a line each. Raises SuiteError, and grpc's errors.
    """
    service = service_of(method)
    target, proof = targets(os.environ, data_dir)[service], proof_in(os.environ, data_dir)
    found = _matching(method, known := _generated(service))
    is_ours = found is not None
    if found is None:
        reflected = await asyncio.to_thread(_reflected, target, service, proof)
        found = _matching(method, reflected)
        known = [*known, *reflected]
    if found is None:
        there = "\n  ".join(dict.fromkeys(map(full_name, known)))
        raise SuiteError(f"{method!r} is no method; there are:\n  {there}")
    kind = GetMessageClass(found.input_type)
    text = sys.stdin.read() if data == "-" else data or "{}"
    messages = text.splitlines() if found.client_streaming else [text]
    requests = [_parsed(message, kind) for message in messages if message.strip()]
    # What the server says of itself may be a lie: only by our own contracts is anything signed or sent twice.
    called = [found.containing_service] if is_ours else []
    async with open_channel(target, service, proof, *called) as channel:
        async for answer in _answers(channel, found, requests, seconds):
            print(json_format.MessageToJson(answer, preserving_proto_field_name=True))  # noqa: T201
    return 0


def _generated(service: str) -> list[MethodDescriptor]:
    """Return the methods of a service as this program knows them."""
    package = importlib.import_module(f"puppet.{service}.v1")
    names = [module.name for module in pkgutil.iter_modules(package.__path__) if module.name.endswith("_service_pb2")]
    files = [importlib.import_module(f"{package.__name__}.{name}").DESCRIPTOR for name in names]
    return [method for file in files for owner in file.services_by_name.values() for method in owner.methods]


def _reflected(target: str, service: str, proof: Proof) -> list[MethodDescriptor]:
    """Return the methods of a service that the server itself knows. Raises grpc.RpcError."""
    if proof.tls is not None and not target.startswith(UNIX):
        opened = grpc.secure_channel(target, proof.tls, [("grpc.ssl_target_name_override", service)])
    else:
        opened = grpc.insecure_channel(target)
    with opened:
        # The library's own calls have no deadline: without this it would wait for a service that isn't there.
        grpc.channel_ready_future(opened).result(_REFLECTION_SECONDS)
        database = ProtoReflectionDescriptorDatabase(
            grpc.intercept_channel(opened, _ShowingToken(proof, service)),
        )
        pool = DescriptorPool(database)
        # Nobody is shown a token for another service than the one that was dialled.
        names = [name for name in database.get_services() if name.startswith(f"puppet.{service}.")]
        methods = [method for name in names for method in pool.FindServiceByName(name).methods]
        # Whatever else is asked of a descriptor is looked up while the channel is open.
        for method in methods:
            _ = (method.input_type, method.output_type)
    return methods


def _matching(wanted: str, methods: Sequence[MethodDescriptor]) -> MethodDescriptor | None:
    """Return the method that is meant. Raises SuiteError when it could be several."""
    owner, _, name = wanted.partition("/")
    found = [method for method in methods if method.name == name and _is_in(method.containing_service, owner)]
    if len(found) > 1:
        there = "\n  ".join(map(full_name, found))
        raise SuiteError(f"{wanted!r} could be several methods:\n  {there}")
    return found[0] if found else None


class _ShowingToken(grpc.StreamStreamClientInterceptor):
    """Shows the token to reflection too, which is open to everybody on loopback only."""

    def __init__(self, proof: Proof, service: str) -> None:
        credential = proof.credential
        token = [(TOKEN_KEY, f"Bearer {credential.fresh_token(service)}")] if credential else []
        self._metadata = grpc.aio.Metadata(*token)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        details = grpc.aio.ClientCallDetails(
            client_call_details.method,
            client_call_details.timeout,
            self._metadata,
            client_call_details.credentials,
            client_call_details.wait_for_ready,
        )
        return continuation(details, request_iterator)


def _is_in(service: ServiceDescriptor, owner: str) -> bool:
    """Tell whether a service is meant by `memory`, `memory.MemoryService` or its full name."""
    return "." not in owner or service.name == owner.rpartition(".")[2]


def _parsed(text: str, kind: type[Message]) -> Message:
    try:
        # protobuf takes an empty list for a message without fields, and fails in its own way at others.
        if text.lstrip()[:1] != "{":
            raise json_format.ParseError("it must be a JSON object")
        return json_format.Parse(text, kind())
    except json_format.ParseError as error:
        raise SuiteError(f"the request is no {kind.DESCRIPTOR.name}: {error}") from None


async def _answers(
    channel: grpc.aio.Channel, method: MethodDescriptor, requests: Iterable[Message], seconds: float | None
) -> AsyncIterator[Message]:
    coding: Mapping[str, Any] = {
        "request_serializer": GetMessageClass(method.input_type).SerializeToString,
        "response_deserializer": GetMessageClass(method.output_type).FromString,
    }
    path, given = f"/{full_name(method)}", list(requests)
    match method.client_streaming, method.server_streaming:
        case False, False:
            yield await channel.unary_unary(path, **coding)(_only(given, method), timeout=seconds)
        case False, True:
            async for answer in channel.unary_stream(path, **coding)(_only(given, method), timeout=seconds):
                yield answer
        case _:
            yield await channel.stream_unary(path, **coding)(_each(given), timeout=seconds)


def _only(requests: list[Message], method: MethodDescriptor) -> Message:
    return requests[0] if requests else GetMessageClass(method.input_type)()


def _each(requests: list[Message]) -> Iterator[Message]:
    yield from requests
