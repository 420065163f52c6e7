"""SOUL.md folders."""

from pathlib import Path

import pytest

from puppetctl.importing import registry
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.sources import documents
from tests.support.characters import SOUL, imported_file, notes, targets, write


def test_each_heading_goes_where_it_has_its_effect(tmp_path: Path) -> None:
    assert imported_file(write(tmp_path / "pim", SOUL)).persona == {
        "id": "pim",
        "name": "Pim",
        "description": "A lighthouse mouse.",
        "personality": {
            "background": "Born in a lamp. Raised by keepers.",
            "values": ["Never bites."],
            "interests": ["Cheese", "Fog"],
            "traits": ["small", "brave", "nosy"],
        },
        "initial_memory": {
            "core_memories": ["I once rang the fog bell by falling on it."],
            "knowledge_base": {
                "Interests": ["Cheese — hard ones, above all."],
                "Opinions": ["Owls are overrated. They look surprised by everything."],
            },
        },
        "style_guide": {"voice": "Squeaks, in short lines.", "vocabulary": {"avoid_terms": ["trap"]}},
        "post_examples": ["the lamp is on. so am i."],
    }


def test_what_is_left_says_why(tmp_path: Path) -> None:
    left = notes(imported_file(write(tmp_path / "pim", SOUL)))
    assert left["SOUL.md#Tools[0]"] == "is about an assistant's work, and not about who it is"
    assert left["AGENTS.md#(intro)[1]"] == "is about an assistant's work, and not about who it is"
    assert left["examples/bad-outputs.md#(intro)[1]"] == "is an example of what not to write"
    assert left["examples/good-outputs.md#Short[1]"] == "explains an example"
    assert left["IDENTITY.md#(intro)[2]"] == "is a picture"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# SOUL.md — Gaming Strategist\n\n## Values\n\nFair play.\n", "Gaming Strategist"),
        ("# SOUL.md - Who You Are\n\nYou are Clawra. Hello.\n\n## Vibe\n\nKind.\n", "Clawra"),
        ("---\nname: Otto\n---\n# Soul\n\n## Values\n\nOrder.\n", "Otto"),
        ("# Soul\n\n## Values\n\nOrder.\n", "Grey Owl"),
        ("# [YOUR_AGENT_NAME] SOUL\n\n## Values\n\nOrder.\n", "Grey Owl"),
        ("# 世凪\uff08よなぎ\uff09\n\n## Values\n\nOrder.\n", "世凪"),
    ],
)
def test_the_name_is_found_wherever_it_is_said(tmp_path: Path, text: str, name: str) -> None:
    done = imported_file(write(tmp_path / "grey-owl", {"SOUL.md": text}))
    assert done.persona["name"] == name


def test_one_file_of_another_name_is_known_by_its_headings(tmp_path: Path) -> None:
    text = (
        "# Friendly\n\nYou are Bo, a friend.\n\n## Vibe\n\n- Warm\n\n## Style\n\n- Short.\n\n## Boundaries\n\n- Kind.\n"
    )
    write(tmp_path, {"friendly.md": text, "README.md": "# A library\n\n## Usage\n\nRun it.\n\n## License\n\nFree.\n"})
    done = imported_file(tmp_path / "friendly.md")
    assert done.persona["personality"]["traits"] == ["Warm"]
    (readme,) = documents(tmp_path / "README.md")
    assert registry.recognise(readme) is None


def test_a_soul_without_a_word_about_anybody_is_none(tmp_path: Path) -> None:
    (document,) = documents(write(tmp_path, {"SOUL.md": "# Install\n\n## Setup\n\nRun it.\n"}))
    assert registry.recognise(document) is None


def test_tables_and_quotations_and_code_are_read_as_what_they_are(tmp_path: Path) -> None:
    soul = (
        "# Pim\n\n## Key Phrases\n\n| Phrase | When |\n|---|---|\n| `squeak` | ever |\n\n## Voice\n\n```\nx = 1\n```\n"
    )
    done = imported_file(write(tmp_path, {"SOUL.md": soul}))
    assert done.persona["style_guide"]["vocabulary"]["key_terms"] == ["squeak"]
    assert notes(done)["SOUL.md#Voice[0]"] == "is code"


def test_what_has_no_room_is_told(tmp_path: Path) -> None:
    soul = "# Pim\n\n## Voice\n\n" + "\n\n".join(f"Rule {number} is to squeak at length." * 9 for number in range(30))
    done = imported_file(write(tmp_path, {"SOUL.md": soul}))
    assert len(done.persona["personality"]["speaking_style"]) <= 4_000
    assert sum("has no room" in note for note in notes(done).values()) > 10


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    write(tmp_path, SOUL)
    (tmp_path / "STYLE.md").write_bytes(b"# Style\n\n\xff\n")
    with pytest.raises(Unreadable, match=r"STYLE\.md: line 3: byte 9 is no UTF-8"):
        documents(tmp_path)


def test_a_file_that_is_too_long_is_named(tmp_path: Path) -> None:
    write(tmp_path, {**SOUL, "STYLE.md": "x" * 300_000})
    with pytest.raises(Unreadable, match=r"STYLE\.md: has more than 262,144 characters"):
        documents(tmp_path)


def test_an_interest_goes_to_both_places(tmp_path: Path) -> None:
    done = imported_file(write(tmp_path / "pim", SOUL))
    assert targets(done)["SOUL.md#Interests[0]"] == 'initial_memory.knowledge_base["Interests"], personality.interests'


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("---\nname: Soulie\n---\n# Notes", "Soulie"),
        ("---\nname: Soul Eater\n---\n# Notes", "Soul Eater"),
        ("# Soulmate", "Soulmate"),
        ("# SOUL.md - Wren", "Wren"),
        ("# Soul of Wren", "Wren"),
    ],
)
def test_a_name_that_begins_with_soul_is_kept_and_what_calls_the_file_is_not(
    tmp_path: Path, title: str, name: str
) -> None:
    folder = write(tmp_path / "pim", {"SOUL.md": f"{title}\n\nA small bird.\n\n## Values\n\n- honest\n"})
    assert imported_file(folder).persona["name"] == name
