"""Personas of Puppet Engine's first version, and of ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support.characters import imported, notes, persona


def test_fields_of_the_same_name_are_taken_as_they_are() -> None:
    done = imported(persona()).persona
    for part in ("id", "name", "description", "llm_provider"):
        assert done[part] == persona()[part]
    assert done["behavior"]["post_frequency"] == {
        "min_hours_between_posts": 0.33,
        "max_hours_between_posts": 1,
        "peak_posting_hours": [9, 3],
    }
    assert done["initial_memory"]["knowledge_base"] == {"goals": ["review every garden"]}


def test_a_persona_that_trades_says_so() -> None:
    rows = {row.source: row.note for row in imported(persona()).rows}
    assert rows["solana_integration.trading_enabled"] == "it trades as soon as its wallet has money"


def test_braces_are_no_placeholders_here() -> None:
    assert imported(persona(description="Says {{user}}.")).persona["description"] == "Says {{user}}."


def test_what_is_called_otherwise_is_translated() -> None:
    done = imported(persona()).persona
    assert done["style_guide"]["formatting"]["capitalization"] == "free"
    assert done["initial_memory"]["relationships"]["other_agents"] == {
        "coby-agent": {"sentiment": 0.5, "notes": "Loud."}
    }
    assert done["initial_memory"]["recent_events"] == ["A gate was left open."]


def test_credentials_and_what_belongs_to_them_are_written_nowhere() -> None:
    secret = {"wallet_address": "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin", "private_key": "topsecret"}
    done = imported(persona(solana_integration=secret))
    assert "twitter_credentials" not in done.persona
    assert not any(value in json.dumps(done.persona) for value in secret.values())
    assert notes(done)["twitter_credentials.password"] == "is a secret, and is written nowhere"
    assert "a wallet is made" in notes(done)["solana_integration.wallet_address"]


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("behavior.interaction_patterns.reply_probability", 3, "must be 0 to 1, and is 3"),
        ("behavior.interaction_patterns.reply_probability", "often", "must be a number"),
        ("behavior.post_frequency.timezone", "Mars/Olympus", "is no time zone's name, such as Europe/Paris"),
        ("behavior.content_preferences.max_thread_length", 1.5, "must be a whole number"),
        ("style_guide.formatting.capitalization", "rotating", "says no style that is known"),
        ("solana_integration.trading_enabled", "yes", "must be true or false"),
        ("personality.speaking_style", 5, "no field of a persona is like it"),
        ("mood", "fine", "no field of a persona is like it"),
    ],
)
def test_what_would_be_refused_is_left(path: str, value: Any, why: str) -> None:
    *outer, name = path.split(".")
    content = persona()
    section = content
    for part in outer:
        section = section.setdefault(part, {})
    section[name] = value
    assert notes(imported(content))[path].startswith(why)


def test_pauses_in_the_wrong_order_are_both_left() -> None:
    done = imported(persona(behavior={"post_frequency": {"min_hours_between_posts": 9, "max_hours_between_posts": 2}}))
    assert "behavior" not in done.persona
    assert len(notes(done)) >= 2


def test_a_model_without_its_provider_is_left_out() -> None:
    content = persona(llm_config={"model": "gpt-4", "temperature": 1})
    assert imported(content).persona["llm_config"] == {"model": "gpt-4", "temperature": 1}
    del content["llm_provider"]
    done = imported(content)
    assert done.persona["llm_config"] == {"temperature": 1}
    assert notes(done)["llm_config.model"] == "needs llm_provider beside it"


@pytest.mark.parametrize("path", sorted((ROOT / "personas").glob("*.json")), ids=lambda path: path.stem)
def test_our_own_personas_come_back_as_they_are(path: Path) -> None:
    content = json.loads(path.read_text())
    done = imported(content).persona
    assert done["post_examples"] == content["post_examples"]
    assert done["reply_examples"] == content["reply_examples"]
    assert done["personality"] == content["personality"]
    assert (
        done["initial_memory"]["relationships"]["other_agents"]
        == content["initial_memory"]["relationships"]["other_agents"]
    )
    for part in ("post_frequency", "interaction_patterns", "content_preferences"):
        assert done["behavior"][part] == content["behavior"][part]
