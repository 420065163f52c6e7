"""Characters that come to life."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import Character, Sandboxes, begin, prepare, provision
from puppetctl.clients import Clients
from puppetctl.knowledge.reading import Passage
from tests.integration.puppetctl.conftest import World
from tests.support.waits import WAIT_SECONDS

BASIL = {"id": "basil", "name": "Basil", "is_active": True, "solana_integration": {"trading_enabled": True}, "age": 104}
PIA = {"id": "pia-at-home", "name": "Nonna Pia", "quirks": ["hums", 2, None]}


def files(*personas: Mapping[str, Any]) -> list[PersonaFile]:
    return [PersonaFile(Path(f"{persona['id']}.json"), persona) for persona in personas]


async def live(
    clients: Clients, personas: Sequence[Mapping[str, Any]], sandboxes: Sandboxes, *, update: bool = False
) -> list[Character]:
    """Bring characters to life of whom none is refused."""
    provisioned = await provision(clients, files(*personas), sandboxes, update=update)
    assert provisioned.refused == []
    return provisioned.characters


async def refused(clients: Clients, personas: Sequence[Mapping[str, Any]], sandboxes: Sandboxes) -> str:
    """Return what keeps the only one of these from coming to life that is refused."""
    provisioned = await provision(clients, files(*personas), sandboxes)
    assert len(provisioned.characters) == len(personas) - 1
    [words] = provisioned.refused
    return words


async def test_a_character_gets_an_account_and_money_and_is_started_when_all_are_there(
    world: World, clients: Clients
) -> None:
    basil, pia = await live(clients, [BASIL, PIA], world.sandboxes)
    assert (basil.change, basil.handle, basil.lamports) == ("created", "basil", 2_000_000_000)
    assert (pia.change, pia.handle, pia.lamports) == ("created", "pia-at-home", None)
    assert basil.notices == ("nobody here knows shoe_size",)
    assert sorted(world.sandbox.calls) == ["account basil", "account pia_at_home", "requestAirdrop wal_basil"]
    assert world.agents.secrets["basil"] == {
        "apiKey": "api_key of basil",
        "apiKeySecret": "api_key_secret of basil",
        "accessToken": "access_token of basil",
        "accessTokenSecret": "access_token_secret of basil",
    }
    assert world.agents.calls == ["create all of basil pia-at-home", "start basil", "start pia-at-home"]


async def test_what_is_wrong_with_one_character_of_a_batch_costs_that_one(world: World, clients: Clients) -> None:
    world.agents.refused_in_batches.add("basil")
    await live(clients, [BASIL, PIA], world.sandboxes)
    assert world.agents.calls[:3] == ["create all of basil pia-at-home", "create basil", "create pia-at-home"]


async def test_many_characters_are_created_in_few_calls(world: World, clients: Clients) -> None:
    personas = [PIA | {"id": f"pia-{number}"} for number in range(120)]
    made = await live(clients, personas, world.sandboxes)
    assert [character.change for character in made] == ["created"] * 120
    batches = [call for call in world.agents.calls if call.startswith("create all")]
    assert [len(call.split()) - 3 for call in batches] == [50, 50, 20]


async def test_a_second_time_nothing_changes_and_nothing_is_given(world: World, clients: Clients) -> None:
    await live(clients, [BASIL, PIA], world.sandboxes)
    calls = len(world.agents.calls)
    again = await live(clients, [BASIL, PIA], world.sandboxes)
    assert [character.change for character in again] == ["unchanged", "unchanged"]
    assert world.agents.calls[calls:] == ["start basil", "start pia-at-home"]
    assert world.sandbox.calls.count("requestAirdrop wal_basil") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Basil the Slow"},
        {"age": 105},
        {"solana_integration": {"trading_enabled": False}},
        {"quirks": ["naps"]},
    ],
)
async def test_a_changed_file_updates_the_character(world: World, clients: Clients, changed: dict[str, Any]) -> None:
    await live(clients, [BASIL], world.sandboxes)
    [basil] = await live(clients, [{**BASIL, **changed}], world.sandboxes)
    assert basil.change == "updated"
    assert "update basil persona" in world.agents.calls


async def test_an_update_can_be_asked_for_where_nothing_changed(world: World, clients: Clients) -> None:
    await live(clients, [BASIL], world.sandboxes)
    [basil] = await live(clients, [BASIL], world.sandboxes, update=True)
    assert basil.change == "unchanged"
    assert "update basil persona" in world.agents.calls


async def test_own_credentials_are_used_and_sent_again_since_a_change_of_theirs_cannot_be_seen(
    world: World, clients: Clients
) -> None:
    persona = {**PIA, "twitter_credentials": {"apiKey": "hers"}}
    await live(clients, [persona], world.sandboxes)
    [pia] = await live(clients, [persona], world.sandboxes)
    assert pia.change == "updated"
    assert world.agents.secrets["pia-at-home"] == {"apiKey": "hers"}
    assert world.sandbox.calls == []


async def test_an_account_that_was_renamed_stays_the_characters(world: World, clients: Clients) -> None:
    await live(clients, [BASIL], world.sandboxes)
    world.sandbox.usernames = {"id-of-somebody": "basil", "id-basil": "basil_moved"}
    await live(clients, [BASIL], world.sandboxes, update=True)
    assert world.sandbox.calls[-1] == "account basil_moved"
    assert world.agents.secrets["basil"]["apiKey"] == "api_key of basil_moved"


async def test_an_inactive_character_is_created_and_not_started(world: World, clients: Clients) -> None:
    await live(clients, [{**PIA, "is_active": False}], world.sandboxes)
    assert world.agents.calls == ["create pia-at-home"]


@pytest.mark.parametrize("update", [True, False])
async def test_a_file_that_says_so_stops_its_character(world: World, clients: Clients, update: bool) -> None:
    await live(clients, [PIA], world.sandboxes)
    [pia] = await live(clients, [{**PIA, "is_active": False}], world.sandboxes, update=update)
    assert pia.change == "unchanged, and stopped"
    assert not world.agents.agents[pia.id].is_active


async def test_a_character_is_stopped_also_when_the_rest_of_its_file_is_refused(world: World, clients: Clients) -> None:
    await live(clients, [PIA], world.sandboxes)
    await refused(clients, [{**PIA, "is_active": False, "name": ""}], world.sandboxes)
    assert not world.agents.agents["pia-at-home"].is_active


async def test_who_was_stopped_stays_so_until_it_is_asked_for(world: World, clients: Clients) -> None:
    [pia, _] = await live(clients, [PIA, BASIL], world.sandboxes)
    await clients.agents.StopAgent(pb.StopAgentRequest(id=pia.id))
    [pia, basil] = await live(clients, [PIA, BASIL], world.sandboxes)
    assert not world.agents.agents[pia.id].is_active
    assert (pia.change, basil.change) == (
        "unchanged, is stopped: `puppetctl start pia-at-home` starts it",
        "unchanged",
    )
    await live(clients, [PIA], world.sandboxes, update=True)
    assert world.agents.agents[pia.id].is_active


async def test_nothing_is_provisioned_where_the_third_parties_are_real(world: World, clients: Clients) -> None:
    [basil] = await live(clients, [BASIL], Sandboxes())
    assert (basil.handle, basil.lamports) == ("", 0)
    assert world.sandbox.calls == []


async def test_money_is_given_only_when_there_is_little(world: World, clients: Clients) -> None:
    world.trading.lamports["wal_basil"] = 600_000_000
    [basil] = await live(clients, [BASIL], world.sandboxes)
    assert basil.lamports == 600_000_000
    world.trading.lamports["wal_basil"] = 400_000_000
    [basil] = await live(clients, [BASIL], world.sandboxes)
    assert basil.lamports == 2_400_000_000


async def test_a_refused_persona_is_named_with_its_file_and_fields_and_the_others_live(
    world: World, clients: Clients
) -> None:
    words = await refused(clients, [{**BASIL, "name": ""}, PIA], world.sandboxes)
    assert words == "basil.json: basil: INVALID_REQUEST: persona.name: is required"
    assert world.agents.agents["pia-at-home"].is_active


async def test_placeholders_of_credentials_are_explained_at_the_sandbox(world: World, clients: Clients) -> None:
    persona = {**PIA, "twitter_credentials": {"apiKey": "YOUR_API_KEY"}}
    words = await refused(clients, [persona], world.sandboxes)
    assert "leave twitter_credentials out, and pia-at-home gets one" in words
    assert "leave" not in await refused(clients, [persona], Sandboxes())


async def test_a_sandbox_that_refuses_or_is_away_is_named(world: World, clients: Clients) -> None:
    world.sandbox.refuses_airdrops = True
    assert "the faucet is dry" in await refused(clients, [BASIL, PIA], world.sandboxes)
    words = await refused(clients, [BASIL], Sandboxes("127.0.0.1:1", None))
    assert words.startswith("basil.json: basil: http://127.0.0.1:1/_sandbox/accounts did not answer")


async def test_what_its_files_say_is_stored_once_and_told_of(world: World, clients: Clients) -> None:
    lamp, sea = Passage("a.md", "It turns.", "Lamp"), Passage("a.md", "It is deep.", "Sea")

    async def change(*knowledge: Passage) -> str:
        file = PersonaFile(Path("pia.json"), PIA, knowledge)
        provisioned = await provision(clients, [file], world.sandboxes)
        assert provisioned.refused == []
        return provisioned.characters[0].change

    assert await change(lamp, sea) == "created, with 2 new from its files"
    assert await change(lamp, sea) == "unchanged"
    assert (
        await change(lamp, Passage("a.md", "It is shallow.", "Sea"))
        == "unchanged, with 1 new from its files and 1 gone"
    )
    assert await change() == "unchanged, with 2 gone"


async def test_those_who_have_never_lived_begin_apart_and_all_others_at_once(world: World, clients: Clients) -> None:
    def active() -> list[str]:
        return [name for name, agent in world.agents.agents.items() if agent.is_active]

    prepared = await prepare(clients, files(BASIL, PIA), world.sandboxes)
    assert [character.change for character in prepared.characters] == ["created", "created"]
    assert active() == []
    beginning = begin(clients, prepared, apart_seconds=3600)
    assert (await anext(beginning)).id == "basil"
    assert active() == ["basil"]
    await beginning.aclose()
    again = await prepare(clients, files(BASIL, PIA), world.sandboxes)
    async with asyncio.timeout(WAIT_SECONDS):
        assert [one.id async for one in begin(clients, again, apart_seconds=3600)] == ["basil", "pia-at-home"]
    assert active() == ["basil", "pia-at-home"]
