"""Names are compared with the marks that make another sound."""

import sqlalchemy as sa
from alembic import op

from services.memory.domain.names import name_key

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    connection = op.get_bind()
    memory = sa.table("memory", *(sa.column(name) for name in ("subject", "subject_key", "author", "author_key")))
    for name, key in ((memory.c.subject, memory.c.subject_key), (memory.c.author, memory.c.author_key)):
        for said, before in connection.execute(sa.select(name, key).where(name != "").distinct()).all():
            if name_key(said) != before:
                connection.execute(sa.update(memory).where(name == said).values({key: name_key(said)}))
