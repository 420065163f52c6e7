"""What `puppetctl new` makes of five answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from puppetctl.characters.making import QUESTIONS, Answers, Options, asked, new, split, write
from puppetctl.suite import SuiteError
from services.agents.domain.persona import read_persona


def answering(*lines: str) -> Iterator[str]:
    return iter(lines)


def test_five_questions_are_asked_and_a_name_until_there_is_one() -> None:
    lines = answering("", "Mara", "A nurse.", "Dryly.", "tomatoes, rain , tomatoes,", "one post", "another", "")
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return next(lines)

    answers = asked(Answers(""), ask)
    assert answers == Answers("Mara", "A nurse.", "Dryly.", ("tomatoes", "rain"), ("one post", "another"))
    assert [question for question in dict.fromkeys(questions) if question] == list(QUESTIONS.values())


def test_what_was_given_is_not_asked() -> None:
    given = Answers("Mara", "A nurse.", "Dryly.", ("rain",), ("one post",))

    def ask(question: str) -> str:
        raise AssertionError(question)

    assert asked(given, ask) == given


def test_the_persona_is_one_that_the_agents_service_reads() -> None:
    persona = Answers("Mára Kovács 2", "A nurse.", "Dryly.", ("rain",), ("one post",)).persona()
    read = read_persona(persona)
    assert (read.id, read.name, read.description) == ("mara-kovacs-2", "Mára Kovács 2", "A nurse.")
    assert [example.text for example in read.post_examples] == ["one post"]


def test_what_was_not_answered_is_not_there() -> None:
    assert Answers("Mara").persona() == {"id": "mara", "name": "Mara", "is_active": True}


def test_a_name_that_makes_no_id_is_refused() -> None:
    with pytest.raises(SuiteError, match="no letter or digit"):
        Answers("!!!").persona()


def test_a_file_is_written_with_its_schema_and_none_is_lost(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "persona.schema.json").write_text("{}")
    persona = Answers("Mara").persona()
    path = write(persona, tmp_path / "mine" / "ones", force=False)
    assert json.loads(path.read_text()) == {"$schema": "../../docs/persona.schema.json", **persona}
    with pytest.raises(SuiteError, match="--force"):
        write(persona, path.parent, force=False)
    assert write(persona, path.parent, force=True) == path


async def test_an_editor_is_promised_only_where_the_file_says_its_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path / "mine", tmp_path / "repository"):
        if folder.name == "repository":
            (folder / "docs").mkdir(parents=True)
            (folder / "docs" / "persona.schema.json").write_text("{}")
        assert await new(Answers("Mara"), Options(folder, tmp_path)) == 0
    first, _, second, _ = capsys.readouterr().out.splitlines()
    assert '"$schema": "file://' in first
    assert first.endswith('docs/persona.schema.json" in it an editor completes the other fields')
    assert second.endswith(", where an editor completes the other fields")


def test_what_stands_between_commas_is_told_once() -> None:
    assert split(" fog,, tea ,fog") == ("fog", "tea")
