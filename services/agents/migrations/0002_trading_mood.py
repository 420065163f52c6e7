"""The mood that trades read; empty until a trade moves it, and then it starts from the persona's own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # What stands in the visible mood by now is not taken over: strangers and fellows had a hand in it.
    for axis in ("trading_valence", "trading_arousal", "trading_dominance"):
        op.add_column("agent", sa.Column(axis, sa.Float))
    op.add_column("agent", sa.Column("trading_mood_time", sa.DateTime(timezone=True)))
