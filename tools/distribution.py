"""Tells the build backend what the wheel depends on, and what it carries beside the code.

It depends on what the whole suite needs, in the versions that were tested or newer.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

CARRIED = {
    "docs/persona.schema.json": "puppetctl/docs/persona.schema.json",
    "personas": "puppetctl/personas",
    "requirements/model.txt": "sandbox/llm/model.txt",
    "requirements/gemma.txt": "sandbox/llm/gemma.txt",
    "requirements/qwen.txt": "sandbox/llm/qwen.txt",
}
"""By file or folder of the repository, where it is in the wheel."""

_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class SuiteMetadataHook(MetadataHookInterface):
    """Fills in `dependencies`, which is dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the dependencies to the metadata of the project."""
        metadata["dependencies"] = dependencies(Path(self.root))


class SuiteBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what is carried; a repository that is installed as it stands has it already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a build of this kind."""
        if version == "standard":
            build_data["force_include"] |= {str(Path(self.root, source)): target for source, target in CARRIED.items()}


def dependencies(root: Path) -> list[str]:
    """Return the requirements of the group `all`, each at least in the version of the lock."""
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    lock = (root / "requirements" / "dev.txt").read_text()
    locked = {_normal(match["name"]): match["version"] for match in _LOCKED.finditer(lock)}
    return [f"{name}>={locked[_normal(_NAME.match(name)[0])]}" for name in sorted(_members(groups, "all"))]  # type: ignore[index]


def _members(groups: dict[str, list[Any]], name: str) -> set[str]:
    found: set[str] = set()
    for item in groups[name]:
        found |= _members(groups, item["include-group"]) if isinstance(item, dict) else {item}
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
