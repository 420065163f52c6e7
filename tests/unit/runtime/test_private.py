"""Data folders that are for their owner only."""

import os
import stat
from pathlib import Path

from services.runtime.private import make_folder, tighten


def _modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in sorted(folder.rglob("*"))}


def test_what_the_suite_keeps_is_taken_from_everybody_else(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    for name in ("logs/agents.log", "chroma/1/data.bin", "sandbox/x/x.sqlite3", "memory.db", "memory.db-wal"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o664)
    tighten(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(_modes(folder).values()) == {0o600, 0o700}


def test_what_is_none_of_its_own_stays_as_it_is(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "var" / "mine").mkdir(parents=True)
    outside.write_text("")
    for path in (outside, tmp_path / "var" / "mine"):
        path.chmod(0o755)
    (tmp_path / "var" / "link").symlink_to(outside)
    tighten(tmp_path / "var")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "var" / "mine").stat().st_mode) == 0o755


def test_a_folder_that_is_everybodys_and_one_that_is_not_there_are_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "theirs").write_text("")
    (tmp_path / "theirs").chmod(0o644)
    tighten(tmp_path)
    tighten(tmp_path / "missing")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o644
    tmp_path.chmod(0o700)


def test_a_folder_that_is_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "var").symlink_to(tmp_path / "real")
    tighten(tmp_path / "var")
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700


def test_each_folder_on_the_way_is_made_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert set(_modes(tmp_path).values()) == {0o700}
