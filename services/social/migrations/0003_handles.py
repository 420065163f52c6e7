"""A handle is what an account is called at a time, and no key: accounts rename, and others take their names over.

When the network said so is not known of the accounts that are there, and it is asked with their next mentions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("account_by_handle", "account")
    for name in ("handle_time", "handle_due_time"):
        op.add_column("account", sa.Column(name, sa.DateTime(timezone=True)))
    op.execute("UPDATE account SET handle_time = create_time, handle_due_time = create_time")
