"""Why a trade is where it is, for every way in which it can end."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # What is in it keeps its name: the reason of a refused call.
    op.execute("ALTER TABLE trade RENAME COLUMN failure TO state_cause")
