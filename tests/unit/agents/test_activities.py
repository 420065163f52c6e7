"""What is stored of an activity becomes an event of its kind, whichever version has stored it."""

import importlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.domain.entities import EVENT, GROUNDS, ActivityRecord
from services.agents.domain.mood import Mood
from services.agents.domain.records import (
    ActivityKind,
    Conclusion,
    Drafted,
    Failed,
    Grounds,
    Judged,
    Lifecycle,
    LifecycleChange,
    MoodAdjusted,
    Noticed,
    Objection,
    Passed,
    PassReason,
    Posted,
    Recalled,
    Reflected,
    Replied,
    Swap,
    Traded,
    Trigger,
    Writing,
    kind_of,
)
from services.agents.wire.activities import write_activity

GOLDEN = Path(__file__).parents[2] / "data" / "stored" / "activities-0.1.json"
ROWS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
TIME = datetime(2026, 11, 22, 12, 0, 30, 250_000, UTC)
SQLITE: Any = None


def record(row: dict[str, Any]) -> ActivityRecord:
    """Return an activity that version 0.1 has stored, as the migration leaves it."""
    migration = importlib.import_module("services.agents.migrations.0010_records")
    event = migration._event(row["kind"], row["summary"], row["details"])
    grounds = migration._grounds(SimpleNamespace(**row))
    behaviour, trigger = migration._cause(row["workflow_id"], event)
    return activity(
        EVENT.process_result_value(event, SQLITE),
        GROUNDS.process_result_value(grounds, SQLITE),
        behaviour,
        Trigger(trigger),
        workflow_id=row["workflow_id"],
        step=row["step"],
    )


def activity(
    event: Any, grounds: Any = None, behaviour: str = "", trigger: Trigger = Trigger.SCHEDULE, **more: Any
) -> ActivityRecord:
    row: dict[str, Any] = {"workflow_id": "post/wren/1", "step": "end"} | more
    return ActivityRecord(
        seq=7,
        agent_id="wren",
        agent_name="Wren",
        kind=kind_of(event),
        behaviour=behaviour,
        trigger=trigger,
        event=event,
        grounds=grounds or Grounds(),
        create_time=TIME,
        **row,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['kind']}-{row['workflow_id'].partition('/')[0]}")
def test_what_version_0_1_has_stored_is_read_as_an_event(row: dict[str, Any]) -> None:
    written = json_format.MessageToDict(write_activity(record(row)))
    assert written == {
        "id": "act_7",
        "cursor": "7",
        "agentId": "wren",
        "agentName": "Wren",
        "kind": f"ACTIVITY_KIND_{row['kind'].upper()}",
        "summary": row["summary"],
        "reason": row["reason"],
        "workflowId": row["workflow_id"],
        "createTime": "2026-11-22T12:00:30.250Z",
        **row["event"],
    }


def test_every_kind_has_an_event_of_its_own() -> None:
    fields = {write_activity(record(row)).WhichOneof("event"): row["kind"] for row in ROWS}
    later = {
        "event": Noticed("evt_1"),
        "draft": Drafted("drf_1", "Gates.", TIME),
        "mood": MoodAdjusted(Mood(0.1, 0.5, 0.5), Mood(0.2, 0.5, 0.5)),
        "reflection": Reflected((), ()),
    }
    fields |= {write_activity(activity(event)).WhichOneof("event"): kind for kind, event in later.items()}
    names = {ActivityKind.PASS: "passed", ActivityKind.EVENT: "notice", ActivityKind.MOOD: "mood_change"}
    assert fields == {names.get(kind, kind.value): kind.value for kind in ActivityKind}


def test_a_mood_that_was_adjusted_is_told_before_and_after() -> None:
    before, after = Mood(0.1, 0.5, 0.5), Mood(-0.8, 0.9, 0.1)
    event = MoodAdjusted(before, after, "it rains")
    stored = EVENT.process_bind_param(event, SQLITE)
    assert EVENT.process_result_value(stored, SQLITE) == event
    written = write_activity(activity(event))
    assert written.kind == log_pb.ACTIVITY_KIND_MOOD
    assert (written.summary, written.reason) == ("was even, and is anxious", "it rains")
    assert written.mood_change.after.valence == -0.8
    assert write_activity(activity(replace(event, reason=""))).reason == "its operator asked for it"


def test_a_reflection_names_the_evidence_and_the_source_of_each_conclusion() -> None:
    own = Conclusion("I walk most when it rains.", "self", evidence=("mem_1", "mem_2"))
    note = Conclusion("They ask for letters.", "external", "x:12", ("mem_2", "mem_3"))
    event = Reflected((own, note), ("mem_8", "mem_9"))
    stored = EVENT.process_bind_param(event, SQLITE)
    assert EVENT.process_result_value(stored, SQLITE) == event
    written = write_activity(activity(event, behaviour="reflect"))
    assert (written.kind, written.reason) == (log_pb.ACTIVITY_KIND_REFLECTION, "follows from 3 memories")
    first, second = written.reflection.conclusions
    assert (first.memory_id, first.counterpart, list(first.evidence_memory_ids)) == ("mem_8", "", ["mem_1", "mem_2"])
    assert (second.source, second.counterpart) == ("external", "x:12")


def test_what_nobody_knows_is_left_open() -> None:
    row = ROWS[0] | {"summary": "was painted", "workflow_id": "paint"}
    written = write_activity(record(row))
    assert written.lifecycle.change == log_pb.LIFECYCLE_CHANGE_UNSPECIFIED
    assert written.trigger == log_pb.ACTIVITY_TRIGGER_UNSPECIFIED


WRITING = Writing(
    "local",
    "small",
    (
        Judged("Gates keep no grudges.", 0.75, is_chosen=True),
        Judged("Gates!", None, objections=(Objection("SHAPE", "is too short"),)),
        Judged("A gate waits.", 0.5),
    ),
    prompt_id="a1b2",
    prompt_tokens=120,
    completion_tokens=30,
)
NOTHING = Writing("local", "small", WRITING.candidates[1:2], (Objection("CALLS_USED_UP", "its calls are used up"),))
REPLY_REASON = (
    "remembers “It rained.”; feels gentle; best of 2 good in 3 by local/small, score 0.75; "
    "what was said before could not be read: NOT_CAPABLE: no search"
)
BUY = Swap("trd_1", "5VER", True, "Moss", "MOSS", "So11", "Moss", 50_004_000, 555_000_000, ordered=50_000_000)


@pytest.mark.parametrize(
    ("event", "grounds", "behaviour", "summary", "reason"),
    [
        (
            Posted("Gates keep no grudges.", "gates"),
            Grounds("relaxed", writing=WRITING),
            "post",
            "Gates keep no grudges.",
            "topic: gates; feels relaxed; best of 2 good in 3 by local/small, score 0.75",
        ),
        (
            Posted("I bought MOSS.", swap=BUY),
            Grounds("relaxed"),
            "trade_post",
            "I bought MOSS.",
            "it bought 0.05 SOL of MOSS; feels relaxed; in words of its own examples",
        ),
        (
            Replied("Slowly."),
            Grounds("gentle", (Recalled("mem_2", "It rained.", 0.5),), WRITING, "NOT_CAPABLE: no search"),
            "reply",
            "Slowly.",
            REPLY_REASON,
        ),
        (
            Traded(BUY, {"MOSS": 0.75}, ("it is verified", "feels relaxed")),
            Grounds(),
            "trade",
            "bought 0.05 SOL of MOSS",
            "it is verified; feels relaxed",
        ),
        (
            Passed(PassReason.NO_CANDIDATE, about="gates"),
            Grounds(writing=NOTHING),
            "post",
            "posts nothing about gates",
            "none of the candidates by local/small may be published: its calls are used up; is too short",
        ),
        (
            Passed(PassReason.CONVERSATION_LIMIT, whom="Otto", limit=2),
            Grounds(),
            "reply",
            "leaves Otto without an answer",
            "has given 2 replies in this conversation",
        ),
        (
            Passed(PassReason.COUNTERPART_LIMIT, whom="Otto", limit=12),
            Grounds(),
            "reply",
            "leaves Otto without an answer",
            "has given 12 replies to Otto today",
        ),
        (Passed(PassReason.HOLD, details=("a", "b")), Grounds(), "trade", "holds", "a; b"),
        (
            Failed("answer", "REFUSED", "the network said no", "otto", retry_time=TIME),
            Grounds(),
            "reply",
            "could not answer otto",
            "the network said no; it isn't tried again before 2026-11-22 12:00 UTC",
        ),
        (
            Posted("Rain again.", "what it has read", news_text="It rains."),
            Grounds("gentle", writing=WRITING),
            "remark",
            "Rain again.",
            "on “It rains.”; feels gentle; best of 2 good in 3 by local/small, score 0.75",
        ),
        (
            Noticed(
                "evt_1", "It rains.", is_external=True, link="https://a.example", mood_before="even", mood_after="even"
            ),
            Grounds(),
            "event",
            "It rains.",
            "strangers say so; https://a.example",
        ),
        (
            Noticed("evt_1", "It rains.", mood_before="even", mood_after="gloomy"),
            Grounds(),
            "event",
            "It rains.",
            "its operator says so; feels gloomy",
        ),
        (
            Noticed("evt_1", mood_before="even", mood_after="gloomy", is_news=False),
            Grounds(),
            "event",
            "feels gloomy",
            "it felt even, and an event moved it",
        ),
        (
            Lifecycle(LifecycleChange.RECOVERED, "read its mentions", "the limit is used up"),
            Grounds(),
            "reply",
            "can read its mentions again",
            "this is over: the limit is used up",
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "__slots__") else None,
)
def test_the_words_are_made_of_what_was_recorded(
    event: Any, grounds: Grounds, behaviour: str, summary: str, reason: str
) -> None:
    written = write_activity(activity(event, grounds, behaviour))
    assert (written.summary, written.reason) == (summary, reason)


def test_every_reason_to_do_nothing_has_words_and_a_code() -> None:
    for reason in PassReason:
        written = write_activity(activity(Passed(reason, details=("it is late",)), Grounds(writing=WRITING), "reply"))
        assert written.summary
        assert (written.reason != "") == (reason is not PassReason.UNKNOWN)
        assert (written.passed.reason != 0) == (reason is not PassReason.UNKNOWN)


def test_candidates_go_over_the_wire_with_what_was_thought_of_them() -> None:
    writing = write_activity(activity(Posted("x"), Grounds(writing=WRITING))).writing
    assert [(item.is_chosen, item.HasField("score"), len(item.objections)) for item in writing.candidates] == [
        (True, True, 0),
        (False, False, 1),
        (False, True, 0),
    ]
    assert writing.candidates[1].objections[0].rule == "SHAPE"
    assert (writing.prompt_id, writing.prompt_tokens, writing.completion_tokens) == ("a1b2", 120, 30)
