"""Recorded lives, made by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relations_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.rehearsal.own_clock import BEGINNING, OwnClock, Stretch, aligned
from puppetctl.rehearsal.recording import Life, Recording
from services.agents.domain.persona import QuietHours, read_persona

BEGIN = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SPEED = aligned(3600.0, BEGIN, BEGINNING)
CLOCK = OwnClock((Stretch(BEGIN, SPEED),))
SOL = "So11111111111111111111111111111111111111112"
HOSTILE = '<script>alert(1)</script> https://evil.example/x?a=1&b="2" \'\x1b[2J'

_HOURS = {"peak_posting_hours": [9, 10], "timezone": "Europe/Berlin"}
BEHAVIOR = read_persona({"id": "ann", "name": "Ann", "behavior": {"post_frequency": _HOURS}}).behavior
SLEEPER = replace(BEHAVIOR, quiet_hours=QuietHours(0, 7))
BERLIN = ZoneInfo("Europe/Berlin")


def after(hours: float) -> datetime:
    """Return when so many hours of their time had been lived."""
    return BEGIN + timedelta(hours=hours) / SPEED


def post(hours: float, text: str, late_seconds: float = 0.0, **more: Any) -> log_pb.Activity:
    """Return a post that was planned for this hour, and came so many of our seconds later."""
    due = after(hours)
    event = log_pb.PostEvent(text=text, topic="bread")
    kind, name = log_pb.ACTIVITY_KIND_POST, f"post/ann/{due.isoformat()}"
    return _activity(due + timedelta(seconds=late_seconds), kind=kind, workflow_id=name, post=event, **more)


def reply(hours: float, text: str, to: str = "a stranger", heard: str = "hello @ann") -> log_pb.Activity:
    """Return an answer to a mention."""
    event = log_pb.ReplyEvent(text=text, to_name=to, mention_text=heard)
    kind, trigger = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_TRIGGER_MENTION
    return _activity(after(hours), kind=kind, trigger=trigger, workflow_id="reply/ann/12", reply=event)


def silence(hours: float, reason: log_pb.PassReason.ValueType, words: str = "") -> log_pb.Activity:
    """Return a mention that it left alone."""
    kind, trigger = log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_TRIGGER_MENTION
    event = log_pb.PassEvent(reason=reason)
    return _activity(after(hours), kind=kind, trigger=trigger, behaviour="reply", reason=words, passed=event)


def writing(*refused: str, tokens: int = 100) -> log_pb.Writing:
    """Return how words came about: a good candidate, and others that break one of these rules each."""
    bad = [
        log_pb.JudgedCandidate(text="no", objections=[log_pb.Objection(rule=rule, description=f"breaks {rule}")])
        for rule in refused
    ]
    good = log_pb.JudgedCandidate(text="yes", score=0.5, is_chosen=True)
    return log_pb.Writing(candidates=[good, *bad], prompt_tokens=tokens, completion_tokens=tokens // 10)


def life(activities: Sequence[log_pb.Activity] = (), **more: Any) -> Life:
    """Return Ann's life."""
    given: dict[str, Any] = {"behavior": BEHAVIOR, "activities": activities} | more
    return Life("ann", "Ann", "ann", **given)


def full_life(words: str = "hello") -> Life:
    """Return a life with something of everything, and these words wherever somebody's words stand."""
    settled = trading_pb.TRADE_STATE_SETTLED
    trade = trading_pb.Trade(input_mint=SOL, output_mint="m", input_amount=10**8, output_amount=5, state=settled)
    trade.create_time.FromDatetime(after(3))
    moods = [pb.MoodPoint(mood=log_pb.Mood(valence=level / 10)) for level in range(4)]
    for place, point in enumerate(moods):
        point.time.FromDatetime(after(place * 8))
    reflection = log_pb.ReflectionEvent(conclusions=[log_pb.Conclusion(text=words)])
    activities = [
        post(1, words, writing=writing("LENGTH", words)),
        post(2, words),
        reply(3, words, words, words),
        silence(4, log_pb.PASS_REASON_BY_CHANCE, words),
        _activity(
            after(5), kind=log_pb.ACTIVITY_KIND_FAILURE, summary=words, failure=log_pb.FailureEvent(reason=words)
        ),
        _activity(after(6), kind=log_pb.ACTIVITY_KIND_REFLECTION, reflection=reflection),
    ]
    return Life(
        agent_id="ann",
        name=words,
        handle="ann",
        behavior=SLEEPER,
        activities=activities,
        moods=moods,
        after={"x:1": relations_pb.Relationship(counterpart="x:1", familiarity=0.25, interaction_count=2)},
        trades=[trade],
        portfolio=trading_pb.Portfolio(trade_count=1, realised_pnl_lamports=-5_000_000, fee_lamports=5000),
        holdings=[trading_pb.Holding(mint="m", symbol=words, decimals=6, unrealised_pnl_lamports=2_000_000)],
    )


def recording(*lives: Life, **more: Any) -> Recording:
    """Return a rehearsal of two days."""
    usual: dict[str, Any] = {
        "title": "ann.json",
        "asked_speed": 3600.0,
        "asked_days": 2.0,
        "seed": 0,
        "provider": "local",
    }
    return Recording(lives=lives, clock=CLOCK, end=after(48), **(usual | more))


def _activity(time: datetime, **more: Any) -> log_pb.Activity:
    activity = log_pb.Activity(agent_id="ann", agent_name="Ann", **more)
    activity.create_time.FromDatetime(time)
    return activity
