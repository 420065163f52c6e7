"""What a neighbour's status becomes."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from services.agents.adapters.calls import calling
from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused
from services.llm.domain.errors import ProviderUnavailable
from services.runtime.rpc.status import to_status
from services.social.domain.errors import ReplyShareUsedUp


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, "the llm service is not available"),
        (grpc.StatusCode.CANCELLED, "the llm service is not available"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "the llm service did not answer in time"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "the llm service is busy, or its own limit is reached"),
    ],
)
def test_what_may_succeed_later_says_why_it_did_not_now(code: grpc.StatusCode, text: str) -> None:
    with pytest.raises(DependencyUnavailable) as raised, calling("llm"):
        raise AioRpcError(code, Metadata(), Metadata(), details="...")
    assert raised.value.message == text


def test_a_service_that_is_there_says_itself_what_keeps_it() -> None:
    status = to_status(ProviderUnavailable("grok", "failed with HTTP 503", 7.0), "llm.puppet")
    trailers = Metadata(("grpc-status-details-bin", status.SerializeToString()))
    with pytest.raises(DependencyUnavailable) as raised, calling("llm"):
        raise AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), trailers, details=status.message)
    assert raised.value.message == "the llm service can't now: grok: failed with HTTP 503"
    assert raised.value.retry_after == 7.0


def test_a_limit_that_lasts_for_a_day_is_a_refusal() -> None:
    status = to_status(ReplyShareUsedUp("wren", 2, 80_000.0), "social.puppet")
    trailers = Metadata(("grpc-status-details-bin", status.SerializeToString()))
    with pytest.raises(Refused) as raised, calling("social"):
        raise AioRpcError(grpc.StatusCode.RESOURCE_EXHAUSTED, Metadata(), trailers, details=status.message)
    assert raised.value.reason == "REPLY_SHARE_USED_UP"


def test_everything_else_is_a_refusal_with_its_cause() -> None:
    with pytest.raises(Refused, match="NOT_FOUND: there is no model"), calling("llm"):
        raise AioRpcError(grpc.StatusCode.NOT_FOUND, Metadata(), Metadata(), details="there is no model")
