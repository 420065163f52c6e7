"""Values of a few known types as JSON with named fields: `{"type": ..., "value": {...}}`, read strictly."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter


class TypedJson:
    """Puts values of known types into JSON, and takes them out again."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        """Take what may be stored, by its name: a type is written under its first name and read under each of them."""
        self._adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in types.items()}
        self._names: dict[Any, str] = {}
        for name, kind in types.items():
            self._names.setdefault(kind, name)

    def put(self, value: Any) -> dict[str, Any]:
        """Return a value as JSON. Raises TypeError when its type isn't known, and ValueError when a field is wrong."""
        name = self._names.get(type(value))
        if name is None:
            raise TypeError(f"{type(value).__name__} is not among the stored types")
        return {"type": name, "value": self._adapters[name].dump_python(value, mode="json", warnings="error")}

    def take(self, record: Mapping[str, Any]) -> Any:
        """Return what was put; fields that aren't known are skipped. Raises ValueError, TypeError and LookupError."""
        # Only as JSON are times, decimals and enums text to pydantic, and everything else exactly what it is.
        return self._adapters[record["type"]].validate_json(json_text(record["value"]), strict=True)


def json_text(record: Any) -> str:
    """Return JSON in its shortest form. Raises ValueError for numbers that JSON doesn't have."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
