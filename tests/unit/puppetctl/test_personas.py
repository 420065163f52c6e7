"""Persona files, as `up` and `apply` read them."""

import json
import re
from pathlib import Path

import pytest

from puppetctl.characters.personas import persona_files, read_personas
from puppetctl.characters.provision import has_own_secrets
from puppetctl.suite import SuiteError
from services.runtime.given_accounts import handle_of


def _file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_persona_files_are_read_by_name(tmp_path: Path) -> None:
    _file(tmp_path, "b.json", {"id": "b", "name": "B"})
    _file(tmp_path, "a.json", {"id": "a", "name": "A"})
    _file(tmp_path, "notes.txt", "not a persona")
    files, refused = read_personas(persona_files(tmp_path))
    assert [file.id for file in files] == ["a", "b"]
    assert refused == []


def test_a_mark_in_front_of_the_text_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "name": "A"}')
    assert read_personas([path])[0][0].persona == {"id": "a", "name": "A"}


def test_a_folder_without_personas_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=re.escape(str(tmp_path))):
        persona_files(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"id": "a",\n "name" "A"}', "line 2, column 9"),
        ("[]", "is not a persona"),
        ({"id": "a"}, "needs an `id` and a `name`"),
        ({"id": 7, "name": "A"}, "needs an `id` and a `name`"),
        ("", "is empty"),
        ("\n", "is empty"),
        ("id: a\nname: A\n", "a persona is a JSON object, and begins with {"),
        ({"id": "a", "name": "A", "is_active": "no"}, "is_active must be true or false"),
        ('{"id": "a", "name": "\\ud800"}', "holds something that is no text"),
        ('{"id": "a", "name": "A", "x": ' + "[" * 500 + "]" * 500 + "}", "nested too deeply"),
        ('{"id": "a", "name": "A", "x": ' + "[" * 50_000 + "]" * 50_000 + "}", "nested too deeply"),
        ({"id": "a", "name": "A", "x": "x" * 20_000_000}, "a persona may have 4,194,304"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_persona_costs_that_character_and_is_named(
    tmp_path: Path, content: object, words: str
) -> None:
    path, good = _file(tmp_path, "a.json", content), _file(tmp_path, "b.json", {"id": "b", "name": "B"})
    files, [refused] = read_personas([path, good])
    assert [file.id for file in files] == ["b"]
    assert refused.startswith(f"{path}: ")
    assert words in refused


def test_a_file_in_another_encoding_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"id": "\xff"}')
    files, refused = read_personas([tmp_path / "a.json", tmp_path / "missing.json", tmp_path])
    assert files == []
    assert [words.rpartition(": ")[2] for words in refused] == [
        "is not UTF-8 text",
        "No such file or directory",
        "Is a directory",
    ]


@pytest.mark.parametrize("ids", [("ann", "ann"), ("unit-7", "unit_7"), ("Ann", "ann")])
def test_of_two_personas_that_would_share_an_account_the_first_lives(tmp_path: Path, ids: tuple[str, str]) -> None:
    paths = [_file(tmp_path, f"{index}.json", {"id": one, "name": "N"}) for index, one in enumerate(ids)]
    [first], [refused] = read_personas(paths)
    assert first.path == paths[0]
    assert re.search(r"1\.json and .*0\.json have the same", refused)


@pytest.mark.parametrize(
    ("persona_id", "handle"),
    [("basil", "basil"), ("unit-7", "unit_7"), ("zoë", "zo_"), ("exactly_fifteen", "exactly_fifteen")],
)
def test_an_id_becomes_an_account_name_that_x_allows(persona_id: str, handle: str) -> None:
    assert handle_of(persona_id) == handle


def test_long_ids_that_begin_alike_get_different_account_names() -> None:
    handles = {handle_of("the-lighthouse-keeper"), handle_of("the-lighthouse-cat")}
    assert len(handles) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,15}", handle) for handle in handles)


@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        ({}, False),
        ({"twitter_credentials": {"apiKey": ""}, "solana_integration": {"private_key": None}}, False),
        ({"twitter_credentials": "none"}, False),
        ({"twitter_credentials": {"apiKey": "k"}}, True),
        ({"solana_integration": {"private_key": "k"}}, True),
    ],
)
def test_own_secrets_are_found(persona: dict[str, object], expected: bool) -> None:
    assert has_own_secrets(persona) is expected
