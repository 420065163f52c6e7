"""What a server says of its own contracts, under both names of the protocol: `grpc.reflection.v1` and `v1alpha`.

grpcio-reflection has `v1alpha` alone. `v1` has the same messages under another package, so its descriptor is made of
that one.
"""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

_OLD, _NEW = "grpc.reflection.v1alpha", "grpc.reflection.v1"
SERVICE_NAMES = (f"{_NEW}.ServerReflection", f"{_OLD}.ServerReflection")


def add_reflection(names: Sequence[str], server: Any) -> None:
    """Serve reflection of these services, and of itself."""
    _know_new(descriptor_pool.Default())
    all_names = (*names, *SERVICE_NAMES)
    handler = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(all_names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, methods) for name in SERVICE_NAMES])


def _know_new(pool: descriptor_pool.DescriptorPool) -> None:
    """Let a pool know `v1`, which those ask for who describe every service that a server lists."""
    file = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    file.name, file.package = file.name.replace("v1alpha", "v1"), _NEW
    file.ClearField("options")
    for message in file.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = _renamed(field.type_name)
    for service in file.service:
        for method in service.method:
            method.input_type, method.output_type = _renamed(method.input_type), _renamed(method.output_type)
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        pool.Add(file)


def _renamed(name: str) -> str:
    return name.replace(f".{_OLD}.", f".{_NEW}.")
