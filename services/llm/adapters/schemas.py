"""Whether a text is JSON that fits a JSON Schema, by `jsonschema-rs`; no schema has anything fetched."""

import asyncio
import importlib
import json
from types import ModuleType
from typing import Any, NoReturn

from typing_extensions import override

from services.llm.domain.fitting import Misfit
from services.llm.ports import Schema, Schemas
from services.runtime.errors import InvalidRequest, Violation

_MAX_BACKTRACKS = 100_000
"""A pattern that looks around is given up after so many steps; others take no longer than their text is long."""
_MAX_WORDS = 400


class JsonSchemas(Schemas):
    """Reads schemas of all common drafts."""

    @override
    async def load(self, text: str) -> Schema:
        return await asyncio.to_thread(_load, text)


class _JsonSchema(Schema):
    def __init__(self, validator: Any) -> None:
        self._validator = validator

    @override
    async def misfit(self, text: str) -> Misfit | None:
        return await asyncio.to_thread(self._misfit, text)

    def _misfit(self, text: str) -> Misfit | None:
        try:
            value = json.loads(text, parse_constant=_no_number)
            error = next(self._validator.iter_errors(value), None)
        except (ValueError, RecursionError) as wrong:
            return Misfit("", f"it is no JSON: {wrong}"[:_MAX_WORDS])
        if error is None:
            return None
        place = "/".join(map(str, error.instance_path))
        words = f"at {place}: {error.message}" if place else error.message
        return Misfit("/".join(map(str, error.schema_path)), words[:_MAX_WORDS])


def _load(text: str) -> Schema:
    # Loaded with the first schema: 10 MB.
    library: ModuleType = importlib.import_module("jsonschema_rs")
    options = library.FancyRegexOptions(backtrack_limit=_MAX_BACKTRACKS)
    try:
        validator = library.validator_for(json.loads(text), retriever=_nowhere, pattern_options=options)
    except (ValueError, RecursionError) as wrong:
        words = getattr(wrong, "message", str(wrong))[:_MAX_WORDS]
        raise InvalidRequest([Violation("json_schema", f"is no JSON Schema: {words}")]) from None
    return _JsonSchema(validator)


def _nowhere(uri: str) -> NoReturn:
    raise LookupError(f"{uri} is not in the schema")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
