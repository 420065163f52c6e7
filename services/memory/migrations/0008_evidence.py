"""Conclusions name what they follow from in a column of its own; it was an entry of their metadata."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = "evidence"


def upgrade() -> None:
    op.add_column("memory", sa.Column("evidence", sa.String, nullable=False, server_default=""))
    memory = sa.table("memory", *map(sa.column, ("seq", "kind", "evidence")), sa.column("attributes", sa.JSON))
    connection = op.get_bind()
    held = sa.select(memory.c.seq, memory.c.attributes).where(memory.c.kind.in_(("reflection", "relationship")))
    for seq, attributes in connection.execute(held).all():
        if _KEY in attributes:
            rest = {key: value for key, value in attributes.items() if key != _KEY}
            moved = sa.update(memory).where(memory.c.seq == seq)
            connection.execute(moved.values(evidence=attributes[_KEY], attributes=rest))
