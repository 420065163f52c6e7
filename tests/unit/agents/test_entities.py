"""What is stored of an agent, and how it changes."""

from datetime import UTC, datetime, timedelta

import pytest

from services.agents.domain.entities import AgentRecord, Hindrance
from services.agents.domain.mood import Mood, TradingMood
from services.runtime.errors import Conflict

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def agent() -> AgentRecord:
    return AgentRecord(
        id="wren",
        name="Wren",
        description="",
        is_active=False,
        persona={"id": "wren"},
        valence=0.0,
        arousal=0.0,
        dominance=0.0,
        mood_time=NOW,
        create_time=NOW,
        update_time=NOW,
    )


def test_starting_and_stopping_change_the_etag(agent: AgentRecord) -> None:
    before = agent.etag
    agent.start(LATER)
    assert (agent.is_active, agent.start_time, agent.update_time) == (True, LATER, LATER)
    started = agent.etag
    agent.stop(LATER)
    assert (agent.is_active, agent.start_time) == (False, None)
    assert len({before, started, agent.etag}) == 3


def test_a_mood_alone_leaves_the_etag(agent: AgentRecord) -> None:
    before = agent.etag
    agent.put_mood(Mood(0.5, 0.25, 0.75), LATER)
    assert agent.mood == Mood(0.5, 0.25, 0.75)
    assert (agent.mood_time, agent.etag) == (LATER, before)


def test_a_stale_etag_is_refused_and_nothing_changes(agent: AgentRecord) -> None:
    stale = agent.etag
    agent.become("Wren II", "", {"id": "wren"}, stale, LATER)
    with pytest.raises(Conflict):
        agent.become("Wren III", "", {"id": "wren"}, stale, LATER)
    assert agent.name == "Wren II"


def test_the_mood_that_trades_read_is_kept_apart_from_the_visible_one(agent: AgentRecord) -> None:
    assert agent.trading_mood is None
    mood = TradingMood(Mood(0.1, 0.2, 0.3))
    agent.put_trading_mood(mood, NOW)
    agent.put_mood(Mood(0.9, 0.9, 0.9), LATER)
    assert agent.trading_mood == (mood, NOW)
    assert agent.mood == Mood(0.9, 0.9, 0.9)


def test_what_an_agent_is_called_is_the_latest_news(agent: AgentRecord) -> None:
    assert agent.be_called("wren", NOW)
    assert not agent.be_called("wren", LATER)
    assert not agent.be_called("other", NOW)
    assert agent.be_called("", LATER)
    assert not agent.be_called("wren", NOW)
    assert (agent.handle, agent.handle_time) == ("", LATER)


def test_another_account_is_called_something_of_its_own(agent: AgentRecord) -> None:
    agent.move_to("acc_1", "7")
    agent.be_called("wren", LATER)
    agent.move_to("acc_1", "7")
    assert agent.handle == "wren"
    agent.move_to("acc_2", "8")
    assert (agent.handle, agent.network_user_id) == ("", "8")
    assert agent.be_called("hen", NOW)


def hindered(now: datetime, cause: str = "CREDITS", told: datetime | None = None) -> Hindrance:
    return Hindrance(agent_id="wren", aim="post", cause=cause, words="", begin_time=now, retry_time=told)


def test_what_fails_waits_as_long_as_it_has_failed_for_one_cause_and_an_hour_at_most() -> None:
    row, waits = hindered(NOW), []
    for minutes in (0, 10, 30, 70, 400):
        now = NOW + timedelta(minutes=minutes)
        row = row.followed_by(hindered(now))
        row.wait(now)
        assert row.retry_time is not None
        waits.append((row.retry_time - now) / timedelta(minutes=1))
    assert waits == [0, 10, 30, 60, 60]
    row = row.followed_by(hindered(now, "LOCKED"))
    row.wait(now)
    assert row.retry_time == now


def test_what_is_told_to_be_tried_again_later_waits_until_then_and_six_hours_at_most() -> None:
    for hours, waited in ((2, 2), (24 * 30, 6)):
        row = hindered(NOW, told=NOW + timedelta(hours=hours))
        row.wait(NOW)
        assert row.retry_time == NOW + timedelta(hours=waited)
