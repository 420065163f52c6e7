"""`puppetctl model`: what there is, and terms that are accepted once."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from puppetctl.__main__ import app
from puppetctl.local.model import agree, better, prepare
from puppetctl.suite import SuiteError, free_ports, plan_suite
from sandbox.llm.model import GEMMA, SETTING, cached_model, is_accepted


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a user's empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_list_says_where_each_model_is_and_under_which_terms() -> None:
    said = CliRunner().invoke(app, ["model"]).output
    assert "smollm2  SmolLM2-135M-Instruct, 98 MB, Apache-2.0: at " in said
    assert "gemma    Gemma 3 270M, 238 MB, Gemma Terms of Use (not accepted): not here" in said
    assert "qwen     Qwen2.5-Coder-1.5B-Instruct, 1.0 GB, Apache-2.0: not here" in said


@pytest.mark.parametrize("command", [["model", "gemma"], ["up", "--model", "gemma"], ["rehearse", "--model", "gemma"]])
def test_without_a_terminal_terms_that_nobody_has_accepted_are_a_line_that_says_how(command: list[str]) -> None:
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 1
    [line] = found.output.strip().splitlines()
    assert "https://ai.google.dev/gemma/terms" in line
    assert "`puppetctl model gemma --accept-terms`" in line
    assert not is_accepted(GEMMA)


def test_terms_are_accepted_once_and_the_model_is_used_from_then_on() -> None:
    cached_model(GEMMA).parent.mkdir(parents=True)
    cached_model(GEMMA).write_bytes(b"GGUF....")
    found = CliRunner().invoke(app, ["model", "gemma", "--accept-terms"])
    assert found.exit_code == 0
    assert f"Gemma 3 270M is at {cached_model(GEMMA)}" in " ".join(found.output.split())
    agree({SETTING: "gemma"})


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1)])
def test_on_a_terminal_it_is_a_question(answer: bytes, code: int) -> None:
    cached_model(GEMMA).parent.mkdir(parents=True)
    cached_model(GEMMA).write_bytes(b"GGUF....")
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    ended = subprocess.run([sys.executable, "-m", "puppetctl", "model", "gemma"], stdin=theirs, stdout=theirs)
    said = os.read(ours, 1 << 16).decode()
    assert "Gemma Terms of Use" in said
    assert "Do you accept them?" in said
    assert ended.returncode == code
    assert is_accepted(GEMMA) is (code == 0)


def test_nothing_is_asked_about_the_default_and_about_a_file_of_ones_own(tmp_path: Path) -> None:
    agree({})
    agree({SETTING: "smollm2"})
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF....")
    agree({SETTING: str(own)})
    with pytest.raises(
        SuiteError, match=r"there is no file .*other\.gguf; the models that have a name are smollm2, gemma and qwen"
    ):
        agree({SETTING: str(tmp_path / "other.gguf")})


async def test_where_there_is_no_folder_to_keep_a_model_in_it_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "nowhere.gguf")
    monkeypatch.setattr("sandbox.llm.model._packaged", lambda: None)
    suite = plan_suite({}, tmp_path, free_ports())
    with pytest.raises(SuiteError, match="there is no home folder to keep a model in"):
        await prepare({}, suite, print)


def test_a_model_of_the_sandbox_is_not_chosen_where_another_provider_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "openai")
    found = CliRunner().invoke(app, ["up", "--model", "gemma", "--data", str(tmp_path / "var"), "--ports", "auto"])
    assert found.exit_code == 1
    assert "PUPPET_LLM_PROVIDERS" in found.output


def test_a_better_model_is_told_of_until_somebody_has_chosen_one(tmp_path: Path) -> None:
    for default in ({}, {SETTING: ""}, {SETTING: "smollm2"}):
        assert "`puppetctl up --model qwen` (1.0 GB, fetched once)" in better(default)
    for chosen in ("qwen", "gemma", str(tmp_path / "own.gguf")):
        assert better({SETTING: chosen}) == ""
