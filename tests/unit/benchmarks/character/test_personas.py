"""The characters of the benchmark, and what is written by hand for them."""

import json
from pathlib import Path

import pytest

import benchmarks.character
from benchmarks.character.judging import items_of
from benchmarks.character.running import MENTIONS
from benchmarks.character.texts import POST, REPLY
from puppetctl import DEMO_PERSONAS
from puppetctl.characters.personas import PersonaFile, persona_files, read_personas
from puppetctl.rehearsal.style import broken_rules

FOLDER = Path(benchmarks.character.__file__).parent
CAST, REFUSED = read_personas([*persona_files(DEMO_PERSONAS), *persona_files(FOLDER / "personas")])


@pytest.mark.parametrize("file", CAST, ids=[file.id for file in CAST])
def test_every_example_of_a_character_keeps_its_own_style(file: PersonaFile) -> None:
    posts = [one["post"] for one in file.persona["post_examples"]]
    replies = [one["reply"] for one in file.persona["reply_examples"]]
    assert len(set(posts)) >= 14
    assert len(set(replies)) >= 7
    assert [broken for text in (*posts, *replies) if (broken := broken_rules(text, file.persona))] == []


def test_there_are_ten_of_them_and_forty_mentions() -> None:
    assert REFUSED == []
    assert len(CAST) == 10
    assert len(set(MENTIONS)) == 40


def test_texts_by_hand_are_in_style_for_every_character() -> None:
    items = items_of("hand", FOLDER / "hand.json", 0, 0, seed=0)
    personas = {file.id: file.persona for file in CAST}
    assert {item.author for item in items if item.kind == POST} == set(personas)
    assert {item.author for item in items if item.kind == REPLY} == set(personas)
    assert [item.text for item in items if broken_rules(item.text, personas[item.author])] == []
    shown = json.dumps([dict(persona) for persona in personas.values()], ensure_ascii=False)
    assert not any(item.text in shown for item in items)
