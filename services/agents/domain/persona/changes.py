"""What has changed of a persona from one version to the next."""

from collections.abc import Iterator, Mapping
from typing import Any

_MAX_PATHS = 100
_LONGEST_PATH = 200


def changed_paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the paths of the fields that differ, up to a hundred, by name; a list that differs is one of them."""
    paths: list[str] = []
    for path in _changed(before, after, ""):
        if len(paths) >= _MAX_PATHS:
            break
        paths.append(path[:_LONGEST_PATH])
    return paths


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        below = f"{path}.{name}" if path else name
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changed(old, new, below)
        elif old != new:
            yield below
