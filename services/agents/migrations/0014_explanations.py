"""What explanations need: prompts by their content, activities by what came of them, and who decided about a draft."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ROWS = 500
_IDS = {"posted": ("post_id", "network_post_id"), "replied": ("post_id", "network_post_id")}


def upgrade() -> None:
    op.create_table(
        "prompt",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("parts", sa.JSON, nullable=False),
        sa.Column("use_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("prompt_by_use_time", "prompt", ["use_time"])
    for name in ("effect_id", "network_effect_id"):
        op.add_column("activity", sa.Column(name, sa.String, nullable=False, server_default=""))
        op.create_index(f"activity_by_{name}", "activity", [name])
    op.add_column("draft", sa.Column("principal", sa.String, nullable=False, server_default=""))
    _fill()


def _fill() -> None:
    """Take down what came of the activities that are there."""
    connection = op.get_bind()
    names = ("seq", "effect_id", "network_effect_id")
    table = sa.table("activity", *(sa.column(name) for name in names), sa.column("event", sa.JSON))
    columns, after = table.c, 0
    while True:
        query = sa.select(columns.seq, columns.event).where(columns.seq > after).order_by(columns.seq).limit(_ROWS)
        rows = connection.execute(query).all()
        for row in rows:
            effect_id, network_effect_id = _effect(row.event)
            if effect_id or network_effect_id:
                values = {"effect_id": effect_id, "network_effect_id": network_effect_id}
                connection.execute(sa.update(table).where(columns.seq == row.seq).values(values))
        if len(rows) < _ROWS:
            return
        after = rows[-1].seq


def _effect(event: dict[str, Any]) -> tuple[str, str]:
    value = event["value"]
    if event["type"] == "traded":
        return value["swap"].get("trade_id", ""), value["swap"].get("signature", "")
    own, network = _IDS.get(event["type"], ("", ""))
    return value.get(own, ""), value.get(network, "")
