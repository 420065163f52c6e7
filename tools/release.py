"""Makes what a release consists of, in `dist`: `python -m tools.release`; `python -m tools.release 0.2.0` begins one.

The version stands in `pyproject.toml` and nowhere else.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

from tools.images import context, dockerfiles

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r'^version = "(?P<version>[^"]+)"$', re.MULTILINE)
_SECTION = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!## ).*\n?)*)", re.MULTILINE)
_UNRELEASED = "Unreleased"


class ReleaseError(Exception):
    """A release can't be made of this; the message says what is missing."""


def version_of(pyproject: str) -> str:
    """Return the version that a `pyproject.toml` names."""
    return str(tomllib.loads(pyproject)["project"]["version"])


def begun(pyproject: str, changelog: str, version: str, day: date) -> tuple[str, str]:
    """Return both files as they are with this version: what was unreleased is its section now. Raises ReleaseError."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"{version!r} is no version: three numbers with dots between")
    if _number(version) <= _number(version_of(pyproject)):
        raise ReleaseError(f"{version} is not newer than {version_of(pyproject)}")
    if not section(changelog, _UNRELEASED):
        raise ReleaseError("nothing is unreleased: CHANGELOG.md says so")
    heading = f"## {_UNRELEASED}\n\n## {version} - {day.isoformat()}\n"
    return (
        _VERSION.sub(f'version = "{version}"', pyproject, count=1),
        changelog.replace(f"## {_UNRELEASED}\n", heading, 1),
    )


def section(changelog: str, title: str) -> str:
    """Return what a changelog says of a version; empty when it says nothing."""
    for match in _SECTION.finditer(changelog):
        if match["title"].split(" - ")[0].strip() == title:
            return match["body"].strip()
    return ""


def make(folder: Path) -> None:
    """Make everything in an empty folder. Raises ReleaseError, and CalledProcessError when a tool fails."""
    version = version_of((ROOT / "pyproject.toml").read_text())
    changelog = (ROOT / "CHANGELOG.md").read_text()
    said = section(changelog, version) or section(changelog, _UNRELEASED)
    if not said:
        raise ReleaseError(f"CHANGELOG.md has neither a section {version} nor one {_UNRELEASED}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run("uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder))
    # uv leaves a note for git there.
    (folder / ".gitignore").unlink(missing_ok=True)
    _run("buf", "build", "protos", "--output", str(folder / f"puppet-engine-{version}.binpb"))
    (folder / "CHANGELOG.md").write_text(f"# {version}\n\n{said}\n")
    for name, dockerfile in dockerfiles(ROOT).items():
        _write(folder / "images" / f"{name}.txt", "".join(map(_line, [dockerfile, *_sent(dockerfile)])))
        _sbom(name, folder / "sbom" / f"{name}.cdx.json")
    _write(folder / "SHA256SUMS", "".join(_sum(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()))


def _sent(dockerfile: Path) -> list[Path]:
    return [ROOT / path for path in context(ROOT, dockerfile)]


def _line(path: Path) -> str:
    return _sum(path, ROOT)


def _sum(path: Path, below: Path) -> str:
    """Return a line as `sha256sum` writes and checks them."""
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(below)}\n"


def _sbom(image: str, file: Path) -> None:
    """Write which packages an image holds, by its lock, in CycloneDX's JSON."""
    file.parent.mkdir(exist_ok=True)
    lock = str(ROOT / "requirements" / f"{image}.txt")
    _run("cyclonedx-py", "requirements", lock, "--output-reproducible", "--output-format", "JSON", "-o", str(file))


def _run(program: str, *arguments: str) -> None:
    found = Path(sys.executable).with_name(program)
    subprocess.run([found, *arguments], cwd=ROOT, check=True)  # noqa: S603


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def main(*arguments: str) -> None:
    """Begin the version that is named, or make the release of the present one."""
    try:
        if arguments:
            files = [ROOT / "pyproject.toml", ROOT / "CHANGELOG.md"]
            pyproject, changelog = (file.read_text() for file in files)
            contents = begun(pyproject, changelog, arguments[0], datetime.now(UTC).date())
            for file, content in zip(files, contents, strict=True):
                file.write_text(content)
            return
        make(ROOT / "dist")
    except ReleaseError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        # It has said itself what is wrong.
        sys.exit(f"{Path(error.cmd[0]).name} ended with exit code {error.returncode}")


if __name__ == "__main__":
    main(*sys.argv[1:])
