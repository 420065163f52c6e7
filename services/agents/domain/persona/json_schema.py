"""The JSON Schema of the persona file, from its models: editors complete and check a file by it."""

import hashlib
import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from services.agents.domain.persona.fields import EFFECT
from services.agents.domain.persona.sections import PersonaFile

_REDACTION = 1
"""Counts up when `redact` does something else with the same fields."""


def json_schema() -> dict[str, Any]:
    """Return it, in draft 2020-12; `read_persona` knows more rules: those of fields that depend on each other."""
    schema = PersonaFile.model_json_schema(schema_generator=_Generator)
    for section in (schema, *schema["$defs"].values()):
        for shown in section.get("properties", {}).values():
            if effect := shown.get(EFFECT):
                shown["description"] += f" It {effect}."
    return {"$schema": _Generator.schema_dialect, **schema, "title": "Persona"}


def redaction_rules() -> str:
    """Return a digest of what `redact` goes by: the fields that there are, and which of them are secrets."""
    return hashlib.sha256(json.dumps([_REDACTION, json_schema()], sort_keys=True).encode()).hexdigest()


class _Generator(GenerateJsonSchema):
    """Leaves out what tells an author nothing: titles that repeat names, and null, which is as good as nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - its own name for it
        """Give no title to a field."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Show what isn't null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Show a default that says something."""
        shown = super().default_schema(schema)
        if shown.get("default") in (None, "", [], {}):
            shown.pop("default", None)
        return shown
