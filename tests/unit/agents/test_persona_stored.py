"""What was stored of a persona is never refused, whatever has become a rule since."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from services.agents.domain.mood import Mood
from services.agents.domain.persona import (
    Approval,
    Capitalization,
    broken_rules,
    read_kept,
    read_persona,
    redact,
    unknown_fields,
)
from tests.conftest import ROOT
from tests.unit.agents.test_persona import PERSONAS, minimal, places_in, refused_fields

WRONG: tuple[Any, ...] = (None, -7, "x\0", [{}])
STORED_0_1: dict[str, Any] = json.loads((ROOT / "tests/data/stored/persona-0.1.json").read_text())
"""What version 0.1 has stored of a file with every field that it knew, and one that it didn't."""


def test_what_version_0_1_has_stored_is_read_without_any_loss() -> None:
    kept = read_kept(STORED_0_1)
    assert broken_rules(STORED_0_1) == {}
    assert kept == read_persona(STORED_0_1)
    assert redact(STORED_0_1) == STORED_0_1
    assert list(unknown_fields(STORED_0_1)) == ["aura"]
    assert (kept.style.capitalization, kept.style.max_post_length) == (Capitalization.LOWERCASE, 140)
    assert (kept.trading.max_trade_lamports, kept.trading.max_daily_trades) == (50_000_000, 4)
    assert [seed.kind for seed in kept.memory.seeds] == ["core", "event", "general", "general", "post", "post"]
    assert kept.system_prompts == ("You are Wren, walking.", "You are Wren, resting.")
    assert kept.llm.model == "m"


def test_of_what_breaks_a_rule_each_field_costs_itself() -> None:
    raw = minimal(
        personality={"traits": "grumpy", "values": ["thrift", 3], "emotional_range": {"default_mood": {"valence": -2}}},
        style_guide={"formatting": {"capitalization": "SHOUTING", "avoid_hyphens": True}, "voice": 7},
        behavior={
            "post_frequency": {"peak_posting_hours": 9, "min_hours_between_posts": -1, "max_hours_between_posts": 3},
            "trading_behavior": {"trading_frequency": {"min_hours_between_trades": 9, "max_hours_between_trades": 8}},
        },
        initial_memory={"core_memories": ["I am A.", {"importance": 2}, {"content": "I rest.", "type": "dream"}]},
        llm_config={"model": "m", "temperature": 1},
        post_examples=[{"post": 7}, {"topic": "rain", "post": "Rain."}],
    )
    kept, told = read_kept(raw), broken_rules(raw)
    assert set(told) == {violation.removeprefix("persona.") for violation in refused_fields(raw)} | {
        "initial_memory.core_memories[1].content"
    }
    assert told["personality.traits"] == "must be a list of texts"
    assert (kept.personality.traits, kept.personality.values) == (("grumpy",), ("thrift",))
    assert kept.personality.default_mood == Mood(0.1, 0.4, 0.5)
    assert (kept.style.capitalization, kept.style.avoid_hyphens, kept.style.voice) == (
        Capitalization.STANDARD,
        True,
        "",
    )
    assert kept.behavior.peak_posting_hours == {9}
    assert (kept.behavior.min_hours_between_posts, kept.trading.min_hours_between_trades) == (3, 8)
    assert [(seed.text, seed.kind) for seed in kept.memory.seeds] == [("I am A.", "core"), ("I rest.", "core")]
    assert (kept.llm.model, kept.llm.temperature) == ("", None)
    assert [example.text for example in kept.post_examples] == ["Rain."]


@pytest.mark.parametrize(
    ("raw", "is_called"),
    [
        ({"id": "a b", "name": "A"}, ("a b", "A")),
        ({"id": "a", "name": "A" * 101}, ("a", "A" * 101)),
        ({"id": "a"}, ("a", "")),
        ({}, ("", "")),
    ],
)
def test_a_character_keeps_its_names_whatever_the_rule_is(raw: dict[str, Any], is_called: tuple[str, str]) -> None:
    kept = read_kept(raw)
    assert (kept.id, kept.name) == is_called
    assert broken_rules(raw)


def test_a_rule_about_approval_that_nobody_knows_any_more_leaves_everything_to_a_person() -> None:
    raw = minimal(approval="tweets")
    assert read_kept(raw).approval is Approval.ALL
    assert list(broken_rules(raw)) == ["approval"]
    assert read_kept(minimal(approval="posts")).approval is Approval.POSTS


@settings(max_examples=60)
@given(raw=PERSONAS)
def test_whatever_is_stored_is_read(raw: dict[str, Any]) -> None:
    read_kept(raw)
    assert bool(broken_rules(raw)) or refused_fields(raw) in ([], ["persona.approval"])


def test_a_field_of_any_type_anywhere_costs_no_more_than_its_part() -> None:
    whole = read_kept(STORED_0_1)
    for holder, key in places_in(raw := json.loads(json.dumps(STORED_0_1))):
        before = holder[key]
        for wrong in WRONG:
            holder[key] = wrong
            kept = read_kept(raw)
            parts = ("personality", "style", "memory", "behavior", "trading", "llm", "system_prompts", "post_examples")
            assert sum(getattr(kept, part) != getattr(whole, part) for part in parts) <= 3
        holder[key] = before
