"""Requests by age: those that nobody repeats any more are forgotten."""

from services.runtime.migrations.requests import index_requests_by_time

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    index_requests_by_time()
