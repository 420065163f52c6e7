"""Reading persona files: those people already have, and those that break a rule."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agents.domain.mood import Mood
from services.agents.domain.persona import Capitalization, QuietHours, read_kept, read_persona, unknown_fields
from services.runtime.errors import InvalidRequest


def violations(raw: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        read_persona(raw)
    return {violation.field: violation.description for violation in caught.value.violations}


def refused_fields(raw: Mapping[str, Any]) -> list[str]:
    try:
        read_persona(raw)
    except InvalidRequest as refusal:
        return [violation.field for violation in refusal.violations]
    return []


def minimal(**fields: Any) -> dict[str, Any]:
    return {"id": "a", "name": "A", **fields}


def test_an_id_and_a_name_are_enough() -> None:
    persona = read_persona(minimal())
    assert not persona.is_active
    assert not persona.trading.is_enabled
    assert persona.behavior.min_hours_between_posts < persona.behavior.max_hours_between_posts
    assert persona.style.max_post_length is None


def test_a_whole_persona_is_read(sample_persona: dict[str, Any]) -> None:
    persona = read_persona(sample_persona)
    assert persona.personality.interests[0] == "letters"
    assert persona.behavior.peak_posting_hours == {7, 8}
    assert str(persona.behavior.timezone) == "Europe/Dublin"
    assert persona.trading.max_trade_lamports == 50_000_000
    assert persona.trading.max_slippage_bps == 100
    assert persona.reply_examples[0].memory == "The gate at number two creaks."
    assert unknown_fields(sample_persona) == {}


def test_every_violation_is_named_by_its_path() -> None:
    found = violations(
        {
            "name": " ",
            "behavior": {
                "post_frequency": {"min_hours_between_posts": 5, "max_hours_between_posts": 2, "timezone": "Mars/Base"},
                "interaction_patterns": {"reply_probability": 1.5, "like_probability": "often"},
            },
            "personality": {"traits": [1], "values": "thrift", "emotional_range": {"default_mood": {"valence": -2}}},
            "solana_integration": {"trade_safety": {"max_daily_trades": 1.5}},
            "style_guide": "loud",
        }
    )
    assert found["persona.id"] == "is required"
    assert found["persona.name"] == "is required"
    assert found["persona.behavior.post_frequency.min_hours_between_posts"] == (
        "must be at most max_hours_between_posts, which is 2, and is 5"
    )
    assert "Mars/Base" in found["persona.behavior.post_frequency.timezone"]
    assert found["persona.behavior.interaction_patterns.reply_probability"] == "must be 0 to 1, and is 1.5"
    assert found["persona.behavior.interaction_patterns.like_probability"] == "must be a number"
    assert found["persona.personality.traits[0]"] == "must be a text"
    assert found["persona.personality.values"] == "must be a list of texts"
    assert found["persona.personality.emotional_range.default_mood.valence"] == "must be -1 to 1, and is -2"
    assert "whole number" in found["persona.solana_integration.trade_safety.max_daily_trades"]
    assert found["persona.style_guide"] == "must be an object"


@pytest.mark.parametrize("agent_id", ["a/b", "a b", "-a", "a" * 65, "é"])
def test_an_id_must_fit_into_the_ids_made_from_it(agent_id: str) -> None:
    assert "persona.id" in violations({"id": agent_id, "name": "A"})


INVISIBLE = (
    "Od\u200bd",
    "\u202eddO",
    "\u2066Odd",
    "Odd\nHalvorsen",
    "Odd\u2028Halvorsen",
    "O\u00addd",
    "\u3164",
    "\ufeffOdd",
)


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_name_that_looks_like_another_or_turns_the_line_is_refused(name: str) -> None:
    assert refused_fields(minimal(name=name)) == ["persona.name"]


@pytest.mark.parametrize("name", INVISIBLE)
def test_one_that_was_stored_stays_readable(name: str) -> None:
    assert read_kept(minimal(name=name, description="Keeps a light.")).description == "Keeps a light."


@pytest.mark.parametrize(
    "name",
    [
        "Zoe\u0308",
        "\u0632\u0647\u0631\u0647\u200c\u0646\u0627\u0632",
        "\u05d3\u05d5\u05d3\u200f",
        "\U0001f469\u200d\U0001f680 Ida",
        "\u706f\u53f0",
        "D'Arcy \u2764\ufe0f",
    ],
)
def test_a_name_keeps_the_invisible_signs_that_its_script_needs(name: str) -> None:
    assert read_persona(minimal(name=name)).name == name


def test_zero_hours_between_posts_would_be_without_end() -> None:
    raw = minimal(behavior={"post_frequency": {"min_hours_between_posts": 0, "max_hours_between_posts": 1}})
    assert violations(raw) == {"persona.behavior.post_frequency.min_hours_between_posts": "must be greater than 0"}


def test_a_hundredth_of_an_hour_is_a_fine_frequency() -> None:
    raw = minimal(behavior={"post_frequency": {"min_hours_between_posts": 0.01, "max_hours_between_posts": 0.01}})
    assert read_persona(raw).behavior.max_hours_between_posts == 0.01


def test_numbers_may_come_as_floats_as_a_struct_sends_them() -> None:
    raw = minimal(
        behavior={"post_frequency": {"peak_posting_hours": [9.0, 21.0]}},
        solana_integration={"trade_safety": {"max_daily_trades": 3.0}},
    )
    persona = read_persona(raw)
    assert persona.behavior.peak_posting_hours == {9, 21}
    assert persona.trading.max_daily_trades == 3


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": 23}, "to"),
        ({"to": 7}, "from"),
        ({"from": 7, "to": 7}, "to"),
        ({"from": 24, "to": 7}, "from"),
        ({"from": 22.5, "to": 7}, "from"),
    ],
)
def test_quiet_hours_go_from_one_hour_of_the_day_to_another(given: dict[str, Any], field: str) -> None:
    assert f"persona.behavior.quiet_hours.{field}" in violations(minimal(behavior={"quiet_hours": given}))
    night = read_persona(minimal(behavior={"quiet_hours": {"from": 23.0, "to": 7}})).behavior.quiet_hours
    assert night == QuietHours(23, 7)
    assert read_persona(minimal()).behavior.quiet_hours is None
    # What is stored and breaks a rule of today is read all the same.
    kept = read_kept(minimal(behavior={"quiet_hours": given, "interaction_patterns": {"reply_probability": 0.25}}))
    assert (kept.behavior.quiet_hours, kept.behavior.reply_probability) == (None, 0.25)


@pytest.mark.parametrize("hours", [[24], [9.5], ["nine"], [True], [None], 9, "9-17"])
def test_peak_hours_are_hours_of_the_day(hours: Any) -> None:
    raw = minimal(behavior={"post_frequency": {"peak_posting_hours": hours}})
    assert all(path.startswith("persona.behavior.post_frequency.peak_posting_hours") for path in violations(raw))


def test_unknown_fields_are_reported_and_not_fatal() -> None:
    raw = minimal(zeal=1, behavior={"post_frequency": {"peak_hours": [9]}}, budget={"usd": 3}, aura="gold")
    read_persona(raw)
    in_order = ["aura", "zeal", "behavior.post_frequency.peak_hours", "budget.usd"]
    assert list(unknown_fields(raw)) == in_order
    assert list(unknown_fields(dict(reversed(raw.items())))) == in_order


@pytest.mark.parametrize(
    ("raw", "path", "meant"),
    [
        (minimal(post_exampels=["a"]), "post_exampels", "post_examples"),
        (minimal(postExamples=["a"]), "postExamples", "post_examples"),
        (minimal(style_guide={"capitalisation": "upper"}), "style_guide.capitalisation", ""),
        (minimal(personality={"trait": ["shy"]}), "personality.trait", "traits"),
        (minimal(personality={"intrests": ["tea"]}), "personality.intrests", "interests"),
        (minimal(llm_config={"max_token": 9}), "llm_config.max_token", "max_tokens"),
        (minimal(aura="gold"), "aura", ""),
    ],
)
def test_a_misspelt_field_is_told_with_what_may_be_meant(raw: dict[str, Any], path: str, meant: str) -> None:
    assert unknown_fields(raw) == {path: meant}


@pytest.mark.parametrize("words", ["SHOUTING", "loud", "camelCase"])
def test_a_capitalization_that_nobody_knows_is_refused_with_those_there_are(words: str) -> None:
    raw = minimal(style_guide={"formatting": {"capitalization": words}})
    told = violations(raw)["persona.style_guide.formatting.capitalization"]
    assert told == f"must be one of standard, lowercase, uppercase, title, free, and is '{words}'"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("standard", Capitalization.STANDARD),
        ("Standard, with occasional ALL CAPS for emphasis", Capitalization.STANDARD),
        ("lowercase", Capitalization.LOWERCASE),
        ("Never capital. Ever.", Capitalization.LOWERCASE),
        ("Always lowercase at beginning of sentences. ALL CAPS occasionally.", Capitalization.LOWERCASE),
        ("Inconsistent - sometimes all lowercase, sometimes normal", Capitalization.FREE),
        ("all_caps", Capitalization.UPPERCASE),
        ("title_case", Capitalization.TITLE),
    ],
)
def test_capitalization_is_understood_in_words(words: str, meant: Capitalization) -> None:
    assert read_persona(minimal(style_guide={"formatting": {"capitalization": words}})).style.capitalization is meant


@pytest.mark.parametrize(
    ("said", "uses"), [(True, True), (False, False), ("rarely", True), ("never", False), ("", False)]
)
def test_emoji_may_be_told_in_words(said: bool | str, uses: bool) -> None:
    assert read_persona(minimal(style_guide={"formatting": {"uses_emojis": said}})).style.uses_emojis is uses


def test_a_very_small_post_length_counts_words() -> None:
    raw = minimal(behavior={"content_preferences": {"typical_post_length": 7, "max_post_length": 20}})
    style = read_persona(raw).style
    assert (style.typical_post_length, style.max_post_length) == (49, 140)


def test_the_strictest_of_several_trade_limits_holds() -> None:
    raw = minimal(
        solana_integration={"trade_safety": {"max_trade_amount_sol": 0.1, "max_daily_trades": 5}},
        behavior={"trading_behavior": {"max_trade_amount_per_transaction": 0.07}},
        agent_kit_integration={"autonomy_rules": {"max_single_trade_amount_sol": 0.3, "max_daily_trades": 2}},
    )
    trading = read_persona(raw).trading
    assert (trading.max_trade_lamports, trading.max_daily_trades) == (70_000_000, 2)


def test_the_mood_may_be_numbers() -> None:
    raw = minimal(personality={"emotional_range": {"default_mood": {"valence": -0.5, "arousal": 0.2, "dominance": 1}}})
    assert read_persona(raw).personality.default_mood == Mood(-0.5, 0.2, 1.0)


def test_memories_come_in_either_form(sample_persona: dict[str, Any]) -> None:
    memory = read_persona(sample_persona).memory
    assert [(seed.kind, seed.importance) for seed in memory.seeds] == [("core", 0.9), ("event", 0.6), ("general", 0.5)]
    assert memory.seeds[1].occur_time is not None
    assert [(person.counterpart, person.is_agent, person.sentiment) for person in memory.relationships] == [
        ("otto", True, 0.0),
        ("gatekeeper", False, 0.4),
    ]
    listed = read_persona(minimal(initial_memory=[{"content": "I am A.", "type": "core", "importance": 1}, "And so."]))
    assert [(seed.text, seed.kind) for seed in listed.memory.seeds] == [("I am A.", "core"), ("And so.", "general")]


def test_knowledge_may_stand_under_headings() -> None:
    raw = minimal(initial_memory={"knowledge_base": {"current_goals": ["sleep", "tea"]}})
    assert [seed.text for seed in read_persona(raw).memory.seeds] == ["current goals: sleep", "current goals: tea"]


@pytest.mark.parametrize("said", ["posts", "replies", "trades", "all"])
def test_what_a_person_is_to_approve_is_known_by_its_name(said: str) -> None:
    assert read_persona(minimal(approval=said)).approval == said
    assert violations(minimal(approval="later"))["persona.approval"] == (
        "must be one of none, posts, replies, trades, all, and is 'later'"
    )


def test_a_budget_is_dollars_and_tokens_of_a_day() -> None:
    raw = minimal(budget={"llm_usd_per_day": 0.5, "llm_tokens_per_day": 20_000.0, "network_usd_per_day": 0})
    budget = read_persona(raw).budget
    assert (budget.llm_usd_per_day, budget.llm_tokens_per_day, budget.network_usd_per_day) == (0.5, 20_000, 0)
    assert violations(minimal(budget={"llm_tokens_per_day": 0.5})) == {
        "persona.budget.llm_tokens_per_day": "must be a whole number, and is 0.5"
    }


def test_null_is_as_good_as_nothing() -> None:
    raw = minimal(style_guide=None, personality={"traits": None, "emotional_range": None}, approval=None)
    assert read_persona(raw) == read_persona(minimal())


def test_a_memory_that_says_nothing_is_refused_by_its_path() -> None:
    raw = minimal(initial_memory={"core_memories": ["I am A.", {"importance": 1}, {"text": "In other files."}]})
    assert violations(raw) == {"persona.initial_memory.core_memories[1].content": "is required"}


def test_of_a_thousand_violations_fifty_are_told() -> None:
    assert len(violations(minimal(personality={"traits": [1] * 1_000}))) == 50


def test_of_more_people_than_anybody_knows_none_is_looked_at() -> None:
    users = {f"u{number}": {"trust": 9} for number in range(5_001)}
    path = "persona.initial_memory.relationships.users"
    told = violations(minimal(initial_memory={"relationships": {"users": users}}))
    assert told == {path: "must have at most 5000 entries, and has 5001"}


def test_three_of_four_credentials_are_refused() -> None:
    raw = minimal(twitter_credentials={"apiKey": "k", "apiKeySecret": "s", "accessToken": "t", "accessTokenSecret": ""})
    assert violations(raw) == {"persona.twitter_credentials.accessTokenSecret": "is required beside the others"}


def test_empty_credentials_are_none() -> None:
    read_persona(minimal(twitter_credentials={"apiKey": "", "accessToken": ""}))


def test_a_token_is_named_by_its_mint() -> None:
    raw = minimal(behavior={"trading_behavior": {"allowed_tokens": {"blacklist": ["BONK"]}}})
    assert "persona.behavior.trading_behavior.allowed_tokens.blacklist[0]" in violations(raw)


def test_custom_prompts_may_rotate() -> None:
    assert read_persona(minimal(custom_system_prompt="One.")).system_prompts == ("One.",)
    rotating = minimal(custom_system_prompt="One.", rotating_system_prompts=["Two.", "Three."])
    assert read_persona(rotating).system_prompts == ("Two.", "Three.")


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_SECTIONS = (
    "personality",
    "style_guide",
    "initial_memory",
    "behavior",
    "llm_config",
    "solana_integration",
    "twitter_credentials",
    "post_examples",
)


PERSONAS = st.dictionaries(st.sampled_from((*_SECTIONS, "id", "name", "approval")), _JSON)
"""What people may send as one."""


@settings(max_examples=60)
@given(raw=PERSONAS)
def test_whatever_is_sent_is_read_or_refused(raw: dict[str, Any]) -> None:
    assert all(field.startswith("persona") for field in refused_fields(raw))
    unknown_fields(raw)


WRONG: tuple[Any, ...] = (None, True, -7, 1e300, float("nan"), "x\0", "", [], {}, [{}], [[]], {"a": {}})


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Return each object and list with each name or index in it, at any depth."""
    places: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        places += [(value, key), *places_in(inner)]
    return places


def test_a_field_of_any_type_anywhere_is_read_or_refused(sample_persona: dict[str, Any]) -> None:
    for holder, key in places_in(sample_persona):
        before = holder[key]
        for wrong in WRONG:
            holder[key] = wrong
            assert all(field.startswith("persona") for field in refused_fields(sample_persona))
            unknown_fields(sample_persona)
        holder[key] = before


def test_a_knowledge_base_may_name_files_which_no_service_reads() -> None:
    base = ["It is low.", {"file": "lore/island.md"}]
    assert [seed.text for seed in read_persona(minimal(initial_memory={"knowledge_base": base})).memory.seeds] == [
        "It is low."
    ]
    headed = {"the_sea": ["It is deep.", {"file": "sea.pdf"}]}
    seeds = read_persona(minimal(initial_memory={"knowledge_base": headed})).memory.seeds
    assert [seed.text for seed in seeds] == ["the sea: It is deep."]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("../secret.txt", "must be a path below the persona's folder"),
        ("/etc/passwd.txt", "must be a path below the persona's folder"),
        ("key.pem", "must be a file of one of these kinds"),
        ("", "is required"),
    ],
)
def test_a_file_that_is_no_path_beside_the_persona_is_refused(path: str, rule: str) -> None:
    found = violations(minimal(initial_memory={"knowledge_base": [{"file": path}]}))
    assert found["persona.initial_memory.knowledge_base[0].file"].startswith(rule)
