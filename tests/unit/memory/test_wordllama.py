"""Embeddings word by word are those that WordLlama gives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import wordllama

from services.memory.adapters.wordllama import WordLlamaEmbedder

TEXTS = (
    "The lighthouse keeper waved at us.",
    "  leading, trailing  and   many blanks  ",
    "tabs\tand\nlines",
    "emoji 🙂 and 日本語 テスト, naïve, a\u0301",
    "\0",
    "\u2581marked\u2581\u2581words",
    "<s>struck</s> out, and <unk> too",
    "x" * 3_000,
    " ",
)


def rows(vectors: Sequence[bytes]) -> np.ndarray:
    return np.array([np.frombuffer(vector, "<f4") for vector in vectors])


@pytest.fixture(scope="module", params=[64, 256])
def dimensions(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


async def test_vectors_are_those_of_the_library(dimensions: int) -> None:
    folder = Path(wordllama.__file__).parent
    library = wordllama.WordLlama.load(dim=256, trunc_dim=dimensions, cache_dir=folder, disable_download=True)
    embedder = WordLlamaEmbedder(dimensions)
    for _ in range(2):
        embedded = await embedder.embed(TEXTS)
        assert np.allclose(rows(embedded), library.embed([*TEXTS], norm=True), atol=1e-5)


async def test_many_texts_are_embedded_as_each_is() -> None:
    embedder = WordLlamaEmbedder(64)
    many = [f"{text} {number}" for number in range(200) for text in TEXTS[:3]]
    alone = [vector for text in many for vector in await embedder.embed([text])]
    assert np.allclose(rows(await embedder.embed(many)), rows(alone), atol=1e-6)


async def test_a_text_without_a_token_has_no_direction() -> None:
    embedder = WordLlamaEmbedder(64)
    nothing, word = await embedder.embed(["", "word"])
    assert nothing == bytes(4 * 64)
    assert np.allclose(rows([word]), rows(await embedder.embed(["word"])), atol=1e-6)
    assert await embedder.embed([]) == []


@pytest.mark.parametrize("text", ["purchase flea market", "Flohmarkt Schildkröte", "на рынке купили", ""])
async def test_words_of_the_languages_that_it_was_trained_with_are_familiar(text: str) -> None:
    assert await WordLlamaEmbedder(64).familiarity(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "\u5e02\u5834\u3067\u8cb7\u3044\u307e\u3057\u305f",
        "\ubd80\uc0b0 \uc774\ubaa8",
        "\u0e15\u0e25\u0e32\u0e14\u0e19\u0e31\u0e14",
    ],
)
async def test_what_it_takes_apart_into_letters_is_not(text: str) -> None:
    assert await WordLlamaEmbedder(64).familiarity(text) == 0.0
