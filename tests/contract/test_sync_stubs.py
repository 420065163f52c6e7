"""The generated stubs also serve callers that are not async: each method goes out under its name, with its messages."""

import importlib
from typing import Any

import grpc
import grpc_testing
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.contract.test_protos import METHODS

ANSWERED_ONCE = [method for method in METHODS if not method.server_streaming]


@pytest.mark.parametrize("method", ANSWERED_ONCE, ids=lambda method: method.full_name)
def test_a_sync_caller_is_answered(method: MethodDescriptor) -> None:
    service = method.containing_service
    channel = grpc_testing.channel([service], grpc_testing.strict_fake_time(0))
    module = importlib.import_module(service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc")
    stub: Any = getattr(module, f"{service.name}Stub")(channel)
    asked, answered = GetMessageClass(method.input_type)(), GetMessageClass(method.output_type)()

    call = getattr(stub, method.name).future(iter([asked]) if method.client_streaming else asked, timeout=5)
    if method.client_streaming:
        _, rpc = channel.take_stream_unary(method)
        request = rpc.take_request()
        rpc.requests_closed()
    else:
        _, request, rpc = channel.take_unary_unary(method)
    rpc.send_initial_metadata(())
    rpc.terminate(answered, (), grpc.StatusCode.OK, "")

    assert request == asked
    assert call.result() == answered
