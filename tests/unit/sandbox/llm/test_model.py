"""Which model file the language-model sandbox loads."""

import importlib.util
from pathlib import Path

import pytest

from sandbox.llm.model import (
    GEMMA,
    PACKED,
    ModelError,
    PackedModel,
    accept,
    cached_model,
    find_model,
    requirements,
    to_be_fetched,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a user whose cache is empty, whatever this one has fetched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_given_gguf_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF....")
    assert find_model(str(path)) == path


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"PUPPET_SANDBOX_LLM_MODEL: there is no file .*gone\.gguf"):
        find_model(str(tmp_path / "gone.gguf"))


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"{}")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        find_model(str(path))


def test_the_packaged_model_is_the_default_repacked_when_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "fast.gguf")
    assert find_model().name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    (tmp_path / "fast.gguf").write_bytes(b"GGUF....")
    assert find_model() == tmp_path / "fast.gguf"


def test_without_the_package_the_error_says_how_to_get_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "fast.gguf")

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(ModelError, match="puppetctl model smollm2"):
        find_model()


def test_a_packed_model_is_found_by_its_name_once_its_terms_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"Gemma Terms of Use, https://ai\.google\.dev/gemma/terms.*--accept-terms"):
        find_model("gemma")
    accept(GEMMA)
    with pytest.raises(ModelError, match="isn't here yet; run `puppetctl model gemma`"):
        find_model("gemma")
    assert to_be_fetched("gemma") is GEMMA
    cached_model(GEMMA).write_bytes(b"GGUF....")
    assert find_model("Gemma") == cached_model(GEMMA)
    assert to_be_fetched("gemma") is None


def test_the_default_asks_for_nothing_by_its_name_or_without_one() -> None:
    assert find_model("smollm2") == find_model("")
    assert to_be_fetched("") is to_be_fetched("smollm2") is None


def test_in_an_image_which_has_no_locks_the_default_is_found_and_the_other_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.llm.model.requirements", lambda _model: tmp_path / "nowhere.txt")
    monkeypatch.setattr("sandbox.llm.model.REPACKED", tmp_path / "fast.gguf")
    (tmp_path / "fast.gguf").write_bytes(b"GGUF....")
    assert find_model() == tmp_path / "fast.gguf"
    with pytest.raises(ModelError, match="gemma can't be fetched here"):
        find_model("gemma")


def test_a_file_that_is_called_like_a_packed_model_is_given_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "gemma"
    path.write_bytes(b"GGUF....")
    assert find_model(str(path)) == path


@pytest.mark.parametrize("model", PACKED.values(), ids=PACKED)
def test_every_wheel_of_a_packed_model_is_named_with_its_hash(model: PackedModel) -> None:
    lines = [line for line in requirements(model).read_text().splitlines() if line and not line.startswith("#")]
    wheels = [line for line in lines if "==" in line]
    assert wheels
    assert all("--hash=sha256:" in "".join(lines[lines.index(wheel) : lines.index(wheel) + 2]) for wheel in wheels)
