"""When an agent was stopped, which tells it from one that was never started."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("agent", sa.Column("stop_time", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE agent SET stop_time = update_time WHERE NOT is_active AND EXISTS (SELECT 1 FROM activity"
        " WHERE activity.agent_id = agent.id AND activity.kind = 'lifecycle' AND activity.summary = 'was stopped')"
    )
