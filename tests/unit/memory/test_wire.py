"""Memories and relationships on the wire: what goes in comes out, and what is wrong is named."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from services.memory.domain.memories import Memory, MemoryFilter, MemoryKind, Provenance, VersionedMemory
from services.memory.domain.relationships import NewInteraction
from services.memory.wire import memories as wire
from services.memory.wire import relationships as relationship_wire
from services.memory.wire import search as search_wire
from services.memory.wire import upkeep as upkeep_wire
from services.runtime.errors import InvalidRequest
from tests.unit.memory.examples import NOW, memory

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
STATES = st.builds(
    memory,
    text=TEXTS.filter(str.strip),
    kind=st.sampled_from(MemoryKind),
    provenance=st.sampled_from(Provenance),
    importance=st.floats(0, 1),
    valence=st.floats(-1, 1),
    author=TEXTS,
    source_id=TEXTS,
    subject=TEXTS,
    conversation_id=TEXTS,
    attributes=st.dictionaries(TEXTS.map(lambda text: text[:64]).filter(str.strip), TEXTS, max_size=4),
    occur_time=TIMES,
    create_time=TIMES,
    update_time=TIMES,
    expire_time=st.none() | TIMES,
    version=st.integers(1, 10**18 - 1),
    access_count=st.integers(0, 2**63 - 1),
)


def fields_of(error: InvalidRequest) -> set[str]:
    return {violation.field for violation in error.violations}


@given(STATES)
def test_an_exported_memory_is_imported_as_it_was(state: Memory) -> None:
    exported = pb.ExportMemoriesResponse(memory=wire.write_memory(state))
    given_back = pb.ImportMemoriesRequest(memory=exported.memory, history=exported.history)
    assert wire.read_imported(given_back, state.agent_id, NOW, is_for_one=True) == VersionedMemory(state)


def test_a_history_is_imported_with_its_states_newest_first() -> None:
    states = [memory(f"state {version}", version=version, access_count=version) for version in (7, 5, 2)]
    first, *before = map(wire.write_memory, states)
    request = pb.ImportMemoriesRequest(memory=first, history=before)
    assert wire.read_imported(request, "agt_a", NOW, is_for_one=True) == VersionedMemory(states[0], tuple(states[1:]))


@pytest.mark.parametrize(
    "etags", [("1", "1"), ("2", "3"), ("5", "3", "3"), ("", ""), ("x",), ("0",), ("9" * 40,), ("-1",)]
)
def test_states_that_do_not_follow_one_another_are_refused(etags: tuple[str, ...]) -> None:
    first, *before = [wire.write_memory(memory(f"state {number}")) for number in range(len(etags))]
    for state, etag in zip([first, *before], etags, strict=True):
        state.etag = etag
    with pytest.raises(InvalidRequest) as refused:
        wire.read_imported(pb.ImportMemoriesRequest(memory=first, history=before), "agt_a", NOW, is_for_one=True)
    [violation] = refused.value.violations
    assert violation.field.endswith(".etag")


def test_everything_that_is_wrong_in_an_import_is_named() -> None:
    wrong = pb.Memory(id="a b", etag="x", access_count=-1)
    for field in ("occur_time", "create_time", "update_time", "expire_time"):
        getattr(wrong, field).seconds = 10**12
    request = pb.ImportMemoriesRequest(agent_id="agt_b", memory=memory_message(), history=[wrong])
    with pytest.raises(InvalidRequest) as refused:
        wire.read_imported(request, "agt_a", NOW, is_for_one=True)
    names = ("text", "kind", "provenance", "id", "etag", "access_count")
    times = ("occur_time", "create_time", "update_time", "expire_time")
    assert fields_of(refused.value) == {"agent_id", *(f"history[0].{name}" for name in names + times)}


def memory_message() -> pb.Memory:
    return wire.write_memory(memory())


def test_what_is_left_out_of_a_new_memory_has_its_default() -> None:
    given = pb.Memory(agent_id="agt_a", text="x", kind=pb.MEMORY_KIND_CORE, provenance=pb.PROVENANCE_SELF)
    made = wire.read_new_memory(pb.CreateMemoryRequest(memory=given), NOW)
    assert (made.importance, made.valence, made.occur_time, made.expire_time) == (0.5, 0.0, NOW, None)
    assert (made.create_time, made.update_time, made.version, made.access_count) == (NOW, NOW, 1, 0)


def test_what_the_service_sets_is_ignored_in_a_new_memory() -> None:
    given = memory_message()
    given.id, given.etag, given.access_count = "mem_mine", "77", 9
    given.create_time.FromDatetime(NOW - timedelta(days=9))
    made = wire.read_new_memory(pb.CreateMemoryRequest(memory=given), NOW)
    assert (made.version, made.access_count, made.create_time) == (1, 0, NOW)
    assert made.id.startswith("mem_")
    assert made.id != "mem_mine"


def test_an_importance_of_0_is_not_the_default() -> None:
    given = memory_message()
    given.importance = 0.0
    assert wire.read_new_memory(pb.CreateMemoryRequest(memory=given), NOW).importance == 0.0


@pytest.mark.parametrize(
    ("seconds", "nanos", "is_time"),
    [
        (-62_135_596_799, 0, True),
        (-62_135_596_800, 0, False),
        (253_402_300_798, 999_999_000, True),
        (253_402_300_799, 0, False),
        (0, -1, False),
        (0, 1_000_000_000, False),
    ],
)
def test_times_are_of_the_years_1_to_9999(seconds: int, nanos: int, is_time: bool) -> None:
    given = memory_message()
    given.occur_time.CopyFrom(Timestamp(seconds=seconds, nanos=nanos))
    if is_time:
        made = wire.read_new_memory(pb.CreateMemoryRequest(memory=given), NOW)
        assert made.occur_time.year in (1, 9999)
        return
    with pytest.raises(InvalidRequest) as refused:
        wire.read_new_memory(pb.CreateMemoryRequest(memory=given), NOW)
    assert fields_of(refused.value) == {"memory.occur_time"}


def test_changes_are_what_the_mask_names() -> None:
    given = pb.Memory(agent_id="agt_a", id="mem_1", text="new", valence=0.5, metadata={"a": "b"})
    mask = FieldMask(paths=["text", "metadata", "expire_time", "importance"])
    values = wire.read_changes(pb.UpdateMemoryRequest(memory=given, update_mask=mask))
    assert values == {"text": "new", "attributes": {"a": "b"}, "expire_time": None, "importance": 0.5}


def test_an_update_looks_at_nothing_but_what_its_mask_names() -> None:
    given = pb.Memory(agent_id="agt_a", id="mem_1", valence=7, importance=7)
    given.expire_time.seconds = 10**12
    given.occur_time.FromDatetime(NOW)
    request = pb.UpdateMemoryRequest(memory=given, update_mask=FieldMask(paths=["occur_time", "metadata"]))
    assert wire.read_changes(request) == {"occur_time": NOW, "attributes": {}}


@pytest.mark.parametrize(
    ("paths", "refused"),
    [
        ([], {"update_mask"}),
        (["provenance", "author", "id"], {"update_mask"}),
        (["text"], {"memory.text"}),
        (["kind"], {"memory.kind"}),
        (["occur_time"], {"memory.occur_time"}),
    ],
)
def test_a_mask_that_breaks_a_rule_is_refused(paths: list[str], refused: set[str]) -> None:
    request = pb.UpdateMemoryRequest(memory=pb.Memory(agent_id="agt_a", id="mem_1"), update_mask=FieldMask(paths=paths))
    with pytest.raises(InvalidRequest) as told:
        wire.read_changes(request)
    assert fields_of(told.value) == refused


def test_a_filter_that_says_nothing_is_empty() -> None:
    assert wire.read_filter(pb.ListMemoriesRequest(agent_id="agt_a")).is_empty


def test_a_filter_takes_over_every_field() -> None:
    request = pb.ListMemoriesRequest(
        agent_id="agt_a",
        kinds=[pb.MEMORY_KIND_POST],
        provenances=[pb.PROVENANCE_AGENT],
        subject="s",
        author="a",
        source_id="p",
        conversation_id="c",
        metadata={"b": "2", "a": "1"},
        min_importance=0.0,
        max_importance=0.5,
    )
    request.start_time.FromDatetime(NOW)
    request.end_time.FromDatetime(NOW)
    assert wire.read_filter(request) == MemoryFilter(
        (MemoryKind.POST,), (Provenance.AGENT,), "s", "a", "p", "c", NOW, NOW, (("a", "1"), ("b", "2")), 0.0, 0.5
    )


def test_a_search_that_does_not_say_has_the_defaults() -> None:
    query = search_wire.read_query(pb.SearchMemoriesRequest(agent_id="agt_a", query="sea"), 0.05)
    assert (query.limit, query.min_relevance, query.recency_weight, query.importance_weight) == (10, 0.05, 0, 0)
    asked = pb.SearchMemoriesRequest(agent_id="agt_a", query="sea", min_relevance=0.0)
    assert search_wire.read_query(asked, 0.05).min_relevance == 0.0


@pytest.mark.parametrize("cursor", ["x", "-1", "0", "1.", ".5", "1.x", "²", "9" * 30, "9" * 5_000])
def test_a_cursor_of_no_export_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wire.read_cursor(pb.ExportMemoriesRequest(agent_id="agt_a", after_cursor=cursor))
    assert fields_of(refused.value) == {"after_cursor"}


def test_a_purge_without_a_source_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        upkeep_wire.read_source(pb.PurgeSourceRequest())
    assert fields_of(refused.value) == {"agent_id", "source"}
    with pytest.raises(InvalidRequest) as blank:
        upkeep_wire.read_source(pb.PurgeSourceRequest(agent_id="agt_a", author=" "))
    assert fields_of(blank.value) == {"author"}


def test_an_interaction_is_taken_over() -> None:
    request = relationship_pb.RecordInteractionRequest(
        agent_id="agt_a", counterpart="nova", summary="met", sentiment_delta=0.5, shared_experience=" a storm "
    )
    assert relationship_wire.read_interaction(request) == NewInteraction("met", 0.5, 0.0, 0.0, "a storm")


def test_a_wrong_relationship_is_refused_with_every_field_named() -> None:
    given = relationship_pb.Relationship(
        sentiment=2, familiarity=-1, trust=float("nan"), shared_experiences=["ok", " "]
    )
    mask = FieldMask(paths=["etag", "sentiment", "familiarity", "trust", "shared_experiences"])
    request = relationship_pb.UpdateRelationshipRequest(relationship=given, update_mask=mask)
    with pytest.raises(InvalidRequest) as refused:
        relationship_wire.read_change(request)
    names = ("agent_id", "counterpart", "sentiment", "familiarity", "trust", "shared_experiences[1]")
    assert fields_of(refused.value) == {"update_mask", *(f"relationship.{name}" for name in names)}


def test_datetimes_survive_to_the_microsecond() -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert wire.write_memory(memory(occur_time=time)).occur_time.ToDatetime(tzinfo=UTC) == time
