"""How agents felt over time; it begins with how each of them feels now."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "mood",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("valence", sa.Float, nullable=False),
        sa.Column("arousal", sa.Float, nullable=False),
        sa.Column("dominance", sa.Float, nullable=False),
        sa.Column("causes", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("mood_by_time", "mood", ["agent_id", "create_time"])
    op.execute(
        "INSERT INTO mood (agent_id, valence, arousal, dominance, causes, create_time) "
        "SELECT id, valence, arousal, dominance, '', mood_time FROM agent"
    )
