"""Requests belong to a principal. What was asked before there were any, the operator asked."""

from services.runtime.migrations.requests import give_requests_a_principal

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    give_requests_a_principal("operator")
