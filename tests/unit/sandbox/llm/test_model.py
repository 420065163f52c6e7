"""Which model file the language-model sandbox loads."""

import importlib.util
from pathlib import Path

import pytest

from sandbox.llm.model import ModelError, find_model


def test_a_given_gguf_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF....")
    assert find_model(path) == path


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"PUPPET_SANDBOX_LLM_MODEL: there is no file .*gone\.gguf"):
        find_model(tmp_path / "gone.gguf")


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"{}")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        find_model(path)


def test_the_packaged_model_is_the_default_repacked_when_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "fast.gguf")
    assert find_model(None).name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    (tmp_path / "fast.gguf").write_bytes(b"GGUF....")
    assert find_model(None) == tmp_path / "fast.gguf"


def test_without_the_package_the_error_says_how_to_get_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "fast.gguf")

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"sandbox\.llm\.fetch"):
        find_model(None)
