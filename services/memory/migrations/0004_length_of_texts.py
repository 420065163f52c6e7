"""What words are found by is built anew at the next start: with long turns apart, and in scripts without blanks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("DELETE FROM memory_words")
        op.add_column("memory_words", sa.Column("text_words", sa.Integer, nullable=False))
    else:
        for (number,) in connection.execute(sa.text("SELECT number FROM lexicon")).all():
            op.execute(f"DROP TABLE memory_words_{number}")
    op.execute("DELETE FROM lexicon")
