"""`puppetctl import`, from files to files."""

import json
from pathlib import Path
from typing import Any

import pytest

from puppetctl.characters.personas import read_personas
from puppetctl.importing.command import Options, run
from puppetctl.suite import SuiteError
from tests.support.characters import SOUL, card, elizaos, persona, png, text_chunk, write, zerepy


def _files(folder: Path) -> Path:
    """Write a file of each format, under names that say nothing."""
    write(folder / "mouse", SOUL)
    write(folder, {"a.txt": json.dumps(elizaos()), "b": json.dumps(zerepy()), "c.json": json.dumps(persona())})
    (folder / "d.bin").write_bytes(png(text_chunk("chara", card())))
    return folder


def test_a_folder_becomes_a_persona_file_for_each_character(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(_files(tmp_path / "in"), {"package.json": "{}", "README.md": "# Hello\n\nText.\n", ".git/x.json": "{"})
    out = tmp_path / "out"
    assert run([tmp_path / "in"], Options(out)) == 0
    personas, refused = read_personas(sorted(out.glob("*.json")))
    assert [one.id for one in personas] == ["ember", "moth", "pim", "quill-agent", "wren_bird"]
    assert refused == []
    shown = capsys.readouterr().out
    assert "SillyTavern card, Ember" in shown
    assert "no characters: " in shown
    assert "package.json" in shown
    assert f"next: puppetctl apply {out}/*.json" in shown


def test_links_in_a_folder_lead_nowhere(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/a.json": json.dumps(zerepy()), "elsewhere/SOUL.md": SOUL["SOUL.md"]})
    for name in ("a.json", "SOUL.md"):
        (tmp_path / "in" / "deep").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "deep" / name).symlink_to(tmp_path / "elsewhere" / name)
    assert run([tmp_path / "in"], Options(tmp_path / "out")) == 1
    assert not (tmp_path / "out").exists()


def test_one_character_is_shown_value_by_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"wren.json": json.dumps(elizaos())})
    assert run([tmp_path / "wren.json"], Options(tmp_path)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "adjectives[] (2) personality.traits" in shown
    assert "settings.secrets.OPENAI_API_KEY is a secret, and is written nowhere" in shown
    assert "sk-0123" not in shown
    assert f"next: puppetctl apply {tmp_path / 'wren_bird.json'}" in shown


def test_the_report_is_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"wren.json": json.dumps(elizaos()), "bad.json": "{"})
    assert run([tmp_path / "wren.json", tmp_path / "bad.json"], Options(tmp_path, as_json=True)) == 1
    answer = json.loads(capsys.readouterr().out)
    (character,) = answer["characters"]
    assert character["format"] == "elizaos"
    assert character["file"] == str(tmp_path / "wren_bird.json")
    assert {"source": "adjectives[0]", "targets": ["personality.traits"], "note": ""} in character["taken"]
    assert {"source": "plugins[0]", "why": "is code of elizaOS"} in character["left"]
    assert answer["refused"] == [
        {
            "source": str(tmp_path / "bad.json"),
            "why": "line 1, column 2: Expecting property name enclosed in double quotes",
        }
    ]


def test_a_file_that_is_there_is_only_written_over_with_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"in.json": json.dumps(zerepy()), "out/moth.json": "mine"})
    assert run([tmp_path / "in.json"], Options(tmp_path / "out")) == 1
    assert (tmp_path / "out/moth.json").read_text() == "mine"
    assert "is there already: give another --name or --out, or write over it with --force" in capsys.readouterr().err
    assert run([tmp_path / "in.json"], Options(tmp_path / "out", force=True)) == 0
    assert json.loads((tmp_path / "out/moth.json").read_text())["name"] == "Moth"


def test_two_characters_of_one_id_cost_the_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"in/a.json": json.dumps(zerepy()), "in/b.json": json.dumps(zerepy(bio="Another."))})
    assert run([tmp_path / "in"], Options(tmp_path, force=True)) == 1
    assert "b.json: would be 'moth', as " in capsys.readouterr().err


def test_a_name_is_for_one_character(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"in/a.json": json.dumps(zerepy()), "in/b.json": json.dumps(elizaos())})
    assert run([tmp_path / "in/a.json"], Options(tmp_path, name="Luna Moth")) == 0
    assert json.loads((tmp_path / "luna-moth.json").read_text())["name"] == "Luna Moth"
    assert run([tmp_path / "in"], Options(tmp_path, name="Other")) == 1
    assert "--name: is for one character, and several were found" in capsys.readouterr().err
    assert not (tmp_path / "other.json").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no character of a known format"),
        (b"{}", "holds no character of a known format"),
        (b"hello", "holds no character of a known format"),
        (b"\0\1\2", "holds no character of a known format"),
        ("{}".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        (b'{"name": "\xff"}', "line 1: byte 10 is no UTF-8 text: save it as UTF-8"),
        (b'{"name": 1', "line 1, column 11"),
        (b"const a = {", "line 1, column"),
        (b" " * (9 * 2**20) + b"{", "has 9,437,185 bytes"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    assert run([path, tmp_path / "missing"], Options(tmp_path)) == 1
    first, second, *more = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{path}: {words}")
    assert second == f"{tmp_path / 'missing'}: is not there"
    assert more == []


def test_several_characters_in_one_file_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        f"const wren = {json.dumps(elizaos())};\nexport const owl = {json.dumps(elizaos(name='Owl', username=''))};\n"
    )
    write(tmp_path, {"birds.ts": text, "list.json": json.dumps([zerepy(), zerepy(name="Bat")])})
    assert run([tmp_path / "birds.ts", tmp_path / "list.json"], Options(tmp_path)) == 0
    assert "birds.ts#owl: elizaOS character, Owl" in capsys.readouterr().out
    assert {path.stem for path in tmp_path.glob("*.json")} == {"wren_bird", "owl", "moth", "bat", "list"}


def test_a_format_that_is_said_is_not_guessed(tmp_path: Path) -> None:
    notes = "# Somebody\n\nA keeper of bees.\n\n## Garden\n\nLavender, mostly.\n"
    write(tmp_path, {"notes.md": notes})
    assert run([tmp_path / "notes.md"], Options(tmp_path)) == 1
    assert run([tmp_path / "notes.md"], Options(tmp_path, form="soul")) == 0
    assert json.loads((tmp_path / "somebody.json").read_text())["description"] == "A keeper of bees."
    with pytest.raises(SuiteError, match="no format is called 'other': tavern, zerepy, elizaos, puppet, soul"):
        run([tmp_path / "notes.md"], Options(tmp_path, form="other"))


@pytest.mark.parametrize(
    ("form", "content"), [("tavern", []), ("elizaos", {}), ("zerepy", {"name": 1}), ("puppet", "x"), ("soul", {"a": 1})]
)
def test_a_format_that_is_said_wrongly_is_an_error_and_no_traceback(tmp_path: Path, form: str, content: Any) -> None:
    write(tmp_path, {"x.json": json.dumps(content)})
    assert run([tmp_path / "x.json"], Options(tmp_path / "out", form=form)) == 1


def test_names_in_a_file_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"x.json": json.dumps(elizaos(**{"\x1b[2J\u202e[red]evil": "x"}))})
    assert run([tmp_path / "x.json"], Options(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]evil" in shown


@pytest.mark.parametrize(
    ("name", "persona_id"), [("世凪", "shizhi"), ("F.R.I.D.A.Y.", "f-r-i-d-a-y"), ("x" * 90, "x" * 64), ("!!!", "x")]
)
def test_an_id_is_made_of_any_name(tmp_path: Path, name: str, persona_id: str) -> None:
    write(tmp_path, {"x.json": json.dumps(zerepy(name=name))})
    assert run([tmp_path / "x.json"], Options(tmp_path / "out")) == 0
    assert [path.stem for path in (tmp_path / "out").iterdir()] == [persona_id]
