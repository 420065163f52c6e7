"""Activities hold what happened as data, and the schedule what is done once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ROWS = 500


def upgrade() -> None:
    with op.batch_alter_table("activity") as table:
        table.add_column(sa.Column("behaviour", sa.String, nullable=False, server_default=""))
        table.add_column(sa.Column("trigger", sa.String, nullable=False, server_default="unknown"))
        table.add_column(sa.Column("event", sa.JSON))
        table.add_column(sa.Column("grounds", sa.JSON))
    _convert()
    with op.batch_alter_table("activity", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("event", nullable=False)
        table.alter_column("grounds", nullable=False)
        for name in ("summary", "reason", "details"):
            table.drop_column(name)
    op.create_index("activity_by_workflow", "activity", ["workflow_id"])
    op.create_index("activity_by_time", "activity", ["create_time"])
    op.rename_table("schedule", "schedule_before")
    op.drop_index("schedule_by_due_time", "schedule_before")
    op.create_table(
        "schedule",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task", sa.JSON),
    )
    op.execute(
        "INSERT INTO schedule (agent_id, kind, key, due_time) SELECT agent_id, kind, '', due_time FROM schedule_before"
    )
    op.drop_table("schedule_before")
    op.create_index("schedule_by_due_time", "schedule", ["due_time"])


def _convert() -> None:
    """Read what version 0.1 logged in words, and write it as data beside its words."""
    connection = op.get_bind()
    table = sa.table(
        "activity",
        *(sa.column(name) for name in ("seq", "workflow_id", "kind", "summary", "reason", "behaviour", "trigger")),
        *(sa.column(name, sa.JSON) for name in ("details", "event", "grounds")),
    )
    columns = table.c
    after = 0
    while True:
        query = sa.select(columns.seq, columns.workflow_id, columns.kind, columns.summary, columns.reason)
        query = query.add_columns(columns.details).where(columns.seq > after).order_by(columns.seq).limit(_ROWS)
        rows = connection.execute(query).all()
        for row in rows:
            event, grounds = _event(row.kind, row.summary, row.details), _grounds(row)
            behaviour, trigger = _cause(row.workflow_id, event)
            values = {"event": event, "grounds": grounds, "behaviour": behaviour, "trigger": trigger}
            connection.execute(sa.update(table).where(columns.seq == row.seq).values(values))
        if len(rows) < _ROWS:
            return
        after = rows[-1].seq


def _cause(workflow_id: str, event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the behaviour, and what it was begun for: a workflow's id began with the one, and ended with the other."""
    parts = workflow_id.split("/")
    begun, last = parts[0].removeprefix("trigger-"), parts[-1]
    behaviour = begun if begun in ("post", "reply", "trade") else ""
    if behaviour == "trade" and last == "post":
        return "trade_post", "trade"
    if parts[0].startswith("trigger-") or event["value"].get("change") in ("created", "started", "stopped"):
        return behaviour, "request"
    if behaviour == "reply" and last.isdigit():
        return behaviour, "mention"
    return behaviour, "schedule" if behaviour else "unknown"


def _grounds(row: Any) -> dict[str, Any]:
    details = row.details
    memories = []
    if details.get("memory"):
        relevance = float(details["relevance"]) if details.get("relevance") else None
        memories = [{"memory_id": details.get("memory_id", ""), "text": details["memory"], "relevance": relevance}]
    return {"type": "grounds", "value": {"memories": memories, "summary": row.summary, "words": row.reason}}


def _event(kind: str, summary: str, details: Mapping[str, str]) -> dict[str, Any]:
    match kind:
        case "lifecycle":
            change = details.get("change") or summary.removeprefix("was ")
            known = ("created", "started", "stopped", "recovered")
            return _typed("lifecycle", change=change if change in known else "unknown")
        case "post":
            swap = _swap(details) if "trade_id" in details else None
            names = {"topic": "topic", "post_id": "post_id", "network_post_id": "network_post_id"}
            return _typed("posted", text=summary, swap=swap, **_named(details, names | {"addressed_handle": "to"}))
        case "reply":
            same = ("post_id", "network_post_id", "in_reply_to", "conversation_id", "to_name")
            names = {name: name for name in same} | {"to_handle": "to", "mention_text": "mention"}
            return _typed("replied", text=summary, **_named(details, names))
        case "trade":
            scores = {name[6:]: float(value) for name, value in details.items() if name.startswith("score.")}
            return _typed("traded", swap=_swap(details), scores=scores)
        case "failure":
            aim = summary.removeprefix("could not ")
            names = {"reason": "error", "cause": "cause"}
            return _typed("failed", aim=aim, retry_time=details.get("retry_time"), **_named(details, names))
        case _:
            return _typed("passed", reason="unknown")


def _swap(details: Mapping[str, str]) -> dict[str, Any]:
    same = ("trade_id", "signature", "mint", "symbol", "input_mint", "output_mint")
    amounts = {name: int(Decimal(details.get(name) or 0)) for name in ("input_amount", "output_amount")}
    return {**_named(details, {name: name for name in same}), **amounts, "is_buy": details.get("side") == "buy"}


def _named(details: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: details.get(old, "") for name, old in names.items()}


def _typed(name: str, **value: Any) -> dict[str, Any]:
    return {"type": name, "value": value}
