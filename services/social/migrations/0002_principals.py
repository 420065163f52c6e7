"""Requests belong to a principal. What was asked before there were any, the agents service asked."""

from services.runtime.migrations.requests import give_requests_a_principal

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    give_requests_a_principal("agents")
