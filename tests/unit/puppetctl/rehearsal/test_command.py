"""What `puppetctl rehearse` makes of its arguments."""

import json
from pathlib import Path

import pytest

from puppetctl import DEMO_PERSONAS
from puppetctl.rehearsal.command import Options, make_plans
from puppetctl.suite import SuiteError


def _persona(folder: Path, name: str, agent_id: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"id": agent_id, "name": agent_id.title()}))
    return path


def test_a_character_is_rehearsed_among_the_demo_characters_that_are_others(tmp_path: Path) -> None:
    [plan] = make_plans(Options([_persona(tmp_path, "odd.json", "odd")]), DEMO_PERSONAS)
    assert [file.id for file in plan.personas] == ["odd"]
    assert {file.id for file in plan.neighbours} == {"basil", "pia", "unit-7"}
    [alone] = make_plans(Options([_persona(tmp_path, "ann.json", "ann")], is_alone=True), DEMO_PERSONAS)
    assert alone.neighbours == []


def test_the_demo_characters_are_each_others_company() -> None:
    [plan] = make_plans(Options([]), DEMO_PERSONAS)
    assert len(plan.personas) == 4
    assert (plan.neighbours, plan.days) == ([], 7.0)


def test_posts_alone_are_asked_for_and_with_days_they_end_them(tmp_path: Path) -> None:
    path = _persona(tmp_path, "ann.json", "ann")
    [plan] = make_plans(Options([path], posts=50), DEMO_PERSONAS)
    assert (plan.posts, plan.days) == (50, None)
    [plan] = make_plans(Options([path], posts=50, days=2.0), DEMO_PERSONAS)
    assert plan.days == 2.0


def test_two_writers_of_the_same_persona_stand_beside_each_other(tmp_path: Path) -> None:
    path = _persona(tmp_path, "ann.json", "ann")
    plans = make_plans(Options([path], posts=5, model="gemma", beside_model="smollm2"), DEMO_PERSONAS)
    assert [(plan.title, plan.model) for plan in plans] == [("gemma", "gemma"), ("smollm2", "smollm2")]
    plans = make_plans(Options([path], posts=5, provider="openai", beside_model="gemma"), DEMO_PERSONAS)
    assert [(plan.title, plan.provider) for plan in plans] == [("openai", "openai"), ("gemma", "local")]
    plans = make_plans(Options([path], posts=5, beside_provider="openai"), DEMO_PERSONAS)
    assert [plan.title for plan in plans] == ["the sandbox's model", "openai"]


def test_only_who_lives_among_neighbours_needs_the_sandboxs_model_beside_another_provider(tmp_path: Path) -> None:
    path = _persona(tmp_path, "ann.json", "ann")
    [asked] = make_plans(Options([path], posts=5, provider="openai"), DEMO_PERSONAS)
    assert asked.neighbours
    assert not asked.uses_sandbox_model
    [lived] = make_plans(Options([path], provider="openai"), DEMO_PERSONAS)
    assert lived.uses_sandbox_model


def test_two_personas_are_rehearsed_one_after_the_other_in_folders_of_their_own(tmp_path: Path) -> None:
    new, old = _persona(tmp_path / "a", "ann.json", "ann"), _persona(tmp_path / "b", "ann.json", "ann")
    plans = make_plans(Options([new], beside=old, keep=tmp_path / "kept"), DEMO_PERSONAS)
    assert [plan.title for plan in plans] == [str(new), str(old)]
    assert [plan.folder for plan in plans] == [tmp_path / "kept" / "new", tmp_path / "kept" / "old"]
    assert len({plan.seed for plan in plans}) == 1


def test_what_cannot_be_rehearsed_is_refused_before_anything_starts(tmp_path: Path) -> None:
    ann, bad = _persona(tmp_path, "ann.json", "ann"), tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(SuiteError, match=r"bad\.json: line 1"):
        make_plans(Options([bad]), DEMO_PERSONAS)
    with pytest.raises(SuiteError, match="--beside"):
        make_plans(Options([ann, ann], beside=ann), DEMO_PERSONAS)
    with pytest.raises(SuiteError, match="--beside-model"):
        make_plans(Options([ann], beside_provider="openai", beside_model="gemma"), DEMO_PERSONAS)
    with pytest.raises(SuiteError, match="--keep"):
        make_plans(Options([ann], keep=tmp_path), DEMO_PERSONAS)
