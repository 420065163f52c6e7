"""What is stored of an activity becomes an event of its kind, whichever version has stored it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.domain.entities import ActivityKind, ActivityRecord
from services.agents.wire.activities import write_activity

GOLDEN = Path(__file__).parents[2] / "data" / "stored" / "activities-0.1.json"
ROWS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
TIME = datetime(2026, 11, 22, 12, 0, 30, 250_000, UTC)


def record(row: dict[str, Any]) -> ActivityRecord:
    return ActivityRecord(
        seq=7,
        workflow_id=row["workflow_id"],
        step=row["step"],
        agent_id="wren",
        agent_name="Wren",
        kind=ActivityKind(row["kind"]),
        summary=row["summary"],
        reason=row["reason"],
        details=row["details"],
        create_time=TIME,
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
    assert fields == {"passed" if kind is ActivityKind.PASS else kind.value: kind.value for kind in ActivityKind}


def test_what_happened_to_an_agent_is_kept_as_a_code() -> None:
    row = ROWS[0] | {"summary": "can read its mentions again", "details": {"change": "recovered"}}
    row["workflow_id"] = "reply/wren/2026-11-22T12:00:30+00:00"
    written = write_activity(record(row))
    assert written.lifecycle.change == log_pb.LIFECYCLE_CHANGE_RECOVERED
    assert written.trigger == log_pb.ACTIVITY_TRIGGER_SCHEDULE


def test_what_nobody_knows_is_left_open() -> None:
    row = ROWS[0] | {"summary": "was painted", "workflow_id": "paint"}
    written = write_activity(record(row))
    assert written.lifecycle.change == log_pb.LIFECYCLE_CHANGE_UNSPECIFIED
    assert written.trigger == log_pb.ACTIVITY_TRIGGER_UNSPECIFIED
