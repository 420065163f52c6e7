"""The JSON Schema of persona files says what the code that reads them does."""

import copy
import json
from typing import Any

import pytest

from services.agents.domain.persona import unknown_fields, without_effect
from services.agents.domain.persona.json_schema import json_schema
from tests.conftest import ROOT
from tests.unit.agents.test_persona import minimal, places_in, refused_fields
from tests.unit.agents.test_persona_stored import STORED_0_1

WRONG: tuple[Any, ...] = (True, -7, "x\0", [], [{}], {"a": {}})
PERSONAS = sorted((ROOT / "personas").glob("*.json"))


@pytest.fixture(scope="module")
def validator() -> Any:
    # Imported here: with its formats it takes seconds, which each worker would spend on collecting.
    import jsonschema  # type: ignore[import-untyped]

    return jsonschema.Draft202012Validator(json_schema())


def fields_of(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    sections = {"": schema, **schema["$defs"]}
    return {
        f"{section}.{name}": shown
        for section, model in sections.items()
        for name, shown in model.get("properties", {}).items()
    }


def test_every_field_says_what_it_means(validator: Any) -> None:
    validator.check_schema(json_schema())
    fields = fields_of(json_schema())
    assert len(fields) > 100
    models = json_schema()["$defs"]
    # What says the same as its object says it there.
    told = {path: shown | models.get(shown.get("$ref", "").split("/")[-1], {}) for path, shown in fields.items()}
    assert [path for path, shown in told.items() if not shown.get("description", "").endswith(".")] == []


@pytest.mark.parametrize("path", PERSONAS, ids=lambda path: path.stem)
def test_the_characters_that_come_with_the_suite_name_the_schema_and_fit_it(path: Any, validator: Any) -> None:
    raw = json.loads(path.read_text())
    assert (path.parent / raw["$schema"]).resolve() == ROOT / "docs" / "persona.schema.json"
    assert [error.message for error in validator.iter_errors(raw)] == []
    assert unknown_fields(raw) == {}


@pytest.mark.parametrize("section", sorted(STORED_0_1.keys() - {"id", "name", "aura"}))
def test_what_an_editor_marks_is_refused_by_the_service(section: str, validator: Any) -> None:
    raw = minimal(**{section: copy.deepcopy(STORED_0_1[section])})
    for holder, key in places_in(raw):
        before = holder[key]
        # To the service null and what is empty are as good as nothing, of which an editor tells.
        for wrong in WRONG:
            holder[key] = wrong
            if not refused_fields(raw):
                assert [
                    error.message for error in validator.iter_errors(raw) if "[redacted]" not in error.message
                ] == []
        holder[key] = before


def test_an_editor_knows_the_bounds_of_numbers_the_choices_and_what_is_secret() -> None:
    fields = fields_of(json_schema())
    likelihood = fields["InteractionPatterns.reply_probability"]
    assert (likelihood["minimum"], likelihood["maximum"], likelihood["default"]) == (0, 1, 0.8)
    assert fields["PostFrequency.min_hours_between_posts"]["exclusiveMinimum"] == 0
    assert fields[".approval"]["enum"] == ["none", "posts", "replies", "trades", "all"]
    assert fields["SolanaIntegration.private_key"]["writeOnly"]
    assert json_schema()["required"] == ["id", "name"]


def test_a_field_without_effect_is_marked_and_told_of_when_it_is_set() -> None:
    shown = fields_of(json_schema())["InteractionPatterns.like_probability"]
    assert shown["x-effect"] == "has no effect yet"
    assert shown["description"].endswith("It has no effect yet.")
    raw = minimal(
        behavior={"interaction_patterns": {"like_probability": 0.3, "retweet_probability": 0}},
        style_guide={"formatting": {"paragraph_breaks": "None."}},
        solana_integration={"network": "devnet", "jupiter_integration": True},
        agent_kit_integration={"autonomy_rules": {"ignore_human_trading_requests": False}},
        approval="none",
    )
    told = {
        "behavior.interaction_patterns.like_probability": "has no effect yet",
        "solana_integration.network": "has no effect: it is a setting of the trading service",
        "agent_kit_integration.autonomy_rules.ignore_human_trading_requests": (
            "has no effect: a character never trades because somebody says so"
        ),
    }
    assert without_effect(raw) == {path: f"{path} {words}" for path, words in told.items()}
