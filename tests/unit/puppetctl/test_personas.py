"""Persona files, as `up` and `apply` read them."""

import json
import re
from pathlib import Path

import pytest

from puppetctl.provision import handle_of, has_own_secrets, persona_files, read_personas
from puppetctl.suite import SuiteError


def _file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_persona_files_are_read_by_name(tmp_path: Path) -> None:
    _file(tmp_path, "b.json", {"id": "b", "name": "B"})
    _file(tmp_path, "a.json", {"id": "a", "name": "A"})
    _file(tmp_path, "notes.txt", "not a persona")
    assert [persona["id"] for persona in read_personas(persona_files(tmp_path))] == ["a", "b"]


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
    ],
)
def test_a_file_that_is_no_persona_is_refused_with_its_name(tmp_path: Path, content: object, words: str) -> None:
    path = _file(tmp_path, "a.json", content)
    with pytest.raises(SuiteError, match=f"a.json.*{re.escape(words)}"):
        read_personas([path])


def test_a_file_in_another_encoding_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(SuiteError, match="not UTF-8"):
        read_personas([tmp_path / "a.json"])
    with pytest.raises(SuiteError, match="No such file"):
        read_personas([tmp_path / "missing.json"])


@pytest.mark.parametrize("ids", [("ann", "ann"), ("unit-7", "unit_7"), ("Ann", "ann")])
def test_two_personas_that_would_share_an_account_are_refused(tmp_path: Path, ids: tuple[str, str]) -> None:
    paths = [_file(tmp_path, f"{index}.json", {"id": one, "name": "N"}) for index, one in enumerate(ids)]
    with pytest.raises(SuiteError, match=r"1\.json and .*0\.json have the same"):
        read_personas(paths)


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
