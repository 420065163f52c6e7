"""Requests by age: those that nobody repeats any more are forgotten."""

from services.runtime.migrations.requests import index_requests_by_time

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    index_requests_by_time()
