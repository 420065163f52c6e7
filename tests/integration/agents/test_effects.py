"""Whether an agent is active is asked before every effect, of whichever behaviour."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import services.agents
from services.agents.adapters.sql import SqlRecords
from services.agents.behaviours import Registry
from services.agents.domain.entities import AgentRecord
from services.agents.domain.mood import NEUTRAL, OwnEvent
from services.agents.domain.proposals import Order, Pass, PostProposal, Proposal, Reflection, ReplyProposal
from services.agents.domain.records import NO_GROUNDS, Conclusion, PassReason
from services.agents.domain.tasks import Heard, Mention
from services.agents.domain.trading import WRAPPED_SOL
from services.agents.service import Cast, Effects, NetworkCapabilities, Publisher
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.agents import MOSS, World
from tests.fakes.agents.run import FakeRun
from tests.fakes.clock import FixedClock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST = PostProposal(agent_id="wren", texts=("Rain.",), grounds=NO_GROUNDS, topic="rain")
REPLY = ReplyProposal(
    agent_id="wren",
    texts=("It is.",),
    grounds=NO_GROUNDS,
    mention=Mention("7", "otto", "is it raining?", "7", datetime(2026, 11, 22, 12, tzinfo=UTC)),
    heard=Heard("mem_1", "x:1", "otto", is_fellow=False),
)
ORDER = Order("wren", "wal_wren", WRAPPED_SOL, MOSS.mint, 5, 1, True, "MOSS", (), {}, None, OwnEvent.TRADED)
REFLECTION = Reflection(
    agent_id="wren",
    conclusions=(Conclusion("I walk most when it rains.", "self", evidence=("mem_1",)),),
    grounds=NO_GROUNDS,
)
PROPOSALS: dict[str, Proposal] = {
    "post": POST,
    "trade_post": POST,
    "remark": POST,
    "reply": REPLY,
    "trade": ORDER,
    "reflect": REFLECTION,
}


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore[SqlRecords]]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


async def save(store: SqlStore[SqlRecords], now: datetime, *, is_active: bool) -> None:
    agent = AgentRecord(
        id="wren",
        name="Wren",
        description="",
        is_active=is_active,
        persona={"id": "wren", "name": "Wren", "solana_integration": {"trading_enabled": True}},
        account_id="acc_wren",
        wallet_id="wal_wren",
        valence=NEUTRAL.valence,
        arousal=NEUTRAL.arousal,
        dominance=NEUTRAL.dominance,
        mood_time=now,
        create_time=now,
        update_time=now,
    )
    async with store.writing() as records:
        await records.save(agent)
        await records.commit()


@pytest.mark.parametrize("is_active", [False, True])
async def test_an_agent_that_was_stopped_begins_no_effect_of_any_behaviour(
    store: SqlStore[SqlRecords], clock: FixedClock, world: World, is_active: bool
) -> None:
    await save(store, clock.now(), is_active=is_active)
    stage, effects = Cast(store, clock, 1.0), Effects(store)
    capabilities = NetworkCapabilities(world.social, clock)
    parts: Any = SimpleNamespace(
        cast=stage,
        effects=effects,
        memory=world.memory,
        trading=world.trading,
        publisher=Publisher(stage, effects, world.social, world.trading, capabilities, 1.0),
        timeout_seconds=1.0,
    )
    behaviours = Registry.of(parts)
    assert {behaviour.kind for behaviour in behaviours} == set(PROPOSALS)
    for behaviour in behaviours:
        effect = await behaviour.carry_out(FakeRun(), f"{behaviour.kind}/1", PROPOSALS[behaviour.kind])
        if is_active:
            assert not isinstance(effect, Pass)
        else:
            assert isinstance(effect, Pass)
            assert effect.passed.reason == PassReason.STOPPED_BEFORE_SENDING
    assert len(world.social.posts) == (4 if is_active else 0)
    assert len(world.trading.swaps) == (1 if is_active else 0)
    assert len(world.memory.of("wren")) == (1 if is_active else 0)
