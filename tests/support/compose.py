"""The compose file as Compose reads it: its variables replaced by those of an environment."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.conftest import ROOT

FILE = ROOT / "docker-compose.yml"


def containers() -> dict[str, Any]:
    """Return the containers of the suite by the names that its programs have, as they stand in the file."""
    services: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    others = ("principals", "postgres")
    return {name.replace("-", "."): service for name, service in services.items() if name not in others}


def environment_of(container: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a container gets when these are given."""
    resolved = {}
    for name, value in container["environment"].items():
        if value is not None:
            resolved[name] = interpolated(value, given)
        elif name in given:
            resolved[name] = given[name]
    return resolved


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """Replace `${NAME:-default}` and `${NAME:+replacement}`, in which there may be others, from the inside out."""
    innermost = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[-+])(?P<rest>[^${}]*)\}|\$\{(?P<plain>\w+)\}")

    def replace(match: re.Match[str]) -> str:
        if match["plain"]:
            return given.get(match["plain"], "")
        value = given.get(match["name"], "")
        return (value or match["rest"]) if match["kind"] == "-" else (match["rest"] if value else "")

    while innermost.search(text):
        text = innermost.sub(replace, text)
    return text
