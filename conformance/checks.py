"""Checks that follow from the contract alone, so that a new RPC or limit is covered by itself."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from conformance.breaches import Breach, breaches
from conformance.calls import Caller, How, Outcome
from conformance.contract import descriptors_of, methods_of, short_name
from conformance.results import Result, State, judged
from services.runtime.rpc.access import Rule

_BROKEN = {"UNIMPLEMENTED", "UNKNOWN", "INTERNAL", "DATA_LOSS"}
"""Statuses with which an RPC says that it isn't there, or that its service is broken."""

_SECONDS = 10.0
_TOLD = 5
"""How many faults of a kind are told."""


async def health(caller: Caller) -> AsyncIterator[Result]:
    """Yield whether each service and the whole say that they serve, as probes ask."""
    check = caller.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    for name in ["", *(found.full_name for found in descriptors_of(caller.service))]:
        faults = []
        try:
            answer = await check(health_pb2.HealthCheckRequest(service=name), timeout=_SECONDS)
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                faults.append(f"it is {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}")
        except grpc.aio.AioRpcError as error:
            faults.append(f"Check is answered with {error.code().name}")
        yield judged("health", f"{name or 'the whole'} is SERVING", faults)


async def reflection(caller: Caller) -> AsyncIterator[Result]:
    """Yield whether the service describes itself by `grpc.reflection.v1`, and has the RPCs of the contract."""
    for found in descriptors_of(caller.service):
        wanted = {method.name for method in found.methods}
        faults = []
        try:
            missing = wanted - await _reflected(caller, found.full_name)
            if missing:
                faults.append(f"it doesn't know {', '.join(sorted(missing))}")
        except grpc.aio.AioRpcError as error:
            faults.append(f"it is answered with {error.code().name}")
        yield judged("reflection", f"v1 describes {found.full_name}", faults)


async def _reflected(caller: Caller, symbol: str) -> set[str]:
    """Return the names of the RPCs that the server itself names for a service. Raises AioRpcError."""
    call = caller.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        # The messages of both versions are the same.
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    any_method = next(iter(methods_of(caller.service).values()))
    metadata = [*caller.proof.metadata(caller.service, any_method, None)]
    asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
    names: set[str] = set()
    async for answer in call(iter([asked]), timeout=_SECONDS, metadata=metadata):
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(data)
            for service in file.service:
                if f"{file.package}.{service.name}" == symbol:
                    names.update(method.name for method in service.method)
    return names


async def strangers(caller: Caller) -> AsyncIterator[Result]:
    """Yield whether an RPC that nobody knows, and a call without proof, are refused as they should be."""
    name = descriptors_of(caller.service)[0].full_name
    method = next(iter(methods_of(caller.service).values()))
    metadata = [*caller.proof.metadata(caller.service, method, None)]
    faults = ["it is answered"]
    unknown: Any = caller.channel.unary_unary(f"/{name}/NobodyKnowsThis")
    try:
        await unknown(b"", timeout=_SECONDS, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        faults = [] if error.code() is grpc.StatusCode.UNIMPLEMENTED else [f"it is refused with {error.code().name}"]
    yield judged("unknown RPC", "is refused with UNIMPLEMENTED", faults)
    label = "is refused with UNAUTHENTICATED, and the same as reason"
    if not caller.proof:
        yield Result("no token", label, False, State.LEFT_OUT, ["it needs --token or --credential"])
        return
    outcome = await caller.call(method, [next(breaches(method)).request], How(_SECONDS, shows_proof=False))
    yield judged("no token", label, _faults(outcome, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"))


async def rpcs(caller: Caller, needed: Sequence[str]) -> AsyncIterator[Result]:
    """Yield for each RPC whether it is there, and whether it keeps all its limits.

    Only requests that break a limit are sent, so that nothing happens at a service that checks them.
    """
    for name, method in methods_of(caller.service).items():
        told = [(breach, await caller.call(method, [breach.request], How(_SECONDS))) for breach in breaches(method)]
        if not told:
            yield await _unbreakable(caller, method, is_required=name in needed)
            continue
        is_there = judged(
            name, "is there", _absence(method, [outcome for _, outcome in told]), is_required=name in needed
        )
        yield is_there
        if is_there.state is State.PASSED:
            faults = [fault for breach, outcome in told for fault in _limit_faults(breach, outcome)]
            kept = f"refuses what breaks its limits and names the field ({len(told)} requests)"
            yield judged(name, kept, _shortened(faults))


async def _unbreakable(caller: Caller, method: MethodDescriptor, *, is_required: bool) -> Result:
    """Return whether an RPC is there whose requests can break nothing; one that changes something isn't called."""
    name = short_name(method)
    if not Rule.of(method).is_read:
        return Result(name, "is there", is_required, State.LEFT_OUT, ["no request of it would be refused"])
    outcome = await caller.call(method, [GetMessageClass(method.input_type)()])
    return judged(name, "is there", _absence(method, [outcome]), is_required=is_required)


def declared(caller: Caller) -> Result:
    """Return whether every refusal until now had a reason that the contract of its RPC names."""
    faults = [f"{name}: {', '.join(sorted(told))}" for name, told in sorted(caller.undeclared.items())]
    return judged("refusals", "have a reason that the RPC's contract names", _shortened(faults))


def _absence(method: MethodDescriptor, outcomes: Sequence[Outcome]) -> list[str]:
    """Return a fault when all of these calls ended as if the RPC weren't there; what a single one does is another."""
    codes = {outcome.refusal.code.name if outcome.refusal is not None else "OK" for outcome in outcomes}
    return [f"{method.name} is answered with {', '.join(sorted(codes))}"] if codes <= _BROKEN else []


def _limit_faults(breach: Breach, outcome: Outcome) -> list[str]:
    faults = _faults(outcome, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    if not faults and outcome.refusal is not None and not breach.is_named_by(outcome.refusal.violations):
        faults = ["the field is not named"]
    return [f"{breach.path} with {_shown(breach.request)}: {fault}" for fault in faults]


def _faults(outcome: Outcome, code: grpc.StatusCode, reason: str) -> list[str]:
    refusal = outcome.refusal
    if refusal is None:
        return ["it is answered"]
    if (refusal.code, refusal.reason) != (code, reason):
        return [f"it is refused with {refusal.code.name} {refusal.reason or 'and no reason'}"]
    return []


def _shown(request: Any) -> str:
    text = " ".join(str(request).split())
    return f"{{{text[:60]}{'…' if len(text) > 60 else ''}}}"


def _shortened(faults: list[str]) -> list[str]:
    more = len(faults) - _TOLD
    return faults if more <= 0 else [*faults[:_TOLD], f"and {more} more"]
