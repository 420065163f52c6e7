"""Requests in JSON and in queries, as messages of the contracts."""

from typing import Any

import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.trading.v1 import trading_service_pb2 as trading
from services.gateway.transcoding.reading import fill, read_object, read_query
from services.runtime.errors import InvalidRequest


def fields(kind: Any, data: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        fill(kind(), data)
    return [item.field for item in refused.value.violations]


def test_what_is_wrong_is_named_by_its_path_however_deep_it_lies() -> None:
    batch = {
        "agent_id": "odd",
        "memories": [{"text": "a", "kind": "core"}, {"text": 1, "kind": "gossip"}, {"texts": "b"}, "c"],
    }
    assert fields(memory.BatchCreateMemoriesRequest, batch) == [
        "memories[1].text",
        "memories[1].kind",
        "memories[2].texts",
        "memories[3]",
    ]
    assert fields(memory.SearchMemoriesRequest, {"kinds": ["core", "gossip"]}) == ["kinds[1]"]
    assert fields(memory.SearchMemoriesRequest, {"max_results": 2**31, "min_relevance": "much"}) == [
        "max_results",
        "min_relevance",
    ]
    assert fields(memory.CreateMemoryRequest, {"memory": {"occur_time": "yesterday", "metadata": {"a": 1}}}) == [
        "memory.occur_time",
        "memory.metadata",
    ]
    assert fields(trading.HaltTradingRequest, {"reason": "\ud800"}) == ["reason"]
    assert fields(agents.AdjustMoodRequest, {"levels": {}, "push": {}}) != []


def test_of_many_wrong_fields_fifty_are_named() -> None:
    assert len(fields(trading.HaltTradingRequest, {f"field{number}": 1 for number in range(1000)})) == 50


def test_values_of_enums_may_be_written_short_and_in_full() -> None:
    for written in ("core", "CORE", "MEMORY_KIND_CORE", 1):
        request = memory.ListMemoriesRequest()
        fill(request, {"kinds": [written]})
        assert request.kinds == [memory.MEMORY_KIND_CORE]


def test_numbers_of_64_bits_may_be_texts() -> None:
    request = trading.UpdatePolicyRequest()
    fill(request, {"policy": {"max_trade_lamports": "18446744073709551615", "maxDailyTrades": 3}})
    assert request.policy.max_trade_lamports == 2**64 - 1
    assert request.policy.max_daily_trades == 3


def test_a_query_has_lists_by_repeating_and_nothing_twice() -> None:
    kind = memory.ListMemoriesRequest.DESCRIPTOR
    pairs = [("kinds", "core"), ("kinds", "recent"), ("page_size", "5"), ("min_importance", "0.5")]
    request = memory.ListMemoriesRequest()
    fill(request, read_query(kind, pairs))
    assert (list(request.kinds), request.page_size, request.min_importance) == ([1, 2], 5, 0.5)
    delete = agents.DeleteAgentRequest()
    fill(delete, read_query(delete.DESCRIPTOR, [("is_wallet_kept", "true"), ("allowMissing", "false")]))
    assert (delete.is_wallet_kept, delete.allow_missing) == (True, False)
    with pytest.raises(InvalidRequest) as refused:
        read_query(kind, [("page_size", "5"), ("page_size", "6"), ("sort", "up")])
    assert [item.field for item in refused.value.violations] == ["page_size", "sort"]


def test_a_body_is_an_object_of_json_as_the_standard_has_it() -> None:
    assert read_object(b"") == read_object(b" \n") == read_object(b"{}") == {}
    for wrong in (b"[]", b"1", b"{", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 2}', b"\xff", b'{"a": 1} x'):
        with pytest.raises(InvalidRequest):
            read_object(wrong)
    with pytest.raises(InvalidRequest, match="deep"):
        read_object(b'{"a":' * 100 + b"1" + b"}" * 100)
    with pytest.raises(InvalidRequest, match="a whole number has 10,000 digits, and may have 400"):
        read_object(b'{"a": ' + b"9" * 10_000 + b"}")
    with pytest.raises(InvalidRequest, match="body: the body must be in UTF-8"):
        read_object(b'{"a": "\xff"}')


def test_half_a_character_is_refused_and_both_halves_are_one() -> None:
    for text in (rb'{"a": "\ud83d"}', rb'{"a": {"b": ["\uDE00"]}}', rb'{"\ud83d": 1}'):
        with pytest.raises(InvalidRequest, match="body: the body has half a character in it"):
            read_object(text)
    assert read_object(rb'{"a": "\ud83d\uDE00", "b": "\\\\ud83d"}') == {"a": "😀", "b": "\\\\ud83d"}


KINDS: tuple[Any, ...] = (
    memory.CreateMemoryRequest,
    memory.SearchMemoriesRequest,
    agents.AdjustMoodRequest,
    agents.CreateAgentRequest,
    trading.UpdatePolicyRequest,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


NAMES = st.text(st.characters(exclude_characters=".["), max_size=4)


@settings(max_examples=200, deadline=None, phases=[Phase.generate])
@given(st.data())
def test_whatever_an_object_holds_it_is_read_or_refused_by_name(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    names = st.sampled_from([field.name for field in kind.DESCRIPTOR.fields]) | NAMES
    held = data.draw(st.dictionaries(names, VALUES, max_size=4))
    refused: list[str] = []
    try:
        fill(kind(), held)
    except InvalidRequest as error:
        refused = [item.field for item in error.violations]
        event("refused")
    assert all(field.split(".")[0].split("[")[0] in held for field in refused if field), (held, refused)
