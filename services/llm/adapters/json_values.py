"""A small value that fits a JSON Schema, for the fake provider."""

import math
from typing import Any

_DEEPEST = 32
_KNOWN = (
    {"$ref", "$defs", "definitions", "$schema", "title", "description", "default", "examples"}
    | {"type", "const", "enum", "anyOf", "oneOf"}
    | {"properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minLength", "maxLength"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)


class NoSimpleValue(Exception):
    """The schema asks for something that can't be made up here; the text says what."""


def minimal_value(schema: Any) -> Any:
    """Return a small value that fits a schema; raise NoSimpleValue for keywords beyond the common ones."""
    return _value(schema, schema, 0)


def _value(schema: Any, root: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise NoSimpleValue("the schema has no end")
    if not isinstance(schema, dict):
        return None
    if unknown := schema.keys() - _KNOWN:
        raise NoSimpleValue(f"the schema uses {min(unknown)!r}, which is more than this provider knows")
    if "$ref" in schema:
        return _value(_resolved(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return _value(several[0], root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "null")
    return _of_type(kind[0] if isinstance(kind, list) else kind, schema, root, depth)


def _of_type(kind: str, schema: dict[str, Any], root: Any, depth: int) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: _value(properties.get(name), root, depth + 1) for name in schema.get("required", ())}
        case "array":
            return [_value(schema.get("items"), root, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "x" * schema.get("minLength", 0)
        case "integer" | "number":
            return _number(kind, schema)
        case "boolean":
            return False
        case "null":
            return None
    raise NoSimpleValue(f"{kind!r} is no type")


def _number(kind: str, schema: dict[str, Any]) -> float:
    # Zero where it fits, else the bound that is next to it.
    step = 1 if kind == "integer" else 0.001
    least = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step)
    limit = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step)
    nearest: float = min(max(0, least), limit)
    if kind == "number":
        return nearest
    return math.ceil(nearest) if nearest > 0 else math.floor(nearest)


def _resolved(reference: str, root: Any) -> Any:
    found = root
    for part in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(found, dict) or part not in found:
            raise NoSimpleValue(f"the schema has no {reference!r}")
        found = found[part]
    return found
