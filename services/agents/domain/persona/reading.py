"""From the persona file to a Persona: strictly for what comes in, and never a refusal of what is stored."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.agents.domain.persona.conversion import persona_of
from services.agents.domain.persona.fields import STORED
from services.agents.domain.persona.mending import mended
from services.agents.domain.persona.model import Persona
from services.agents.domain.persona.sections import PersonaFile
from services.agents.domain.persona.violations import path_of, places_of, words_of
from services.runtime.errors import InvalidRequest, Violation

_ROOT = "persona"
_ENOUGH = 50
"""Of more violations nobody is told."""


def read_persona(raw: Mapping[str, Any]) -> Persona:
    """Return the persona of a file. Raises InvalidRequest with every violation by its path; unknown fields are none."""
    try:
        return persona_of(PersonaFile.model_validate(raw))
    except ValidationError as error:
        found = [
            Violation(path_of((_ROOT, *place)), words_of(one))
            for one in error.errors(include_url=False)[:_ENOUGH]
            for place in places_of(one)
        ]
        raise InvalidRequest(found) from None


def read_kept(raw: Mapping[str, Any]) -> Persona:
    """Return the persona of what was stored: for what has become a violation since, the field's default stands in."""
    return persona_of(_stored(raw)[0])


def broken_rules(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of what was stored that break a rule of this version, by their paths, and that in words."""
    return _stored(raw)[1]


def _stored(raw: Mapping[str, Any]) -> tuple[PersonaFile, dict[str, str]]:
    try:
        return PersonaFile.model_validate(raw, context=STORED), {}
    except ValidationError as error:
        return mended(raw, error)
