"""Whatever a service stores of an agent is exported, imported and deleted with it."""

from typing import Any

import pytest
from sqlmodel import SQLModel

from services.agents.adapters.sql import SqlRecords as AgentsRecords
from services.agents.domain.entities import Mark, ReplicaRecord
from services.agents.domain.prompt_records import PromptRecord
from services.memory.adapters.sql.records import SqlRecords as MemoryRecords
from services.runtime.idempotency import RequestRecord
from services.social.adapters.sql import SqlRecords as SocialRecords
from services.trading.adapters.sql import SqlRecords as TradingRecords

RECORDS: dict[str, Any] = {
    "agents": AgentsRecords,
    "memory": MemoryRecords,
    "social": SocialRecords,
    "trading": TradingRecords,
}


def tables_of(service: str) -> set[Any]:
    kinds = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    return {kind for kind in kinds if kind.__module__.startswith(f"services.{service}.")}


@pytest.mark.parametrize("service", RECORDS)
def test_every_table_of_a_service_is_a_part_of_its_archives(service: str) -> None:
    parts = {part.kind for part in RECORDS[service].parts} - {RequestRecord}
    # Prompts are kept by their content, for all agents alike, and go by their age; the others are of no agent.
    assert parts == tables_of(service) - {PromptRecord, Mark, ReplicaRecord}


@pytest.mark.parametrize("service", ["agents", "social", "trading"])
def test_requests_come_last_so_that_what_they_name_tells_whose_they_are(service: str) -> None:
    assert RECORDS[service].parts[-1].kind is RequestRecord
