"""The commands that talk to a suite that runs."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl import DATA_DIR
from puppetctl.__main__ import app
from puppetctl.activity import acting
from puppetctl.characters import commands
from puppetctl.checks.doctor import doctor
from puppetctl.clients import Clients, addresses, cursor_before, in_words, list_agents, watch
from puppetctl.suite import free_ports
from tests.integration.puppetctl.conftest import World
from tests.integration.puppetctl.services import SANDBOX_TOKEN
from tests.support.characters import card
from tests.support.waits import WAIT_SECONDS


@pytest.fixture
def basil(world: World) -> str:
    world.agents.agents["basil"] = pb.Agent(id="basil", name="Basil", is_active=True)
    return "basil"


async def test_apply_makes_a_character_of_a_file(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"id": "odd", "name": "Odd"}))
    folder = tmp_path / "sandbox" / "x"
    folder.mkdir(parents=True)
    (folder / "admin.token").write_text(f"{SANDBOX_TOKEN}\n")
    assert await commands.apply([path], tmp_path) == 0
    assert capsys.readouterr().out == "odd: created; nobody here knows shoe_size\n"
    assert world.sandbox.calls == ["account odd"]


async def test_apply_does_what_it_can_and_names_the_files_that_are_bad(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{name}.json" for name in ("odd", "empty", "nameless")]
    for path, persona in zip(paths, ('{"id": "odd", "name": "Odd"}', "", '{"id": "x", "name": ""}'), strict=True):
        path.write_text(persona)
    folder = tmp_path / "sandbox" / "x"
    folder.mkdir(parents=True)
    (folder / "admin.token").write_text(SANDBOX_TOKEN)
    assert await commands.apply(paths, tmp_path) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("odd: created")
    assert f"{paths[1]}: is empty" in shown.err
    assert f"{paths[2]}: x: INVALID_REQUEST" in shown.err
    assert world.agents.agents["odd"].is_active


async def test_an_imported_character_can_be_applied_by_what_import_says_comes_next(
    world: World, tmp_path: Path
) -> None:
    source = tmp_path / "ember.json"
    source.write_text(json.dumps(card()))
    token = tmp_path / "sandbox" / "x" / "admin.token"
    token.parent.mkdir(parents=True)
    token.write_text(SANDBOX_TOKEN)
    imported = await asyncio.to_thread(CliRunner().invoke, app, ["import", str(source), "--out", str(tmp_path / "out")])
    assert imported.exit_code == 0
    _, _, command = imported.output.strip().rpartition("next: puppetctl ")
    assert command == f"apply {tmp_path / 'out' / 'ember.json'}"
    applied = await asyncio.to_thread(CliRunner().invoke, app, [*command.split(), "--data", str(tmp_path)])
    assert applied.exit_code == 0
    assert applied.output.startswith("ember: created")


def test_an_import_of_nothing_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["import", str(tmp_path)])
    assert result.exit_code == 1
    assert "nothing to import" in result.output


async def test_characters_are_stopped_and_started_by_name_or_all(world: World, basil: str) -> None:
    world.agents.agents["pia"] = pb.Agent(id="pia", name="Nonna Pia", is_active=True)

    async def active(*command: str) -> list[bool]:
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert result.exit_code == 0
        return [world.agents.agents[name].is_active for name in ("basil", "pia")]

    assert await active("stop", "basil") == [False, True]
    assert await active("start", "basil") == [True, True]
    assert await active("stop", "--all") == [False, False]
    assert await active("start", "--all") == [True, True]
    result = await asyncio.to_thread(CliRunner().invoke, app, ["stop", "nosuch", "basil"])
    assert (result.exit_code, world.agents.agents["basil"].is_active) == (1, False)
    assert "basil: stopped" in result.stdout
    assert "AGENT_NOT_FOUND" in result.stderr
    assert "'nosuch'" in result.stderr


async def test_a_mood_is_shown_and_set_or_pushed(world: World, basil: str) -> None:
    async def shown(*command: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["mood", basil, *command])
        assert result.exit_code == 0, result.output
        return result.output

    assert "nothing is known" in await shown()
    assert "now gloomy" in await shown("--valence", "-0.5", "--reason", "rain")
    await shown("--push", "--arousal", "0.1")
    first, second = world.agents.moods
    assert (first.levels.valence, first.levels.HasField("arousal"), first.reason) == (-0.5, False, "rain")
    assert second.push.arousal == 0.1


def test_a_push_of_nothing_is_refused() -> None:
    result = CliRunner().invoke(app, ["mood", "basil", "--push"])
    assert result.exit_code == 2
    assert "--valence" in result.output


async def test_versions_of_a_persona_are_listed_and_an_earlier_one_comes_back(world: World, basil: str) -> None:
    world.agents.agents[basil].persona_version = 7

    async def said(*command: str) -> list[str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert result.exit_code == 0
        return result.output.splitlines()

    listed = await said("versions", basil)
    assert len(listed) == 7
    assert listed[0] == (
        "   7  2026-11-07 12:00:00 UTC by operator  "
        "style_guide.f0, style_guide.f1, style_guide.f2, style_guide.f3, style_guide.f4 and 2 more"
    )
    assert listed[-1] == "   1  2026-11-01 12:00:00 UTC"
    assert await said("rollback", basil, "2") == ["basil: is as in version 2, which is version 8 now"]
    assert world.agents.calls == ["rollback basil 2"]
    world.agents.agents["basil"].persona.update({"initial_memory": {"knowledge_base": [{"file": "lore/pond.md"}]}})
    assert (await said("rollback", basil, "2"))[1] == (
        "basil: knows nothing of lore/pond.md, which this version names: `puppetctl apply` a persona file that names it"
    )


@pytest.mark.parametrize("command", [["stop"], ["start"], ["stop", "basil", "--all"], ["halt", "basil", "--all"]])
def test_who_is_meant_is_named_or_all(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "--all" in result.output


async def test_agents_tells_what_of_a_persona_is_not_done(
    world: World, basil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agents.agents[basil].unknown_fields.append("shoe_size")
    assert await commands.agents() == 0
    assert "basil: nobody here knows shoe_size" in capsys.readouterr().out


async def test_agents_lists_every_page(world: World, basil: str, capsys: pytest.CaptureFixture[str]) -> None:
    world.agents.agents["pia"] = pb.Agent(id="pia", name="Nonna Pia")
    assert await commands.agents() == 0
    header, _, first, second = (line.split() for line in capsys.readouterr().out.splitlines() if line.strip())
    assert header == ["character", "id", "mood", "posts", "replies", "trades", "next"]
    assert first == ["Basil", "basil", "relaxed", "7", "0", "1", "post", "in", "10", "min"]
    assert second == ["Nonna", "Pia", "pia", "relaxed", "7", "0", "1", "stopped"]


async def test_agents_says_how_to_make_the_first(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await commands.agents() == 0
    assert "puppetctl new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("topic", "code", "shown"),
    [("rain", 0, "rain"), ("failure", 1, "failure"), ("silence", 3, "silence"), ("never", 4, "puppetctl watch")],
)
async def test_post_shows_what_came_of_it(
    basil: str, topic: str, code: int, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await acting.post(basil, topic, DATA_DIR) == code
    assert shown in capsys.readouterr().out


async def test_a_service_that_is_started_again_is_asked_for_the_same(
    world: World, basil: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agents.ends = 12
    with pytest.raises(grpc.aio.AioRpcError):
        await acting.post(basil, "rain", DATA_DIR)
    world.agents.triggers.clear()
    world.agents.ends = 12
    monkeypatch.setattr(acting, "running_addresses", lambda _data_dir: {"agents": "here"})
    assert await acting.post(basil, "rain", DATA_DIR) == 0
    assert "rain" in capsys.readouterr().out
    [first, *again] = world.agents.triggers
    assert len(again) >= 12
    assert all(request == first for request in again)


async def test_a_trade_that_is_not_made_is_no_failure(basil: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await acting.trade(basil, DATA_DIR) == 3
    assert "Basil holds" in capsys.readouterr().out


async def test_watch_goes_on_after_a_break_and_shows_nothing_twice(
    world: World, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.agents.breaks_streams = True
    seen: list[str] = []
    world.agents.add("basil", log_pb.ACTIVITY_KIND_POST, "before")
    for number in range(3):
        world.agents.add("basil", log_pb.ACTIVITY_KIND_POST, str(number))
    async with asyncio.timeout(WAIT_SECONDS):
        async for activity in watch(clients, "1"):
            seen.append(activity.summary)
            if len(seen) == 3:
                break
    assert seen == ["0", "1", "2"]


async def test_a_watch_that_is_refused_ends_with_the_refusal(world: World, clients: Clients) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        async for _ in watch(clients, "no cursor"):
            pass


async def test_a_watch_can_begin_at_a_time(world: World, clients: Clients) -> None:
    for number in range(5):
        world.agents.add("basil", log_pb.ACTIVITY_KIND_POST, str(number))
    now = datetime.now(UTC)
    assert await cursor_before(clients, now) == "5"
    world.agents.log[3].create_time.seconds += 3600
    world.agents.log[4].create_time.seconds += 3600
    assert await cursor_before(clients, now) == "3"
    assert await cursor_before(clients, datetime(2000, 1, 1, tzinfo=UTC)) == "0"


async def test_a_refusal_is_said_by_its_reason(world: World, clients: Clients) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await clients.agents.TriggerPost(pb.TriggerPostRequest(agent_id="nobody", request_id="1"))
    assert in_words(refusal.value) == "AGENT_NOT_FOUND: no agent 'nobody'"


async def test_agents_are_found_over_many_pages(world: World, clients: Clients) -> None:
    world.agents.agents |= {name: pb.Agent(id=name) for name in "abc"}
    assert [agent.id for agent in await list_agents(clients)] == ["a", "b", "c"]


def test_a_service_elsewhere_is_found_by_its_variable() -> None:
    where = addresses({"PUPPET_CTL_AGENTS": "far:1", "PUPPET_MEMORY_PORT": "7"})
    assert (where["agents"], where["memory"], where["llm"]) == ("far:1", "127.0.0.1:7", "127.0.0.1:50053")


@pytest.mark.parametrize("command", [["agents"], ["watch"], ["post", "basil"], ["trade", "basil"]])
def test_without_a_suite_a_command_says_how_to_start_one(command: list[str]) -> None:
    nobody = {"PUPPET_CTL_AGENTS": f"127.0.0.1:{free_ports()['agents']}"}
    result = CliRunner().invoke(app, command, env=nobody)
    assert result.exit_code == 1
    assert "UNAVAILABLE: no service answers" in result.output
    assert "puppetctl up" in result.output


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["up", "--until", "likes>=1"], "posts, replies, trades"),
        (["up", "--ports", "some"], "--ports"),
        (["up", "--personas", "/nowhere"], "/nowhere"),
        (["apply", "/nowhere/a.json"], "/nowhere/a.json"),
    ],
)
def test_a_wrong_option_is_named_before_anything_starts(command: list[str], named: str, tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "var")] if command[0] == "up" else []
    result = CliRunner().invoke(app, [*command, *data])
    assert result.exit_code != 0
    assert named in result.output
    assert not (tmp_path / "var").exists()


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("puppet-engine ")


async def test_the_doctor_finds_nothing_wrong_here_and_knows_what_is_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = free_ports()
    nobody = {f"PUPPET_CTL_{name.upper().replace('.', '_')}": f"127.0.0.1:{port}" for name, port in ports.items()}
    live = {"PUPPET_SOCIAL_X_BASE_URL": "https://api.x.com/?key=secret"}
    assert await doctor(tmp_path, nobody | live) == 0
    told = capsys.readouterr().out
    assert "live at api.x.com" in told
    assert "secret" not in told
    assert "its ports are free" in told


async def test_the_doctor_says_how_to_mend_what_is_broken(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = free_ports()
    where = {f"PUPPET_CTL_{name.upper().replace('.', '_')}": f"127.0.0.1:{port}" for name, port in ports.items()}
    where["PUPPET_CTL_SANDBOX_X"] = world.sandbox.address
    where["PUPPET_CTL_AGENTS"] = world.address
    where["PUPPET_SANDBOX_LLM_MODEL"] = "/nowhere/model.gguf"
    where["PUPPET_TRADING_RPC_URL"] = "https://rpc.example"
    (tmp_path / "file").write_text("")
    assert await doctor(tmp_path / "file", where) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "there is no file /nowhere/model.gguf" in told
    assert "give another --data" in told
    assert "PUPPET_TRADING_JUPITER_URL" in told
    assert "healthy at" in told
    assert "does not answer as a healthy agents does" in told
    assert "say where it is with PUPPET_CTL_MEMORY" in told
