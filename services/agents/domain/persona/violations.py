"""What pydantic finds wrong with a persona, in the words of this house and by the paths that its author knows."""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

from services.agents.domain.persona.fields import Form

Place: TypeAlias = tuple[int | str, ...]
"""Where a value is in a file: names and indices, from the root on."""

_WORDS = {
    "missing": "is required",
    "string_type": "must be a text",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
_FORMS = {
    Form.TEXT: "a text",
    Form.NUMBER: "a number",
    Form.FLAG: "true or false",
    Form.LIST: "a list",
    Form.OBJECT: "an object",
}
_TAG = re.compile(r"<\w+>")
_KEY = "[key]"


def place_of(error: ErrorDetails) -> Place:
    """Return where a rule is broken, without pydantic's own marks, which stand in no file."""
    return tuple(part for part in error["loc"] if part not in _FORMS and part != _KEY)


def places_of(error: ErrorDetails) -> list[Place]:
    """Return where the values are that break it: most often the one that was looked at, sometimes those beside it."""
    place = place_of(error)
    fields = error.get("ctx", {}).get("fields", ())
    return [(*place[:-1], name) for name in fields] or [place]


def words_of(error: ErrorDetails) -> str:
    """Return the rule that is broken."""
    known: dict[str, Any] = error.get("ctx", {})
    if "words" in known:
        return str(known["words"])
    match error["type"]:
        case "string_too_long":
            return f"must have at most {known['max_length']} characters, and has {len(error['input'])}"
        case "too_long":
            return f"must have at most {known['max_length']} entries, and has {len(error['input'])}"
        case "union_tag_invalid":
            expected = _TAG.findall(known["expected_tags"])
            return f"must be {' or '.join(_FORMS[Form(tag)] for tag in expected)}"
    return _WORDS.get(error["type"], error["msg"])


def path_of(place: Place) -> str:
    """Return a place as its author knows it: `post_examples[0].topic`."""
    return "".join(_written(place)).removeprefix(".")


def _written(place: Place) -> Iterator[str]:
    for part in place:
        yield f"[{part}]" if isinstance(part, int) else f".{part}"
