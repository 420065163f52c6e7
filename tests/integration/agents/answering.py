"""A small server that answers some methods of a service, each by a function."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from services.runtime import errors
from services.runtime.rpc import status

Answers = dict[str, Callable[[Any], Any]]


@contextlib.asynccontextmanager
async def answering(service: ServiceDescriptor, answers: Answers) -> AsyncIterator[grpc.aio.Channel]:
    """Serve some methods of a service, each by a function."""

    def handler(name: str, answer: Callable[[Any], Any]) -> Any:
        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                return answer(request)
            except errors.PuppetError as refused:
                await context.abort_with_status(rpc_status.to_status(status.to_status(refused, "test")))

        read = GetMessageClass(service.methods_by_name[name].input_type).FromString
        return grpc.unary_unary_rpc_method_handler(handle, read, lambda message: message.SerializeToString())

    handlers = {name: handler(name, answer) for name, answer in answers.items()}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
