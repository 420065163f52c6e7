"""Memories: what makes two of them the same, and how they change."""

from datetime import timedelta
from typing import Any

import pytest

from services.memory.domain.memories import MemoryFilter, MemoryKind, MemoryStats, Provenance
from services.runtime.errors import Conflict
from tests.unit.memory.examples import NOW, memory


@pytest.mark.parametrize(
    "other",
    [
        {"text": "a red kite."},
        {"kind": MemoryKind.EVENT},
        {"provenance": Provenance.EXTERNAL},
        {"author": "nova"},
        {"subject": "nova"},
        {"conversation_id": "c1"},
        {"repetition": 1},
        {"source_id": "trd_1", "kind": MemoryKind.TRADE, "provenance": Provenance.SELF},
    ],
)
def test_whatever_is_said_otherwise_makes_another_memory(other: dict[str, Any]) -> None:
    assert memory(**other).fingerprint != memory().fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"id": "mem_2"},
        {"importance": 0.9},
        {"valence": -1.0},
        {"source_id": "post_1"},
        {"attributes": {"a": "b"}},
        {"occur_time": NOW - timedelta(days=1)},
        {"version": 7},
    ],
)
def test_how_much_it_matters_and_when_it_was_make_no_other_memory(other: dict[str, Any]) -> None:
    assert memory(**other).fingerprint == memory().fingerprint


@pytest.mark.parametrize("kind", [MemoryKind.TRADE, MemoryKind.POST])
def test_two_deeds_of_an_agent_are_two_memories_however_alike_and_what_it_hears_twice_is_one(
    kind: MemoryKind,
) -> None:
    first, second = (memory(kind=kind, provenance=Provenance.SELF, source_id=source_id) for source_id in ("1", "2"))
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == first._replace(id="mem_2").fingerprint
    heard = [one._replace(provenance=Provenance.EXTERNAL) for one in (first, second)]
    assert heard[0].fingerprint == heard[1].fingerprint


def test_words_that_move_from_one_field_to_the_next_make_another_memory() -> None:
    assert memory(author="ab", subject="c").fingerprint != memory(author="a", subject="bc").fingerprint


def test_names_are_kept_in_the_form_in_which_they_are_compared() -> None:
    assert memory(subject="@Nova", author="Ana María").names == ("nova", "ana maria")


def test_a_change_sets_what_is_given_and_nothing_else() -> None:
    later = NOW + timedelta(hours=1)
    before = memory(importance=0.2)
    after = before.changed({"text": "a blue kite"}, "", later)
    assert after == memory("a blue kite", importance=0.2, update_time=later, version=2)
    assert after.etag != before.etag


def test_a_change_of_another_state_is_refused() -> None:
    changed = memory().changed({"valence": 0.5}, "1", NOW)
    with pytest.raises(Conflict):
        changed.changed({"valence": 0.6}, "1", NOW)
    assert changed.changed({"valence": 0.6}, changed.etag, NOW).valence == 0.6


def test_a_filter_without_conditions_is_empty() -> None:
    assert MemoryFilter().is_empty
    assert not MemoryFilter(min_importance=0.0).is_empty


def test_the_number_of_all_memories_is_that_of_all_kinds() -> None:
    assert MemoryStats().memory_count == 0
    assert MemoryStats(kinds={MemoryKind.CORE: 2, MemoryKind.POST: 3}).memory_count == 5
