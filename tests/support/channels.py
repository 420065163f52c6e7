"""Plain channels, as another language would open them: no retry, no deadline, and a token in the metadata."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool

from services.runtime.rpc.access import Rule, values_at
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

Details = grpc.aio.ClientCallDetails
Continuation = Callable[[Details, Any], Any]


def operator_of(data_dir: Path) -> Credential:
    """Return the operator's credential of a service with this data folder; it is made when it isn't there yet."""
    files = PrincipalFiles(data_dir / "auth")
    files.prepare([])
    return Credential.read(files.credential_path(OPERATOR))


def open_as(address: str, credential: Credential) -> grpc.aio.Channel:
    """Open a channel on which everything is called by this principal, with the delegations that calls need."""
    adding = (_Unary(credential), _StreamOut(credential), _StreamIn(credential), _Both(credential))
    return grpc.aio.insecure_channel(address, interceptors=adding)


class _Adding:
    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def details(self, details: Details, request: Any = None) -> Details:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        path = details.method.decode() if isinstance(details.method, bytes) else details.method
        package, _, name = path.removeprefix("/").partition("/")
        audience = package.split(".")[1] if package.startswith("puppet.") else package.split(".")[0]
        given = {key for key, _ in metadata}
        if "authorization" not in given:
            metadata.add("authorization", f"Bearer {self._credential.fresh_token(audience)}")
        if package.startswith("puppet.") and request is not None and "puppet-delegation" not in given:
            service = descriptor_pool.Default().FindServiceByName(package)
            rule = Rule.of(service.methods_by_name[name])
            if rule.delegates and (agents := values_at(request, rule.agent)):
                metadata.add("puppet-delegation", self._credential.delegation(audience, rule.delegates, *agents))
        return Details(details.method, details.timeout, metadata, details.credentials, details.wait_for_ready)


class _Unary(_Adding, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Continuation, details: Details, request: Any) -> Any:
        return await continuation(self.details(details, request), request)


class _StreamOut(_Adding, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Continuation, details: Details, request: Any) -> Any:
        return await continuation(self.details(details, request), request)


class _StreamIn(_Adding, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Continuation, details: Details, requests: Any) -> Any:
        return await continuation(self.details(details), requests)


class _Both(_Adding, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Continuation, details: Details, requests: Any) -> Any:
        return await continuation(self.details(details), requests)
