"""An embedding model is there while it is used."""

import weakref
from collections.abc import Sequence

import pytest

from services.memory.adapters import embedders
from services.memory.ports.embedder import Embedder
from services.runtime.waiting import poll


class Model(Embedder):
    """Knows one vector."""

    model = "wordllama-64"

    is_instant = True
    batch = 1

    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        return [b"vector"] * len(texts)

    async def familiarity(self, text: str) -> float:
        return 1.0

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        return [1.0] * len(others)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list["weakref.ref[Model]"]:
    """Return what was opened, first the first."""
    made: list[weakref.ref[Model]] = []

    def open_model(_dimensions: int) -> Model:
        model = Model()
        made.append(weakref.ref(model))
        return model

    monkeypatch.setattr(embedders, "_wordllama", open_model)
    return made


async def test_a_model_that_nobody_uses_is_let_go_of_and_opened_again(
    opened: list["weakref.ref[Model]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "_REST_SECONDS", 0.01)
    embedder = await embedders.WordLlamaEmbedders().open("wordllama-64")
    assert embedder is not None
    assert opened == []
    assert await embedder.embed(["lamp"]) == [b"vector"]

    async def is_gone() -> bool:
        return opened[0]() is None

    assert await poll(is_gone, bool, timeout_seconds=10, poll_seconds=0.01)
    assert await embedder.similarities(b"vector", [b"vector"]) == [1.0]
    assert len(opened) == 2


async def test_a_model_that_is_used_stays(opened: list["weakref.ref[Model]"]) -> None:
    embedder = await embedders.WordLlamaEmbedders().open("wordllama-64")
    assert embedder is not None
    await embedder.embed(["lamp"])
    await embedder.familiarity("lamp")
    assert len(opened) == 1
