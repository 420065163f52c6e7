"""A character to test with."""

from typing import Any

import pytest

from services.agents.domain.persona import Persona, read_persona


@pytest.fixture
def persona(sample_persona: dict[str, Any]) -> Persona:
    """Return the sample persona, read."""
    return read_persona(sample_persona)
