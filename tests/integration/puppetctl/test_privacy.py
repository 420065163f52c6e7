"""What the doctor finds about files and keys."""

import json
from pathlib import Path

import pytest

from puppetctl.checks.findings import Finding, Mark
from puppetctl.checks.privacy import private_files
from services.runtime.key_file import KeyFile
from services.runtime.key_folder import folder_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder as a suite leaves it, with its key elsewhere."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    (folder / "trading.db").write_text("")
    (folder / "trading.db").chmod(0o600)
    key(folder).create()
    for path in folder.rglob("*"):
        path.chmod(0o600)
    return folder


def key(folder: Path) -> KeyFile:
    return KeyFile(folder_of(folder) / "trading.key")


def bad(data: Path, personas: Path | None = None, **environment: str) -> list[tuple[str, str, str]]:
    """Return what is bad, or worth a note."""
    findings = [item for item in private_files(data, personas, environment) if item.subject != "other keys"]
    return [(item.mark.value, item.subject, _whole(item)) for item in findings if item.mark is not Mark.OK]


def _whole(finding: Finding) -> str:
    return f"{finding.words}: {finding.remedy}"


def test_a_folder_as_a_suite_leaves_it_is_well_and_so_is_one_that_is_not_there(data: Path, tmp_path: Path) -> None:
    assert bad(data) == []
    assert bad(tmp_path / "missing") == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_can_reach_is_bad_wherever_it_is(data: Path, mode: int) -> None:
    deep = data / "sandbox" / "x" / "x.sqlite3-wal"
    deep.parent.mkdir(parents=True, mode=0o700)
    (data / "sandbox").chmod(0o700)
    deep.write_text("")
    deep.chmod(mode)
    assert bad(data) == [("bad", "data files", f"other users of this machine can reach {deep}: `chmod -R go= {data}`")]


def test_an_open_folder_is_bad(data: Path) -> None:
    data.chmod(0o755)
    [(mark, subject, words)] = bad(data)
    assert (mark, subject) == ("bad", "data files")
    assert f"can reach {data}:" in words


def test_a_key_beside_its_database_is_bad_until_the_service_has_moved_it(data: Path) -> None:
    earlier = data / "trading.key"
    earlier.write_bytes(key(data).read()[0])
    earlier.chmod(0o600)
    [(mark, _, words)] = bad(data)
    assert (mark, "beside the database" in words) == ("bad", True)
    key(data).adopt(earlier)
    assert bad(data) == []


def test_a_key_that_is_missing_is_named(data: Path) -> None:
    path = key(data).path
    path.unlink()
    assert [(mark, f"{path} is missing" in words) for mark, _, words in bad(data)] == [("bad", True)]
    assert bad(data, PUPPET_TRADING_KEYSTORE_KEY="given") == []
    (data / "keystore.id").unlink()
    assert [mark for mark, _, _ in bad(data)] == ["bad"]


def test_a_key_within_the_data_folder_or_open_to_others_is_bad(data: Path, tmp_path: Path) -> None:
    inside = KeyFile(data / "keys" / "trading.key")
    inside.create()
    [(mark, _, words)] = bad(data, PUPPET_TRADING_KEY_DIR=str(data / "keys"))
    assert (mark, "a copy of that opens what is sealed" in words) == ("bad", True)
    outside = KeyFile(tmp_path / "keys" / "trading.key")
    outside.create()
    outside.path.chmod(0o644)
    [(mark, _, words)] = bad(data, PUPPET_TRADING_KEY_DIR=str(tmp_path / "keys"))
    assert (mark, f"`chmod go= {outside.path}`" in words) == ("bad", True)


def test_a_rotated_key_is_a_note_until_the_older_ones_are_forgotten(data: Path) -> None:
    key(data).add()
    [(mark, _, words)] = bad(data)
    assert (mark, "holds 2 keys" in words) == ("note", True)


def test_keys_of_a_data_folder_that_is_gone_are_a_note(data: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    stray = folder_of(tmp_path / "gone")
    (tmp_path / "gone" / "keystore.id").unlink()
    strays = [item.words for item in private_files(data, None, {}) if item.subject == "other keys"]
    assert len(strays) == 1
    assert stray.exists()


def test_personas_with_secrets_that_others_can_read_are_a_note(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    contents = {
        "odd.json": json.dumps({"id": "odd", "solana_integration": {"private_key": "k"}}),
        "pia.json": json.dumps({"id": "pia"}),
        "list.json": "[1]",
        "broken.json": "{",
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o644)
    [(mark, subject, words)] = bad(data, folder)
    assert (mark, subject) == ("note", "personas")
    assert words.endswith(f"`chmod go= {folder / 'odd.json'}`")
