"""Who embeds texts, and with what."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.memory.bootstrap import model_of
from services.memory.settings import MemorySettings


@pytest.mark.parametrize(
    ("given", "model"),
    [
        ({}, "wordllama-256"),
        ({"embedding_model": "wordllama-64"}, "wordllama-64"),
        (
            {"embeddings": "llm", "embedding_model": "openai/text-embedding-3-small", "embedding_dimensions": 512},
            "llm/openai/text-embedding-3-small/512",
        ),
        (
            {"embeddings": "llm", "embedding_model": "openrouter/qwen/embed", "embedding_dimensions": 8},
            "llm/openrouter/qwen/embed/8",
        ),
    ],
)
def test_a_model_is_named_by_who_makes_its_vectors_and_how_long_they_are(given: dict[str, Any], model: str) -> None:
    assert model_of(MemorySettings(**given)) == model


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"embedding_model": "openai/small"}, "must be one of wordllama-64, wordllama-128, wordllama-256"),
        ({"embeddings": "llm", "embedding_dimensions": 8}, "must be a provider of the llm service and its model"),
        ({"embeddings": "llm", "embedding_model": "openai/small"}, "PUPPET_MEMORY_EMBEDDING_DIMENSIONS must say"),
        ({"embeddings": "openai"}, "Input should be 'local' or 'llm'"),
    ],
)
def test_settings_that_do_not_fit_say_what_to_change(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MemorySettings(**given)
