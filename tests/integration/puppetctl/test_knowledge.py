"""What files say becomes memories at the memory service: what is new is added, and what is gone is removed."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from puppetctl.clients import Clients, connected, proof_in, targets
from puppetctl.knowledge.reading import Passage
from puppetctl.knowledge.storing import forget_files, keep_knowledge
from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import serving
from tests.support.channels import operator_of

LAMP, SEA = Passage("a.md", "It turns.", "Lamp"), Passage("a.md", "It is deep.", "Sea")
LOG = Passage("log.pdf", "A storm.", page=3)


@pytest.fixture
async def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """Run a memory service, and call it as the operator."""
    operator_of(tmp_path)
    settings = MemorySettings(port=0, data_dir=tmp_path)
    async with serving("memory", settings, opener(settings)) as address:
        monkeypatch.setenv("PUPPET_CTL_MEMORY", address)
        monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR)))
        proof = proof_in(os.environ, tmp_path)
        async with connected(targets(os.environ, tmp_path), proof) as clients:
            yield clients


async def known(clients: Clients) -> dict[str, pb.Memory]:
    listed = await clients.memory.ListMemories(pb.ListMemoriesRequest(agent_id="odd"))
    return {memory.text: memory for memory in listed.memories}


async def test_passages_are_the_operators_with_their_source_and_stored_once(clients: Clients) -> None:
    assert await keep_knowledge(clients, "odd", [LAMP, LOG, LOG]) == (3, 0)
    assert await keep_knowledge(clients, "odd", [LAMP, LOG, LOG]) == (0, 0)
    found = await known(clients)
    lamp, log = found["Lamp: It turns."], found["A storm."]
    assert (lamp.provenance, lamp.kind) == (pb.PROVENANCE_OPERATOR, pb.MEMORY_KIND_GENERAL)
    assert dict(lamp.metadata) == {"source": "knowledge_base", "file": "a.md", "heading": "Lamp"}
    assert dict(log.metadata) == {"source": "knowledge_base", "file": "log.pdf", "page": "3"}


async def test_another_version_of_a_file_replaces_what_has_changed_and_nothing_else(clients: Clients) -> None:
    own = pb.Memory(
        agent_id="odd", text="I was born.", kind=pb.MEMORY_KIND_CORE, provenance=pb.PROVENANCE_OPERATOR, importance=0.9
    )
    await clients.memory.CreateMemory(pb.CreateMemoryRequest(memory=own))
    await keep_knowledge(clients, "odd", [LAMP, SEA, LOG])
    before = await known(clients)
    shallow = Passage("a.md", "It is shallow.", "Sea")
    assert await keep_knowledge(clients, "odd", [LAMP, shallow, LOG]) == (1, 1)
    after = await known(clients)
    assert after.keys() == {"I was born.", "Lamp: It turns.", "Sea: It is shallow.", "A storm."}
    assert after["Lamp: It turns."].id == before["Lamp: It turns."].id
    assert await keep_knowledge(clients, "odd", [LOG]) == (0, 2)
    assert await keep_knowledge(clients, "odd", []) == (0, 1)
    assert (await known(clients)).keys() == {"I was born."}


async def test_the_passages_of_files_that_a_persona_does_not_name_any_more_go(clients: Clients) -> None:
    await keep_knowledge(clients, "odd", [LAMP, SEA, LOG])
    assert await forget_files(clients, "odd", {"a.md"}) == (1, {"a.md"})
    assert (await known(clients)).keys() == {"Lamp: It turns.", "Sea: It is deep."}
    assert await forget_files(clients, "odd", {"a.md", "b.md"}) == (0, {"a.md"})
    assert await forget_files(clients, "odd", ()) == (2, set())
    assert not await known(clients)


async def test_two_files_with_the_same_words_each_have_their_own(clients: Clients) -> None:
    copy = Passage("b.md", LAMP.text, LAMP.heading)
    assert await keep_knowledge(clients, "odd", [LAMP, copy]) == (2, 0)
    assert await keep_knowledge(clients, "odd", [copy]) == (0, 1)
    [kept] = (await known(clients)).values()
    assert kept.metadata["file"] == "b.md"


async def test_many_passages_are_stored_and_compared_in_parts(clients: Clients) -> None:
    many = [Passage("a.txt", f"Fact {number}.") for number in range(520)]
    assert await keep_knowledge(clients, "odd", many) == (520, 0)
    assert await keep_knowledge(clients, "odd", many[1:]) == (0, 1)
