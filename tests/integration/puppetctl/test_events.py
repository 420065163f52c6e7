"""`puppetctl events` against the agents service: published, listed and cancelled."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppetctl.__main__ import app
from puppetctl.events import commands as events
from puppetctl.events.commands import Wish
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import Lifecycle, serving
from tests.fakes.agents import World
from tests.integration.agents.conftest import create
from tests.support.channels import open_as, operator_of

STEERING = "rain\x1b[31m\u202e"


@pytest.fixture
async def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AgentServiceStub]:
    """Serve agents, and let the environment say where."""
    world = World()

    def opener(lifecycle: Lifecycle) -> Any:
        ports = (world.memory, world.llm, world.social, world.trading)
        return served(settings, lifecycle, SystemClock(), *ports)

    settings = AgentsSettings(port=0, data_dir=tmp_path, speed=1e-6, poll_seconds=0.05)
    operator = operator_of(tmp_path)
    async with serving("agents", settings, opener) as address, open_as(address, operator) as channel:
        monkeypatch.setenv("PUPPET_CTL_AGENTS", address)
        credential = PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR)
        monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(credential))
        stub = AgentServiceStub(channel)
        for name in ("wren", "finch"):
            await stub.CreateAgent(create({"id": name, "name": name.title(), "is_active": True}))
        yield stub


@pytest.mark.usefixtures("agents")
async def test_what_is_published_is_listed_until_it_is_cancelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def publish(wish: Wish, *agent_ids: str, rule: str = "") -> str:
        assert await events.publish(wish, agent_ids, None, rule, "Europe/Berlin", "normal", tmp_path) == 0
        return capsys.readouterr().out

    daily = "FREQ=DAILY;BYHOUR=8;BYMINUTE=0"
    told = [
        await publish(Wish("news", STEERING, push=(0.5, 0.0, 0.0)), "wren", rule=daily),
        await publish(Wish("mood", "the storm", push=(-0.5, 0.25, 0.0)), rule=daily),
        await publish(Wish("post", "good morning"), "wren", rule=daily),
        await publish(Wish("speak", "gates", whom="finch"), "wren", rule=daily),
        await publish(Wish("feed", "https://feeds.example/rss"), "wren", rule=daily),
    ]
    assert [words.strip().partition(" and again, ")[2] for words in told] == [
        "wren: news: rain [31m",
        "all: mood -0.5 +0.25 +0 (the storm)",
        "wren: post about good morning",
        "wren: speak to finch about gates",
        "wren: news from https://feeds.example/rss",
    ]
    ids = [words.partition(":")[0] for words in told]
    assert await events.list_events(["finch"], 20, tmp_path, is_every=False) == 0
    shown = capsys.readouterr().out
    assert [event_id in shown for event_id in ids] == [False, True, False, False, False]
    # On a line of its own: in 80 columns there is room for what happens.
    assert "all: mood -0.5 +0.25 +0" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert await events.cancel(ids, tmp_path) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == [f"{event_id}: cancelled" for event_id in ids]
    assert await events.list_events([], 20, tmp_path, is_every=False) == 0
    assert capsys.readouterr().out == "nothing is to happen\n"
    assert await events.list_events([], 3, tmp_path, is_every=True) == 0
    assert capsys.readouterr().out.count("cancelled") == 3


@pytest.mark.usefixtures("agents")
async def test_what_happens_now_has_reached_whom_it_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await events.publish(Wish("mood", "sun", push=(0.5, 0, 0)), [], None, "", "UTC", "high", tmp_path) == 0
    assert ": reached 2, all: mood +0.5" in capsys.readouterr().out


def test_to_speak_needs_somebody_to_speak_to() -> None:
    result = CliRunner().invoke(app, ["events", "publish", "speak", "gates"])
    assert result.exit_code == 2
    assert "--whom" in result.output
