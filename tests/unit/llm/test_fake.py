"""The fake provider keeps the contract."""

import json
from typing import Any

import pytest

from services.llm.adapters.fake import FakeProvider
from services.llm.domain.errors import ProviderRefused
from services.llm.domain.generation import FinishReason, StreamEnd
from services.llm.domain.prompt import Prompt, Sampling, Task


async def texts(task: Task) -> list[str]:
    return [candidate.text for candidate in (await FakeProvider().generate(task, 1)).candidates]


async def test_the_same_request_gets_the_same_texts_and_another_gets_others() -> None:
    task = Task(Prompt("the sea at night"), Sampling(40), candidate_count=8)
    first = await texts(task)
    assert first == await texts(task)
    assert len(set(first)) == 8
    assert first != await texts(Task(Prompt("the sea at night"), Sampling(40, seed=1), candidate_count=8))


async def test_a_stop_text_and_the_limit_cut() -> None:
    [candidate] = (await FakeProvider().generate(Task(Prompt("rain"), Sampling(3)), 1)).candidates
    assert len(candidate.text.split()) == 3
    assert candidate.finish_reason is FinishReason.LENGTH
    [stopped] = await texts(Task(Prompt("rain"), Sampling(40, stop=("rain",))))
    assert "rain" not in stopped


async def test_the_stream_is_the_text_in_pieces() -> None:
    task = Task(Prompt("rain"), Sampling(40))
    *pieces, end = [part async for part in FakeProvider().stream(task, 1)]
    assert ["".join(str(piece) for piece in pieces)] == await texts(task)
    assert isinstance(end, StreamEnd)
    assert end.usage.completion_tokens == len(pieces)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {
                "mood": {"enum": ["calm", "wild"]},
                "note": {"type": "string", "minLength": 3},
                "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                "unasked": {"type": "string", "pattern": "[a-z]"},
                "score": {"type": "number", "exclusiveMinimum": 0.5, "maximum": 1},
                "rank": {"type": "integer", "minimum": 1.5},
                "debt": {"type": "integer", "exclusiveMaximum": 0},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "kind": {"const": 7},
            },
            "required": ["mood", "note", "tags", "score", "rank", "debt", "next", "kind"],
            "additionalProperties": False,
            "$defs": {"node": {"type": ["object", "null"], "properties": {}}},
        },
        {"type": "null"},
    ],
)
async def test_with_a_schema_it_writes_a_value_that_fits(schema: dict[str, Any]) -> None:
    [text] = await texts(Task(Prompt("rain"), Sampling(512), json_schema=json.dumps(schema)))
    # Imported here: with its formats it takes seconds, which each worker would spend on collecting.
    import jsonschema  # type: ignore[import-untyped]

    jsonschema.validate(json.loads(text), schema)


@pytest.mark.parametrize("schema", [{"type": "string", "pattern": "a+"}, {"$ref": "#"}, {"$ref": "#/$defs/none"}])
async def test_a_schema_beyond_it_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ProviderRefused, match="schema"):
        await texts(Task(Prompt("rain"), Sampling(40), json_schema=json.dumps(schema)))
