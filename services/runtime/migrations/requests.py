"""A step that the migrations of several services share."""

import sqlalchemy as sa
from alembic import op


def give_requests_a_principal(owner: str) -> None:
    """Make the principal a part of each request's key; those that are there become this principal's."""
    op.rename_table("request", "request_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE request_before RENAME CONSTRAINT request_pkey TO request_before_pkey")
    op.create_table(
        "request",
        sa.Column("principal", sa.String, primary_key=True),
        sa.Column("method", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    columns = "method, request_id, fingerprint, resource_id, create_time"
    copied = sa.text(f"INSERT INTO request (principal, {columns}) SELECT :owner, {columns} FROM request_before")  # noqa: S608
    op.execute(copied.bindparams(owner=owner))
    op.drop_table("request_before")


def index_requests_by_time() -> None:
    """Let old requests be found without reading the others."""
    op.create_index("request_by_time", "request", ["create_time"])
