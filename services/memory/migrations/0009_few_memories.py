"""On SQLite, agents with few memories share a table of documents, and only the others have a full-text table each."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TEXTS = ("text", "who", "day", "previous", "earlier")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        return
    # Those that are there keep their tables.
    op.add_column("lexicon", sa.Column("has_table", sa.Boolean, nullable=False, server_default="1"))
    op.create_table(
        "memory_document",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("agent_id", sa.String, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _TEXTS),
    )
    op.create_index("memory_document_by_agent", "memory_document", ["agent_id"])
