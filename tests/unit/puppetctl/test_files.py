"""Files that commands write."""

import os
from pathlib import Path
from typing import Any

import pytest
import typer

from puppetctl.__main__ import app
from puppetctl.access.certificates import Authority
from puppetctl.files import writing
from puppetctl.suite import SuiteError

WRITTEN = {"output", "backup", "out"}
"""What options are called whose file, or whose files, a command writes."""


def commands(command: Any, name: str = "") -> dict[str, set[str]]:
    """Return the parameters of a command, or of all below it, by their names."""
    if isinstance(command, typer.core.TyperGroup):
        found = [commands(below, f"{name} {word}") for word, below in command.commands.items()]
        return {name: names for some in found for name, names in some.items()}
    return {name.strip(): {str(parameter.name) for parameter in command.params}}


def test_whatever_writes_a_file_is_asked_before_another_one_is_lost() -> None:
    writers = {name: given for name, given in commands(typer.main.get_command(app)).items() if given & WRITTEN}
    assert writers.keys() == {"backup", "delete", "import", "memory export", "new", "rehearse"}
    assert {name for name, given in writers.items() if "force" not in given} == set()


def test_a_file_that_is_there_is_only_lost_by_force(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("mine")
    told = "is there already: name another file, or write over it with --force"
    with pytest.raises(SuiteError, match=told), writing(path, force=False):
        pass
    assert path.read_text() == "mine"
    with writing(path, force=True) as file:
        file.write(b"yours")
        assert path.read_text() == "mine", "until all of it is there"
    assert path.read_text() == "yours"


def test_a_file_that_was_begun_and_not_ended_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / "some.jsonl", force=False) as file:  # noqa: PT012
        file.write(b"a")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(real)
    with writing(link, force=False) as file:
        file.write(b"a")
    assert link.is_symlink()
    assert real.read_bytes() == b"a"


def test_a_pipe_is_written_to_as_it_is() -> None:
    reader, writer = os.pipe()
    with writing(Path(f"/dev/fd/{writer}"), force=False) as file:
        file.write(b"a")
    assert os.read(reader, 10) == b"a"
    os.close(reader)
    os.close(writer)


def test_a_device_is_never_replaced() -> None:
    with writing(Path(os.devnull), force=True, mode=0o600) as file:
        file.write(b"a")
    assert Path(os.devnull).is_char_device()


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").touch()
    path = tmp_path / "some.jsonl" / "x"
    with (
        pytest.raises(SuiteError, match=r"some\.jsonl/x can't be written: Not a directory"),
        writing(path, force=False),
    ):
        pass


def test_an_authority_whose_key_is_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    Authority(tmp_path)
    (tmp_path / "ca.key").unlink()
    before = (tmp_path / "ca.pem").read_bytes()
    with pytest.raises(ValueError, match=r"is there without its key: bring ca\.key back"):
        Authority(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == before
