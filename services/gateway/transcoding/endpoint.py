"""An endpoint over an RPC: what of HTTP goes into which field of its request, and what of its answer is the data."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from starlette.requests import Request

from services.gateway.transcoding.descriptors import field_at, message_of
from services.gateway.transcoding.reading import fill, put, read_object, read_query
from services.gateway.transcoding.writing import write
from services.gateway.web.conditions import wanted_etags
from services.gateway.web.refusals import IDEMPOTENCY_KEY
from services.runtime.errors import InvalidRequest, Violation

Reshape = Callable[[dict[str, Any]], dict[str, Any]]
Owned = Callable[[Any, Request, str], Awaitable[str]]
"""Returns the id of what belongs to an agent: its wallet, or its account."""

Equip = Callable[[Any, Request, Any], Awaitable[None]]

_ACCEPTED = 202

PAGING = {"limit": "page_size"}
"""What pages are also asked for by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path and verb, and the RPC that it stands for."""

    verb: str
    path: str
    stub: type[Any]
    rpc: str
    summary: str
    into: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Which field of the request each parameter of the path is, or which ones, where it has another name."""
    body: str | None = None
    """The path of the field that the body is; empty: the body's fields are the request's own; None: there is none."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Other names that fields may have in the body or the query."""
    reshape: Reshape | None = None
    """Turns a body of another form into one with the contract's fields."""
    data: str = ""
    """The field of the answer that is the data, with what else is in the answer beside its fields."""
    status: int = 200
    equip: Equip | None = None
    """Adds to the RPC's request what it doesn't bring, and somebody else gives."""
    owned: Mapping[str, Owned] = field(default_factory=dict)
    """By field of the request, how it follows from the agent that the path names."""

    @property
    def method(self) -> MethodDescriptor:
        """The contract of its RPC."""
        package = self.stub.__module__.rpartition(".")[0]
        service = descriptor_pool.Default().FindServiceByName(f"{package}.{self.stub.__name__.removesuffix('Stub')}")
        return service.methods_by_name[self.rpc]

    @property
    def request(self) -> Descriptor:
        """What its RPC is asked with."""
        kind: Descriptor = self.method.input_type
        return kind

    @property
    def body_kind(self) -> Descriptor | None:
        """What its body is; None when it has none."""
        if self.body is None:
            return None
        return message_of(field_at(self.request, self.body)) if self.body else self.request

    @property
    def parameters(self) -> list[str]:
        """The parameters of its path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def places(self, parameter: str) -> tuple[str, ...]:
        """Return the fields of the request that a parameter of the path is; the first one says what it may be."""
        found = self.into.get(parameter, parameter)
        return found if isinstance(found, tuple) else (found,)

    @property
    def etag(self) -> str:
        """The path of the request's field for an etag; empty when it has none."""
        fields = self.request.fields_by_name
        if "etag" in fields:
            return "etag"
        masked = self.mask
        return f"{masked}.etag" if masked else ""

    @property
    def mask(self) -> str:
        """The field of the request that an update mask names the fields of; empty when there is none."""
        return (self.body or "").partition(".")[0] if "update_mask" in self.request.fields_by_name else ""

    async def read(self, request: Request, backend: Any) -> Message:
        """Return the RPC's request. Raises InvalidRequest."""
        message = GetMessageClass(self.request)()
        named = dict(request.path_params)
        if self.body is not None:
            given = read_object(await request.body())
            given = self.reshape(given) if self.reshape else given
            given = self._rename(given)
            self._fill_body(message, given)
            if extra := [name for name, _ in request.query_params.multi_items()]:
                raise InvalidRequest([Violation(name, "is unknown here: the body says it") for name in extra])
        else:
            pairs = [(self.renamed.get(name, name), text) for name, text in request.query_params.multi_items()]
            fill(message, read_query(self.request, pairs))
        for name, value in named.items():
            if name in self.owned_by:
                continue
            for place in self.places(name):
                self._put(message, place, value)
        for path, find in self.owned.items():
            self._put(message, path, await find(backend, request, named["agent_id"]))
        self._read_headers(message, request)
        if self.equip:
            await self.equip(backend, request, message)
        return message

    @property
    def owned_by(self) -> frozenset[str]:
        """The parameters of the path from which others follow."""
        return frozenset({"agent_id"} if self.owned else ())

    def status_of(self, answer: Any) -> int:
        """Return the HTTP status of an answer: that of one to something which still goes on is 202."""
        fields = answer.DESCRIPTOR.fields_by_name
        if "waiting" not in fields:
            return self.status
        is_done = answer.is_done if "is_done" in fields else answer.HasField("activity")
        return self.status if is_done else _ACCEPTED

    def written(self, answer: Message) -> dict[str, Any]:
        """Return the data of an answer."""
        data = write(answer)
        if not self.data:
            return data
        inner = data.pop(self.data, {})
        return {**inner, **data}

    def _rename(self, given: dict[str, Any]) -> dict[str, Any]:
        twice = [old for old, new in self.renamed.items() if old in given and new in given]
        if twice:
            raise InvalidRequest([Violation(old, f"is another name of {self.renamed[old]}: give one") for old in twice])
        return {self.renamed.get(name, name): value for name, value in given.items()}

    def _fill_body(self, message: Any, given: dict[str, Any]) -> None:
        target = message
        for name in filter(None, (self.body or "").split(".")):
            target = getattr(target, name)
        fill(target, given)
        if self.body:
            # Also when the body is empty: it was given.
            target.SetInParent()
        if self.mask:
            inner = (self.body or "").partition(".")[2]
            fields = target.DESCRIPTOR.fields
            named = [field.name for field in fields if {field.name, field.camelcase_name} & given.keys()]
            message.update_mask.paths.extend([inner] if inner else named)

    def _put(self, message: Any, path: str, value: Any) -> None:
        """Set a field to what the path says; the body may only say the same."""
        owner = message
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        if isinstance(owner, Struct):
            if name in owner and owner[name] != value:
                raise InvalidRequest([Violation(path, "is another one than in the path")])
            owner[name] = value
            return
        if owner.DESCRIPTOR.fields_by_name[name].is_repeated:
            value = [value]
        before = getattr(owner, name)
        if before and before != value:
            raise InvalidRequest([Violation(path, "is another one than in the path")])
        put(message, path, value)

    def _read_headers(self, message: Any, request: Request) -> None:
        if "request_id" in self.request.fields_by_name and (key := request.headers.get(IDEMPOTENCY_KEY)):
            if message.request_id not in ("", key):
                raise InvalidRequest([Violation("request_id", "is another one than in the header Idempotency-Key")])
            message.request_id = key
        if self.etag and (wanted := wanted_etags(request)):
            put(message, self.etag, wanted[0])

    def otherwise(self, message: Any, request: Request) -> list[Message]:
        """Return the same request with each further etag that `If-Match` names: a service is asked for one."""
        others = []
        for etag in wanted_etags(request)[1:] if self.etag else ():
            other = type(message).FromString(message.SerializeToString())
            put(other, self.etag, etag)
            others.append(other)
        return others


def quoted(etag: str) -> str:
    """Return an etag as HTTP has it."""
    return f'"{etag}"'
