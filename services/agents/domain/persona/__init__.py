"""The persona: who a character is, read from the file that describes it."""

from services.agents.domain.persona.model import (
    Behavior,
    Capitalization,
    Example,
    InitialMemory,
    LlmChoice,
    MemorySeed,
    Persona,
    Personality,
    QuietHours,
    RelationshipSeed,
    StyleGuide,
    Trading,
)
from services.agents.domain.persona.reading import read_kept, read_persona, redact, unknown_fields
from services.agents.domain.persona.secrets import REDACTED, Secrets, XSecrets, names_account, secrets_of

__all__ = [
    "REDACTED",
    "Behavior",
    "Capitalization",
    "Example",
    "InitialMemory",
    "LlmChoice",
    "MemorySeed",
    "Persona",
    "Personality",
    "QuietHours",
    "RelationshipSeed",
    "Secrets",
    "StyleGuide",
    "Trading",
    "XSecrets",
    "names_account",
    "read_kept",
    "read_persona",
    "redact",
    "secrets_of",
    "unknown_fields",
]
