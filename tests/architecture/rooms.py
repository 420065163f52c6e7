"""Where the rooms of a service are."""

from pathlib import Path

from tests.conftest import ROOT

SERVICES = ("agents", "llm", "memory", "social", "trading")


def folder_of(service: str) -> Path:
    """Return the folder of a service."""
    return ROOT / "services" / service


def modules_of(service: str) -> list[str]:
    """Return the dotted names of a service's modules, without its migrations."""
    paths = sorted(path for path in folder_of(service).rglob("*.py") if "migrations" not in path.parts)
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
