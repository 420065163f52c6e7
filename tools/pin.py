"""Pins the base images to what they are now: `python -m tools.pin` writes their digests into `.env`, for Compose.

A tag is moved to other contents by whoever publishes it; a digest names them. Registries are asked through the tools
that know them, and where none is there or none gets an answer, nothing is changed.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

IMAGES = {"PUPPET_BASE_IMAGE": "python:3.11-slim", "PUPPET_POSTGRES_IMAGE": "postgres:18"}
"""By variable of the compose file, the tag that it stands for when nothing is pinned."""

_TOOLS = (
    ("docker", "buildx", "imagetools", "inspect", "{image}", "--format", "{{{{.Manifest.Digest}}}}"),
    ("crane", "digest", "{image}"),
    ("skopeo", "inspect", "--format", "{{{{.Digest}}}}", "docker://{image}"),
)
_SECONDS = 60


class PinError(Exception):
    """The digests can't be had; the message says what is missing."""


def resolve(image: str) -> str:
    """Return an image's name with its digest. Raises PinError."""
    problems = []
    for command in _TOOLS:
        if not shutil.which(command[0]):
            continue
        try:
            answer = subprocess.run(  # noqa: S603
                [part.format(image=image) for part in command], capture_output=True, text=True, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired:
            problems.append(f"{command[0]} had no answer in {_SECONDS} s")
            continue
        digest = answer.stdout.strip()
        if answer.returncode == 0 and digest.startswith("sha256:"):
            return f"{image}@{digest}"
        words = (answer.stderr or answer.stdout).strip() or f"nothing, and exit code {answer.returncode}"
        problems.append(f"{command[0]} says: {words.splitlines()[0]}")
    reason = "; ".join(problems) or "none of docker (with buildx), crane and skopeo is here"
    raise PinError(f"The digest of {image} can't be found out, so nothing is pinned: {reason}")


def pin(file: Path, pinned: Mapping[str, str]) -> None:
    """Write the variables into a file of variables, in place of those that are there; the rest of it stays."""
    lines = file.read_text().splitlines() if file.exists() else []
    kept = [line for line in lines if line.partition("=")[0] not in pinned]
    file.write_text("\n".join([*kept, *(f"{name}={image}" for name, image in pinned.items())]) + "\n")


def main() -> None:
    """Pin every image, or none."""
    try:
        pinned = {variable: resolve(image) for variable, image in IMAGES.items()}
    except PinError as error:
        sys.exit(str(error))
    pin(Path(".env"), pinned)
    print("\n".join(f"{name}={image}" for name, image in pinned.items()))  # noqa: T201


if __name__ == "__main__":
    main()
