"""Which files each image is built from, by its Dockerfile and `.dockerignore`."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

_COPY = re.compile(r"^COPY (?P<source>\S+) \S+$", re.MULTILINE)


def dockerfiles(root: Path) -> dict[str, Path]:
    """Return the Dockerfiles by the names of their images."""
    found = [*sorted((root / "services").glob("*/Dockerfile")), root / "sandbox" / "Dockerfile"]
    return {path.parent.name: path for path in found}


def context(root: Path, dockerfile: Path) -> list[Path]:
    """Return the files that an image copies, relative to the root. Raises FileNotFoundError when they aren't sent."""
    files: set[Path] = set()
    for match in _COPY.finditer(dockerfile.read_text()):
        source = root / match["source"]
        found = source.rglob("*") if source.is_dir() else iter([source])
        sent = {path.relative_to(root) for path in found if path.is_file()} - set(ignored(root, source))
        if not sent:
            raise FileNotFoundError(f"{dockerfile}: nothing is sent for COPY {match['source']}")
        files |= sent
    return sorted(files)


def ignored(root: Path, below: Path) -> Iterator[Path]:
    """Yield the files in a folder, or the file itself, that `.dockerignore` keeps from the builder."""
    rules = [line for line in (root / ".dockerignore").read_text().split("\n") if line and not line.startswith("#")]
    for path in below.rglob("*") if below.is_dir() else [below]:
        relative = path.relative_to(root)
        if path.is_file() and _is_ignored(relative, rules):
            yield relative


def _is_ignored(path: Path, rules: list[str]) -> bool:
    """Tell what the last rule says that matches the path or one of its folders, as Docker does."""
    verdict = False
    for rule in rules:
        if any(_matches(str(part), rule.removeprefix("!")) for part in (path, *path.parents)):
            verdict = not rule.startswith("!")
    return verdict


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return path.count("/") == pattern.count("/") and path != "." and fnmatchcase(path, pattern)
