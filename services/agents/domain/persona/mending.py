"""What was stored by the rules of an earlier version, made to fit those of this one, field by field."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.agents.domain.persona.fields import NO_LIST, STORED, Fallback, Form, form_of, marked
from services.agents.domain.persona.sections import PersonaFile
from services.agents.domain.persona.violations import Place, path_of, place_of, places_of, words_of

_STANDS_IN = {"id": "x", "name": "x"}
"""What is required, and fits while the rest is read; then what is stored comes back."""

_GONE = object()
"""Is where something was that breaks a rule, so that the others keep their places until all are known."""


def mended(raw: Mapping[str, Any], error: ValidationError) -> tuple[PersonaFile, dict[str, str]]:
    """Return a stored file without what breaks a rule, and of each of these its path and the rule in words.

    The default stands in for it, or its `Fallback`; one value where a list belongs is a list of one.
    """
    kept, broken = _copied(raw), dict[str, str]()
    while True:
        is_changed = False
        for one in error.errors(include_url=False):
            for place in places_of(one):
                broken.setdefault(path_of(place), words_of(one))
                is_changed |= _mend(kept, place, one)
        # What no field can be blamed for costs all but who it is.
        kept = _swept(kept) if is_changed else {}
        try:
            file = PersonaFile.model_validate(kept, context=STORED)
        except ValidationError as another:
            error = another
        else:
            return file.model_copy(update={name: _text(raw, name) for name in _STANDS_IN if name in broken}), broken


def _mend(kept: dict[str, Any], place: Place, error: ErrorDetails) -> bool:
    if place in {(name,) for name in _STANDS_IN}:
        kept[str(place[0])] = _STANDS_IN[str(place[0])]
        return True
    if error["type"] in ("tuple_type", NO_LIST) and form_of(error["input"]) in (Form.TEXT, Form.NUMBER):
        return _put(kept, place, [error["input"]])
    own = place_of(error)
    fallback = marked(PersonaFile, str(place[0]), Fallback) if len(place) == 1 else None
    # What is missing can't go; what misses it can.
    return any(
        _put(kept, there, fallback.value if fallback else _GONE)
        for there in (place, *(own[:length] for length in range(len(own), 0, -1)))
    )


def _put(kept: Any, place: Place, value: Any) -> bool:
    """Put a value in the place of another; False when there is none."""
    *above, last = place
    for part in above:
        if not _has(kept, part):
            return False
        kept = kept[part]
    if not _has(kept, last):
        return False
    kept[last] = value
    return True


def _has(holder: Any, part: int | str) -> bool:
    if isinstance(holder, dict):
        return part in holder
    return isinstance(holder, list) and isinstance(part, int) and part < len(holder)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _swept(value: Any) -> Any:
    """Return a value without what is gone."""
    if isinstance(value, dict):
        return {name: _swept(item) for name, item in value.items() if item is not _GONE}
    return [_swept(item) for item in value if item is not _GONE] if isinstance(value, list) else value


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value.strip() if isinstance(value, str) else ""
