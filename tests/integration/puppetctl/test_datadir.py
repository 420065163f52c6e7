"""One suite at a time on a data folder."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from puppetctl import datadir
from puppetctl.datadir import locked, write_state
from puppetctl.suite import SuiteError


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datadir, "_LOCK_TIMEOUT_SECONDS", 0.0)


def test_a_second_suite_on_the_same_folder_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with locked(tmp_path / "var") as lock:
        write_state(lock, {})
        expected = pytest.raises(SuiteError, match=f"is in use by another puppetctl \\(pid {os.getpid()}\\)")
        with expected, locked(tmp_path / "var"):
            pass


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass


def test_a_child_that_inherits_the_lock_keeps_the_folder(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    with pytest.raises(SuiteError, match="is in use"), locked(tmp_path):
        pass
    child.communicate(b"\n")
    with locked(tmp_path):
        pass


def test_the_lock_file_says_who_runs_where(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        write_state(lock, {"programs": {"memory": {"address": "127.0.0.1:50052", "pid": 7}}})
        state = json.loads((tmp_path / "puppetctl.lock").read_text())
    assert state == {"pid": os.getpid(), "programs": {"memory": {"address": "127.0.0.1:50052", "pid": 7}}}


def test_the_folder_its_logs_and_the_lock_are_for_the_owner_only(tmp_path: Path) -> None:
    log = tmp_path / "var" / "logs" / "agents.log"
    log.parent.mkdir(parents=True)
    log.write_text("")
    with locked(tmp_path / "var"):
        for path, mode in ((tmp_path / "var", 0o700), (log.parent, 0o700), (log, 0o600)):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert stat.S_IMODE((tmp_path / "var" / "puppetctl.lock").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "var"
    with pytest.raises(SuiteError, match=re.escape(str(folder))), locked(folder):
        pass
