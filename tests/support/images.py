"""What is in an image, laid out in a folder: its files, and the packages of its lock and no others, to be read only."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.conftest import ROOT
from tools.images import context, dockerfiles

USER = 10001

_ENV = re.compile(r"^ENV (?P<pairs>(?:.*\\\n)*.*)$", re.MULTILINE)
_COPY = re.compile(r"^COPY (?P<source>\S+) (?P<target>\S+)$", re.MULTILINE)


class Image:
    """An image of the repository, built into a folder that everybody may read."""

    def __init__(self, name: str, folder: Path) -> None:
        self._dockerfile = dockerfiles(ROOT)[name].read_text()
        self.app, self._packages = folder / "app", folder / "packages"
        self._copy(dockerfiles(ROOT)[name])
        for path in _files_of(ROOT / "requirements" / f"{name}.txt"):
            _put(path, self._packages / path.relative_to(_site()))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

    def environment(self) -> dict[str, str]:
        """Return the variables of the image, with its folders where they are here."""
        pairs = " ".join(match["pairs"].replace("\\\n", " ") for match in _ENV.finditer(self._dockerfile)).split()
        given = dict(pair.split("=", 1) for pair in pairs)
        path = given["PYTHONPATH"].replace("/app", str(self.app))
        return {**given, "PYTHONPATH": f"{path}:{self._packages}"}

    def _copy(self, dockerfile: Path) -> None:
        sent = context(ROOT, dockerfile)
        for match in _COPY.finditer(self._dockerfile):
            source = Path(match["source"])
            for path in sent:
                if path == source:
                    _put(ROOT / path, self.app / match["target"])
                elif path.is_relative_to(source):
                    _put(ROOT / path, self.app / match["target"] / path.relative_to(source))


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@cache
def _site() -> Path:
    """Return where the packages of this environment are."""
    return Path(str(metadata.distribution("grpcio").locate_file(".")))


def _files_of(lock: Path) -> Iterator[Path]:
    """Yield the files of the packages that a lock names for this Python and machine."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    for line in lines:
        requirement = Requirement(line.partition(" --hash")[0])
        if requirement.marker is None or requirement.marker.evaluate():
            for file in metadata.distribution(requirement.name).files or []:
                path = Path(str(file.locate())).resolve()
                if path.is_relative_to(_site()) and path.is_file() and "__pycache__" not in path.parts:
                    yield path


@cache
def stranger() -> tuple[str, dict[str, Any]]:
    """Return the Python that an image would run, and how it is started by a user who owns nothing here.

    Without root's rights it is started by the user who runs the tests, and so where no Python can be read by others.
    """
    usual = shutil.which(f"python{sys.version_info[0]}.{sys.version_info[1]}", path="/usr/local/bin:/usr/bin")
    own = str(getattr(sys, "_base_executable", sys.executable))
    if os.geteuid() == 0:
        other: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
        for python in filter(None, (own, usual)):
            try:
                subprocess.run([python, "-S", "-c", "import sqlite3, ssl"], check=True, env={}, cwd="/", **other)
            except (OSError, subprocess.CalledProcessError):
                continue
            return python, other
    return own, {}
