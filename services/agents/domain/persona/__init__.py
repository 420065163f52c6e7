"""The persona: who a character is, read from the file that describes it."""

from services.agents.domain.persona.changes import changed_paths
from services.agents.domain.persona.json_schema import redaction_rules
from services.agents.domain.persona.model import (
    Behavior,
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
from services.agents.domain.persona.reading import broken_rules, read_kept, read_persona
from services.agents.domain.persona.secrets import REDACTED, Secrets, XSecrets, names_account, secrets_of
from services.agents.domain.persona.sections.personality import Capitalization
from services.agents.domain.persona.sections.root import Approval, Budget
from services.agents.domain.persona.walking import redact, unknown_fields, without_effect

__all__ = [
    "REDACTED",
    "Approval",
    "Behavior",
    "Budget",
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
    "broken_rules",
    "changed_paths",
    "names_account",
    "read_kept",
    "read_persona",
    "redact",
    "redaction_rules",
    "secrets_of",
    "unknown_fields",
    "without_effect",
]
