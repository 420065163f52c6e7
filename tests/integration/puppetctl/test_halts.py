"""What the commands say of halts, and to whom that is not there or not in scope."""

import asyncio
from pathlib import Path

import grpc
import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl import DATA_DIR
from puppetctl.activity import watching
from puppetctl.characters import commands
from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import others, provision
from puppetctl.clients import Clients, in_words
from puppetctl.memory import commands as memory
from puppetctl.suite import SuiteError
from puppetctl.wallets import halting
from tests.integration.puppetctl.conftest import World
from tests.support.waits import WAIT_SECONDS


@pytest.fixture
def traders(world: World) -> World:
    """Return the world, in which two characters have a wallet."""
    for name in ("basil", "pia"):
        world.agents.agents[name] = pb.Agent(id=name, name=name.title(), is_active=True)
        world.trading.owners[f"wal_{name}"] = name
    return world


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


async def test_resuming_all_names_who_is_still_halted_on_its_own(
    traders: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await halting.halt("pia", "")
    await halting.halt("", "odd prices")
    told(capsys)
    assert await halting.resume("") == 0
    shown = told(capsys)
    assert "pia is still halted on its own: puppetctl resume pia" in shown
    assert "basil" not in shown
    assert await halting.resume("pia") == 0
    assert told(capsys) == "the halt is lifted: pia"


async def test_resuming_one_says_that_all_are_still_halted(traders: World, capsys: pytest.CaptureFixture[str]) -> None:
    await halting.halt("", "")
    await halting.resume("pia")
    assert "all trading is still halted: puppetctl resume" in told(capsys)


async def test_agents_shows_whose_trading_is_halted(traders: World, capsys: pytest.CaptureFixture[str]) -> None:
    await commands.agents()
    assert "halted" not in told(capsys)
    await halting.halt("pia", "she sleeps")
    await commands.agents()
    assert "pia is halted on its own (she sleeps): puppetctl resume pia" in told(capsys)
    await halting.halt("", "odd prices")
    await commands.agents()
    shown = told(capsys)
    assert shown.count("all trading is halted (odd prices): puppetctl resume") == 1
    assert "on its own" not in shown


async def test_a_client_whose_scope_is_one_character_names_it(
    traders: World, capsys: pytest.CaptureFixture[str]
) -> None:
    traders.agents.is_scoped = traders.trading.refuses_lists = True
    await halting.halt("pia", "")
    assert await commands.agents(["pia"]) == 0
    shown = told(capsys)
    assert "pia is halted on its own" in shown
    assert "Basil" not in shown
    task = asyncio.create_task(watching.watch(["pia"], DATA_DIR, watching.View(is_plain=True)))
    async with asyncio.timeout(WAIT_SECONDS):
        await traders.agents.watched.wait()
    task.cancel()
    for command in (commands.agents(), watching.watch([], DATA_DIR, watching.View(is_plain=True))):
        with pytest.raises(SuiteError, match="Name the characters"):
            await command


async def test_who_is_not_there_is_not_watched_for(traders: World) -> None:
    for command in (
        watching.watch(["basil", "nobody"], DATA_DIR, watching.View(is_plain=True)),
        commands.agents(["nobody"]),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await command
        assert in_words(refused.value) == "AGENT_NOT_FOUND: no agent 'nobody'"


async def test_the_memories_of_somebody_who_is_not_there_are_not_merely_none(
    traders: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        memory.search("nobody", "x", None, 5, is_trusted=False),
        memory.list_memories("nobody", [], [], 5),
        memory.stats("nobody"),
    ):
        with pytest.raises(SuiteError, match="there is no agent 'nobody'"):
            await command
    assert await memory.search("basil", "x", None, 5, is_trusted=False) == 0
    assert told(capsys) == "nothing found"


async def test_a_memory_service_without_agents_answers_as_ever(
    traders: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUPPET_CTL_AGENTS", "unix:/nowhere/agents.sock")
    assert await memory.search("nobody", "x", None, 5, is_trusted=False) == 0
    assert told(capsys) == "nothing found"


async def test_up_knows_also_those_whose_personas_it_was_not_given(traders: World, clients: Clients) -> None:
    traders.agents.agents["odd"] = pb.Agent(id="odd", name="Odd", account_id="acc_odd", wallet_id="wal_odd")
    basil = PersonaFile(Path("basil.json"), {"id": "basil", "name": "Basil"})
    characters = await provision(clients, [basil], traders.sandboxes)
    found = await others(clients, characters.characters)
    assert [(item.id, item.change, item.handle, item.lamports) for item in found] == [
        ("odd", "there already, and stopped", "odd", 0),
        ("pia", "there already", "", None),
    ]
