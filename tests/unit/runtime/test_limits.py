"""Requests are checked by the options of their contracts."""

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from puppet.llm.v1 import llm_service_pb2 as llm
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.social.v1 import social_service_pb2 as social
from puppet.trading.v1 import trading_service_pb2 as trading
from services.runtime.errors import InvalidRequest
from services.runtime.rpc.limits import RequestChecks, check, page_of, size_of


def told(request: Message) -> Mapping[str, str]:
    """Return what is refused of a request, by field."""
    try:
        check(request)
    except InvalidRequest as refused:
        return {item.field: item.description for item in refused.violations}
    return {}


def test_everything_that_breaks_the_contract_is_named_at_once() -> None:
    request = memory.SearchMemoriesRequest(query=" ", max_results=101, min_relevance=1.5)
    kinds: Any = request.kinds
    kinds.extend([0, 99])
    assert told(request) == {
        "agent_id": "is required",
        "query": "is required",
        "max_results": "must be 0 to 100, and is 101",
        "min_relevance": "must be 0 to 1, and is 1.5",
        "kinds[0]": "is required",
        "kinds[1]": "has no value 99",
    }


@pytest.mark.parametrize(("top_p", "is_right"), [(0.0, False), (0.001, True), (1.0, True), (1.1, False)])
def test_a_range_may_begin_above_its_least(top_p: float, is_right: bool) -> None:
    request = llm.GenerateRequest(prompt=llm.Prompt(input="x"), sampling=llm.Sampling(top_p=top_p))
    assert (told(request) == {}) == is_right


def test_what_may_be_left_out_is_right_when_it_is() -> None:
    assert told(llm.GenerateRequest(prompt=llm.Prompt(input="x"), sampling=llm.Sampling())) == {}
    assert told(llm.GenerateRequest(prompt=llm.Prompt(input="x"), sampling=llm.Sampling(repetition_penalty=0))) == {
        "sampling.repetition_penalty": "must be 1 to 2, and is 0"
    }


def test_whole_numbers_are_compared_and_shown_with_all_their_digits() -> None:
    amount = 2**63
    mint = "So11111111111111111111111111111111111111112"
    request = trading.GetQuoteRequest(input_mint=mint, output_mint=mint, amount=amount)
    assert told(request) == {"amount": f"must be 1 to {2**63 - 1}, and is {amount}"}


def test_of_a_masked_message_only_what_the_mask_names_is_checked() -> None:
    wrong: Any = memory.Memory(agent_id="agt", id="mem", valence=7, importance=7)
    masked = memory.UpdateMemoryRequest(memory=wrong, update_mask=FieldMask(paths=["valence"]))
    assert set(told(masked)) == {"memory.valence"}
    masked.memory.ClearField("id")
    assert set(told(masked)) == {"memory.valence", "memory.id"}
    assert set(told(memory.UpdateMemoryRequest(memory=wrong))) == {"update_mask"}
    assert set(told(memory.UpdateMemoryRequest(memory=wrong, update_mask=FieldMask(paths=["author"])))) == {
        "update_mask"
    }


def test_a_required_message_that_is_not_there_is_told_by_what_it_would_hold() -> None:
    assert set(told(memory.CreateMemoryRequest())) == {
        "memory.agent_id",
        "memory.text",
        "memory.kind",
        "memory.provenance",
    }


def test_one_of_several_fields_is_asked_for_and_has_to_say_something() -> None:
    assert told(social.WithdrawPostRequest(account_id="acc")) == {"post": "is required"}
    assert told(social.WithdrawPostRequest(account_id="acc", id=" ")) == {"id": "is required"}
    assert told(social.WithdrawPostRequest(account_id="acc", create_request_id="r")) == {}


def test_what_a_service_adds_is_told_with_the_rest() -> None:
    with pytest.raises(InvalidRequest) as refused, RequestChecks(memory.GetMemoryRequest(id="m")) as checks:
        checks.refuse("id", "is none")
    assert {item.field for item in refused.value.violations} == {"agent_id", "id"}


def test_sizes_have_the_contract_s_defaults_and_bounds() -> None:
    assert page_of(memory.ListMemoriesRequest(), [], (str,)).size == 50
    assert page_of(social.ListMentionsRequest(), [], (str,)).size == 20
    with pytest.raises(InvalidRequest):
        page_of(social.ListMentionsRequest(page_size=101), [], (str,))
    assert size_of(memory.SearchMemoriesRequest(), "max_results") == 10
    assert size_of(memory.SearchMemoriesRequest(max_results=3), "max_results") == 3


def test_of_a_map_it_is_told_which_key_or_which_value_breaks_the_rule() -> None:
    request = memory.CreateMemoryRequest(
        memory=memory.Memory(
            agent_id="agt_a",
            metadata={"": "v", "k" * 65: "v", "long": "v" * 1_001},
        )
    )
    with pytest.raises(InvalidRequest) as caught:
        check(request)
    told = {(item.field, item.description) for item in caught.value.violations if "metadata" in item.field}
    assert ("memory.metadata", "the key '' is required") in told
    assert any(
        field == "memory.metadata" and "the key 'kkk" in words and "at most 64" in words for field, words in told
    )
    assert ("memory.metadata['long']", "must have at most 1000 characters, and has 1001") in told
