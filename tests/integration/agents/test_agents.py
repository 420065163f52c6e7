"""Creating, changing, starting and stopping agents."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.adapters.sql import SqlRecords
from services.agents.ports.neighbours import Refused, Source, WalletKey
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.errors import Violation
from services.runtime.sql import SqlStore
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, SPEED, Open, OpenWith, create, log_of, reason_of, until, update
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]


POST, REPLY, TRADE = pb.ACTION_KIND_POST, pb.ACTION_KIND_REPLY, pb.ACTION_KIND_TRADE
REFLECT = pb.ACTION_KIND_OTHER


async def test_a_created_agent_has_an_account_a_wallet_memories_and_relationships(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    agent = (await agents.CreateAgent(create(persona))).agent
    assert (agent.id, agent.name, agent.is_active) == ("wren", "Wren", True)
    assert (agent.account_id, agent.wallet_id) == ("acc_wren", "wal_wren")
    texts = {memory.text: memory for memory in world.memory.of("wren")}
    assert texts["The round is six miles."].source is Source.OPERATOR
    assert world.memory.views["wren", "otto"].notes == "He fixes clocks, and is never on time."
    assert world.trading.limits["wal_wren"].max_trade_lamports == 50_000_000
    status = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    assert {action.kind for action in status.schedule} == {POST, REPLY, TRADE, REFLECT}
    assert status.mood.label
    assert [entry.summary for entry in await log_of(agents, log_pb.ACTIVITY_KIND_LIFECYCLE)] == [
        "was started",
        "was created",
    ]


async def test_secrets_go_to_their_services_and_stay_nowhere_here(
    agents: AgentServiceStub,
    world: World,
    persona: Persona,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    persona["solana_integration"]["private_key"] = "opensesame-the-private-key"
    made = (await agents.CreateAgent(create(persona))).agent
    await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    got = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
    assert world.social.secrets["wren"].api_key == KEYS["apiKey"]
    assert world.trading.keys["wren"] == "opensesame-the-private-key"
    kept = _contents(tmp_path)
    for secret in (*KEYS.values(), "opensesame-the-private-key"):
        assert secret not in f"{made}{got}{caplog.text}"
        assert secret.encode() not in kept
    assert got.persona.fields["twitter_credentials"].struct_value["apiKey"] == "[redacted]"


def _contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_every_violation_is_named_and_nothing_is_half_done(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    persona["name"] = ""
    persona["behavior"]["post_frequency"]["min_hours_between_posts"] = -1
    code, reason, fields = await reason_of(agents.CreateAgent(create(persona)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert fields >= {"persona.name", "persona.behavior.post_frequency.min_hours_between_posts"}
    assert not world.memory.stored
    assert not world.social.accounts


async def test_refused_credentials_are_a_violation_of_their_field(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.social.refused_keys.add(KEYS["apiKey"])
    code, _, fields = await reason_of(agents.CreateAgent(create(persona)))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"persona.twitter_credentials"})


async def test_a_creation_that_failed_half_way_is_completed_by_repeating_it(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.memory.line.failures = 1
    code, reason, _ = await reason_of(agents.CreateAgent(create(persona, "req_1")))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert not (await agents.ListAgents(pb.ListAgentsRequest())).agents
    made = (await agents.CreateAgent(create(persona, "req_1"))).agent
    again = (await agents.CreateAgent(create(persona, "req_1"))).agent
    assert again == made
    texts = [memory.text for memory in world.memory.of("wren")]
    assert len(texts) == len(set(texts))


async def test_a_creation_that_failed_half_way_is_completed_with_another_persona(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    persona["initial_memory"]["core_memories"] = [{"content": "The dog is Mr. Tibbs.", "importance": 0.2}]
    world.memory.refused_text = "six miles"
    assert (await reason_of(agents.CreateAgent(create(persona))))[2] == {"persona.initial_memory"}
    world.memory.refused_text = ""
    persona["initial_memory"]["core_memories"][0]["importance"] = 0.9
    assert (await agents.CreateAgent(create(persona))).agent.id == "wren"


async def test_an_id_is_taken_once_and_a_request_id_names_one_body(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona, "req_1"))
    assert (await reason_of(agents.CreateAgent(create(persona, "req_2"))))[1] == "AGENT_EXISTS"
    persona["name"] = "Other"
    assert (await reason_of(agents.CreateAgent(create(persona, "req_1"))))[1] == "REQUEST_ID_REUSED"


async def test_unknown_fields_are_reported_and_their_values_are_kept_nowhere(
    agents: AgentServiceStub, persona: Persona
) -> None:
    persona["favourite_stamp"] = "the blue one"
    agent = (await agents.CreateAgent(create(persona))).agent
    assert list(agent.unknown_fields) == ["favourite_stamp"]
    assert agent.persona["favourite_stamp"] == "[redacted]"
    stored = (await agents.GetAgent(pb.GetAgentRequest(id=agent.id))).agent
    assert "the blue one" not in str(stored)
    assert list(stored.unknown_fields) == ["favourite_stamp"]
    [notice] = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id=agent.id))).notices
    assert notice.reason == pb.NOTICE_REASON_UNKNOWN_FIELD
    assert notice.description == "nobody here knows favourite_stamp"


async def test_what_is_known_and_not_understood_of_a_persona_is_a_notice(
    agents: AgentServiceStub, persona: Persona
) -> None:
    persona["personality"]["emotional_range"] = {"default_mood": "fr\u00f6hlich"}
    await agents.CreateAgent(create(persona))
    [notice] = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).notices
    assert notice.reason == pb.NOTICE_REASON_NOT_UNDERSTOOD
    assert notice.field == "personality.emotional_range.default_mood"
    assert "fr\u00f6hlich" in notice.description


async def test_a_field_that_nothing_reads_is_a_notice(agents: AgentServiceStub, persona: Persona) -> None:
    persona["behavior"]["interaction_patterns"]["like_probability"] = 0.4
    await agents.CreateAgent(create(persona))
    [notice] = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).notices
    assert notice.reason == pb.NOTICE_REASON_NO_EFFECT
    assert notice.field == "behavior.interaction_patterns.like_probability"
    assert notice.description == "behavior.interaction_patterns.like_probability has no effect yet"


async def test_an_update_changes_the_persona_and_leaves_redacted_secrets(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    made = (await agents.CreateAgent(create(persona))).agent
    changed = persona | {"description": "Still walks.", "twitter_credentials": dict.fromkeys(KEYS, "[redacted]")}
    agent = (await agents.UpdateAgent(update(changed, etag=made.etag, request_id="req_1"))).agent
    assert (agent.description, agent.account_id) == ("Still walks.", "acc_wren")
    assert world.social.secrets["wren"].api_key == KEYS["apiKey"]
    assert (await agents.UpdateAgent(update(changed, etag=made.etag, request_id="req_1"))).agent == agent
    code, reason, _ = await reason_of(agents.UpdateAgent(update(changed, etag=made.etag)))
    assert (code, reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_the_limits_of_a_persona_hold_when_the_wallet_is_made_and_only_narrow_it_later(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    safety = persona["solana_integration"]["trade_safety"]
    safety["max_trade_amount_sol"] = 5
    await agents.UpdateAgent(update(persona))
    assert world.trading.limits["wal_wren"].max_trade_lamports == 50_000_000
    assert [(wallet, limits.max_trade_lamports) for wallet, limits in world.trading.tightened] == [
        ("wal_wren", 5_000_000_000)
    ]


async def test_a_wallet_that_was_there_before_its_agent_is_only_narrowed(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.trading.wallets["wren"] = WalletKey("wal_before", "address")
    assert (await agents.CreateAgent(create(persona))).agent.wallet_id == "wal_before"
    assert not world.trading.limits
    assert [wallet for wallet, _ in world.trading.tightened] == ["wal_before"]


async def test_the_same_key_with_other_limits_narrows_and_another_key_is_refused(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    persona["solana_integration"]["private_key"] = "sesame"
    await agents.CreateAgent(create(persona))
    persona["solana_integration"]["trade_safety"]["max_trade_amount_sol"] = 0.01
    assert (await agents.UpdateAgent(update(persona))).agent.wallet_id == "wal_wren"
    assert world.trading.limits["wal_wren"].max_trade_lamports == 50_000_000
    assert world.trading.tightened[-1][1].max_trade_lamports == 10_000_000
    persona["solana_integration"]["private_key"] = "another"
    code, _, fields = await reason_of(agents.UpdateAgent(update(persona)))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"persona.solana_integration.private_key"})


@pytest.mark.parametrize(
    ("violated", "named"), [("private_key", "private_key"), ("policy.max_slippage_bps", "trade_safety")]
)
async def test_a_refused_wallet_is_a_violation_of_what_it_was_refused_for(
    agents: AgentServiceStub, world: World, persona: Persona, violated: str, named: str
) -> None:
    world.trading.registering = Refused("trading", "INVALID_REQUEST", "no", [Violation(violated, "is wrong")])
    code, _, fields = await reason_of(agents.CreateAgent(create(persona)))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {f"persona.solana_integration.{named}"})


_TWICE = {
    "tweet_history": [{"content": "gm", "timestamp": f"2024-01-0{day}T08:00:00Z"} for day in (1, 2, 2)] + ["gm"],
    "core_memories": ["The sea is cold.", "The sea is cold."],
}
"""What a persona says has happened several times in the same words."""


async def test_what_was_said_twice_is_remembered_twice(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona | {"initial_memory": _TWICE}))
    posts = [memory for memory in world.memory.of("wren") if memory.kind == "post"]
    assert [(post.text, post.occur_time and post.occur_time.day) for post in posts] == [
        ("gm", 1),
        ("gm", 2),
        ("gm", 2),
        ("gm", None),
    ]
    assert [memory.text for memory in world.memory.of("wren")].count("The sea is cold.") == 2


@pytest.mark.parametrize("fails_at", range(6))
async def test_a_creation_that_ends_anywhere_and_is_repeated_stores_nothing_twice(
    reopen: Open, world: World, persona: Persona, fails_at: int
) -> None:
    asked = create(persona | {"initial_memory": _TWICE}, "req_1")
    world.memory.held_after, world.memory.holding = fails_at, asyncio.Event()
    async with reopen() as agents:
        ended = agents.CreateAgent(asked)
        await until(lambda: len(world.memory.stored) == fails_at)
        ended.cancel()
    world.memory.holding = None
    async with reopen() as agents:
        await agents.CreateAgent(asked)
        await agents.CreateAgent(asked)
    assert Counter(memory.text for memory in world.memory.of("wren")) == {"gm": 4, "The sea is cold.": 2}


async def test_an_update_that_ends_trading_takes_trades_off_the_schedule(
    agents: AgentServiceStub, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    persona["solana_integration"]["trading_enabled"] = False
    before = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    await agents.UpdateAgent(update(persona))
    after = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    assert list(after.schedule) == [action for action in before.schedule if action.kind != TRADE]
    refused = agents.TriggerTrade(pb.TriggerTradeRequest(agent_id="wren", request_id="one"))
    assert (await reason_of(refused))[1] == "TRADING_DISABLED"


async def test_a_stopped_agent_has_no_schedule_and_acts_on_nothing(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    stopped = (await agents.StopAgent(pb.StopAgentRequest(id="wren", request_id="off"))).agent
    assert not stopped.is_active
    assert not (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).schedule
    refused = agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"))
    assert (await reason_of(refused))[1] == "AGENT_INACTIVE"
    await agents.StartAgent(pb.StartAgentRequest(id="wren", request_id="on"))
    # The same request_id is applied once: the agent that was started meanwhile goes on.
    assert (await agents.StopAgent(pb.StopAgentRequest(id="wren", request_id="off"))).agent.is_active


async def test_an_agent_without_an_account_posts_nothing(agents: AgentServiceStub, sample_persona: Persona) -> None:
    await agents.CreateAgent(create(sample_persona))
    refused = agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"))
    assert (await reason_of(refused))[1] == "NO_ACCOUNT"
    status = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
    assert {action.kind for action in status.schedule} == {TRADE, REFLECT}


async def test_pages_show_every_agent_once_in_the_order_of_ids(agents: AgentServiceStub, persona: Persona) -> None:
    for name in ("b", "c", "a"):
        await agents.CreateAgent(create(persona | {"id": name, "is_active": False}))
    ids, token = [], ""
    while True:
        listed = await agents.ListAgents(pb.ListAgentsRequest(page_size=2, page_token=token))
        ids += [agent.id for agent in listed.agents]
        if not (token := listed.next_page_token):
            break
    assert ids == ["a", "b", "c"]


async def test_what_is_not_there_is_not_found(agents: AgentServiceStub) -> None:
    for call in (
        agents.GetAgent(pb.GetAgentRequest(id="nobody")),
        agents.StartAgent(pb.StartAgentRequest(id="nobody")),
        agents.GetAgentStatus(pb.GetAgentStatusRequest(id="nobody")),
        agents.TriggerTrade(pb.TriggerTradeRequest(agent_id="nobody", request_id="one")),
    ):
        assert (await reason_of(call))[:2] == (grpc.StatusCode.NOT_FOUND, "AGENT_NOT_FOUND")


async def test_agents_outlive_a_restart(reopen: Open, persona: Persona) -> None:
    async with reopen() as agents:
        made = (await agents.CreateAgent(create(persona))).agent
        before = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).schedule
    async with reopen() as agents:
        assert (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent == made
        assert (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).schedule == before


def latest_waits(status: pb.GetAgentStatusResponse) -> dict[int, timedelta]:
    """Return how long it is until each entry of a schedule is due."""
    return {entry.kind: entry.due_time.ToDatetime(UTC) - datetime.now(UTC) for entry in status.schedule}


async def test_who_is_to_act_more_often_does_so_from_the_update_on(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    before = latest_waits(await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren")))
    often = {"min_hours_between_trades": 0.001, "max_hours_between_trades": 0.002}
    persona["behavior"]["trading_behavior"]["trading_frequency"] = often
    await agents.UpdateAgent(update(persona))
    after = latest_waits(await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren")))
    assert before[TRADE] > timedelta(hours=0.002) / SPEED >= after[TRADE]


async def test_at_another_speed_the_schedule_is_planned_anew(
    open_with: OpenWith, settings: AgentsSettings, persona: Persona
) -> None:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
    async with open_with(settings.model_copy(update={"speed": 1_000 * SPEED})) as agents:
        waits = latest_waits(await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren")))
    longest = {POST: timedelta(hours=4), REPLY: timedelta(minutes=5), TRADE: timedelta(hours=8)}
    assert all(waits[kind] <= longest[kind] / (1_000 * SPEED) for kind in longest)


async def test_what_an_earlier_version_has_kept_is_redacted_at_the_next_start(
    database_url: str, reopen: Open, persona: Persona
) -> None:
    async with reopen() as agents:
        await agents.CreateAgent(create(persona | {"telegram": "s3cr3t"}))
    database = Database(database_url)
    store = SqlStore(database, SqlRecords)
    try:
        async with store.writing() as records:
            agent = await records.agent("wren")
            assert agent is not None
            assert agent.persona["telegram"] == "[redacted]"
            agent.persona = agent.persona | {"telegram": "s3cr3t"}
            await records.save(agent)
            await records.set_mark("redacted", "by rules of before")
            await records.commit()
        async with reopen() as agents:
            shown = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
        assert shown.persona["telegram"] == "[redacted]"
        async with store.reading() as records:
            stored = await records.agent("wren")
            assert stored is not None
            assert "s3cr3t" not in str(stored.persona)
    finally:
        await database.close()
