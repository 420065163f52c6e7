"""What explanations are made from, in SQL: activities by their names, and prompts."""

import functools
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from services.agents.domain.entities import ActivityRecord
from services.agents.domain.prompt_records import PromptRecord
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlTransaction
from services.runtime.upsert import insert_on


@functools.cache
def _keep_on(dialect: str) -> Prepared:
    keep = insert_on(dialect, PromptRecord)
    return Prepared(keep.on_conflict_do_update(index_elements=["id"], set_={"use_time": keep.excluded["use_time"]}))


_USE = Prepared(
    sa.update(PromptRecord).where(col(PromptRecord.id) == sa.bindparam("named")).values(use_time=sa.bindparam("now"))
)


class SqlExplanations(SqlTransaction):
    """Activities by their names, and prompts, within one transaction."""

    async def explained(self, name: str) -> ActivityRecord | None:
        """Return the newest activity of a workflow of this name, or that made the effect of this id."""
        record = ActivityRecord
        named = sa.or_(
            col(record.workflow_id) == name, col(record.effect_id) == name, col(record.network_effect_id) == name
        )
        return (await self._session.exec(select(record).where(named).order_by(col(record.seq).desc()))).first()

    async def activity(self, seq: int) -> ActivityRecord | None:
        """Return the activity at this place."""
        return await self._session.get(ActivityRecord, seq)

    async def activities_of(self, workflow_ids: Sequence[str]) -> list[ActivityRecord]:
        """Return all activities of these workflows, oldest first."""
        query = select(ActivityRecord).where(col(ActivityRecord.workflow_id).in_(workflow_ids))
        return list((await self._session.exec(query.order_by(col(ActivityRecord.seq)))).all())

    async def keep_prompt(self, prompt: PromptRecord) -> None:
        """Add a prompt; of one that is there only the time is set."""
        row = {"id": prompt.id, "parts": prompt.parts, "use_time": prompt.use_time}
        await _keep_on(self._connection.dialect.name).each(self._connection, [row])

    async def use_prompts(self, prompt_ids: Sequence[str], now: datetime) -> None:
        """Set the time of prompts that something names."""
        await _USE.each(self._connection, [{"named": prompt_id, "now": now} for prompt_id in prompt_ids])

    async def prompts(self, prompt_ids: Sequence[str]) -> dict[str, PromptRecord]:
        """Return those of these prompts that are kept, by their ids."""
        query = select(PromptRecord).where(col(PromptRecord.id).in_(prompt_ids))
        return {row.id: row for row in (await self._session.exec(query)).all()}
