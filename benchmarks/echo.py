"""The baseline: a bare grpc.aio server that answers a StringValue with itself, and nothing else."""

import asyncio
import sys
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

METHOD = "/bench.Echo/Echo"


async def _echo(request: StringValue, _context: Any) -> StringValue:
    return request


async def main() -> None:
    """Serve on a free port, print it, and go on until standard input ends."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(_echo, StringValue.FromString, StringValue.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(main())
