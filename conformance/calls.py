"""Calls as any other language makes them: no retry, nothing added but the proof of who calls."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from conformance.contract import descriptors_of, short_name
from services.runtime.rpc.access import Rule, full_name, values_at
from services.runtime.rpc.authentication import DELEGATION_KEY, TOKEN_KEY
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.reasons import reasons_of
from services.runtime.rpc.status import Remote

SECONDS = 30.0
"""How long a call may take, unless a case says otherwise."""

_PATIENCE_SECONDS = 20.0
"""How long a service has to end a call whose deadline only it knows."""


_OF_THE_LIBRARY = {grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
"""What gRPC itself says of a call, without a reason, when the service said nothing."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What calls carry: a token that was made elsewhere, or those of a credential, or nothing."""

    token: str = ""
    credential: Credential | None = None

    def __bool__(self) -> bool:
        return bool(self.token or self.credential)

    def metadata(self, service: str, method: MethodDescriptor, request: Message | None) -> Iterator[tuple[str, str]]:
        """Yield what proves who calls an RPC, and lets it act for its caller elsewhere."""
        if self.credential is None:
            if self.token:
                yield TOKEN_KEY, f"Bearer {self.token}"
            return
        yield TOKEN_KEY, f"Bearer {self.credential.fresh_token(service)}"
        rule = Rule.of(method)
        if rule.delegates and request is not None and (agents := values_at(request, rule.agent)):
            yield DELEGATION_KEY, self.credential.delegation(service, rule.delegates, *agents)


@dataclass(frozen=True, slots=True)
class How:
    """How a call is made."""

    seconds: float = SECONDS
    deadline_ms: int = 0
    """A deadline that only the service is told: 0 for none. What ends the call is then its own doing."""
    take: int = 0
    """Cancel a stream after so many answers; 0: read it to its end."""
    counting: str = ""
    """Only answers with this field set count, for example those of a stream that are no heartbeats."""
    shows_proof: bool = True
    unknown_field: bool = False
    """Send a field along that no contract has yet, as a newer client would."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: its answers, and why it was refused if it was."""

    answers: Sequence[Message] = ()
    refusal: Remote | None = None


@dataclass(slots=True)
class Caller:
    """Calls one service, and notes with what reasons it refuses."""

    channel: grpc.aio.Channel
    service: str
    proof: Proof
    undeclared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By RPC: the reasons that its contract doesn't name."""
    _declared: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._declared = reasons_of(descriptors_of(self.service))

    async def call(self, method: MethodDescriptor, requests: Sequence[Message], how: How | None = None) -> Outcome:
        """Call an RPC with a request, or with those of a stream; a refusal is an outcome like another."""
        how = how or How()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS if how.deadline_ms else None):
                return Outcome(await self._answers(method, requests, how))
        except grpc.aio.AioRpcError as error:
            remote = Remote(error)
            reason, path = remote.reason or "none", f"/{full_name(method)}"
            is_told = bool(remote.reason) or remote.code not in _OF_THE_LIBRARY
            if is_told and reason not in self._declared[path]:
                self.undeclared[short_name(method)].add(f"{remote.code.name} with reason {reason}")
            return Outcome(refusal=remote)

    async def _answers(self, method: MethodDescriptor, requests: Sequence[Message], how: How) -> list[Message]:
        # The number is the largest that a field may have.
        tail = b"\xf8\xff\xff\xff\x0f\x01" if how.unknown_field else b""
        coding: Mapping[str, Any] = {
            "request_serializer": lambda message: message.SerializeToString() + tail,
            "response_deserializer": GetMessageClass(method.output_type).FromString,
        }
        named = None if method.client_streaming else requests[0]
        metadata = [*self.proof.metadata(self.service, method, named)] if how.shows_proof else []
        timeout: float | None = how.seconds
        if how.deadline_ms:
            metadata.append(("grpc-timeout", f"{how.deadline_ms}m"))
            timeout = None
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        rpc = getattr(self.channel, kind)(f"/{full_name(method)}", **coding)
        call = rpc(iter(requests) if method.client_streaming else requests[0], timeout=timeout, metadata=metadata)
        if not method.server_streaming:
            return [await call]
        return await _taken(call, how)


async def _taken(call: Any, how: How) -> list[Message]:
    taken: list[Message] = []
    async for answer in call:
        if how.counting and not answer.HasField(how.counting):
            continue
        taken.append(answer)
        if len(taken) == how.take:
            call.cancel()
            break
    return taken
