"""Durable workflows on DBOS itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS

from services.agents.adapters import dbos
from services.agents.adapters.dbos import DbosWorkflows
from services.agents.ports.workflows import Run, TradeTask


async def test_everything_that_ended_is_forgotten_however_much_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbos, "_DELETED_AT_ONCE", 2)
    workflows = DbosWorkflows(f"sqlite:///{tmp_path / 'workflows.db'}", "agents-1", 1.0)

    async def nothing(_run: Run, _task: TradeTask) -> None:
        """End at once."""

    async with workflows.running({TradeTask: nothing}):
        for number in range(5):
            await workflows.start(f"trade/{number}", TradeTask("wren"))
        for number in range(5):
            handle: Any = await DBOS.retrieve_workflow_async(f"trade/{number}")
            await handle.get_result(polling_interval_sec=0.01)
        await workflows.forget(datetime.now(UTC) + timedelta(minutes=1))
        assert await DBOS.list_workflows_async() == []
