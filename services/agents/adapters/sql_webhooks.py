"""Messages and alerts in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from typing_extensions import override

from services.agents.domain.alerts import AlertRecord
from services.agents.domain.entities import ActivityRecord, AgentRecord, ConversationCount, Hindrance
from services.agents.domain.records import ActivityKind
from services.agents.domain.webhooks import MessageRecord
from services.agents.ports.webhooks import Life, WebhookRecords
from services.runtime.sql import SqlTransaction

_MAX_SURPLUS = 500
_SPEAKING = (ActivityKind.POST, ActivityKind.DRAFT)


class SqlWebhookRecords(SqlTransaction, WebhookRecords):
    """What is stored of messages and alerts."""

    @override
    async def due_messages(self, now: datetime, limit: int) -> list[MessageRecord]:
        query = select(MessageRecord).where(col(MessageRecord.next_time) <= now)
        return list((await self._session.exec(query.order_by(col(MessageRecord.next_time)).limit(limit))).all())

    @override
    async def message(self, message_id: str) -> MessageRecord | None:
        return await self._session.get(MessageRecord, message_id)

    @override
    async def surplus_messages(self, limit: int) -> list[MessageRecord]:
        waiting = select(MessageRecord).where(col(MessageRecord.next_time).is_not(None))
        number = select(sa.func.count()).where(col(MessageRecord.next_time).is_not(None))
        surplus = (await self._session.exec(number)).one() - limit
        if surplus <= 0:
            return []
        oldest = waiting.order_by(col(MessageRecord.id)).limit(min(surplus, _MAX_SURPLUS))
        return list((await self._session.exec(oldest)).all())

    @override
    async def forget_messages(self, before: datetime, limit: int) -> int:
        some = sa.select(col(MessageRecord.id)).where(col(MessageRecord.create_time) < before).limit(limit)
        forgotten = sa.delete(MessageRecord).where(col(MessageRecord.id).in_(some))
        return (await self._connection.execute(forgotten)).rowcount

    @override
    async def alerts(self) -> list[AlertRecord]:
        return list((await self._session.exec(select(AlertRecord))).all())

    @override
    async def end_alert(self, alert: AlertRecord) -> None:
        await self._session.delete(alert)
        await self._session.flush()

    @override
    async def troubles(self, causes: Collection[str]) -> list[tuple[Hindrance, str]]:
        query = (
            select(Hindrance, AgentRecord.name)
            .join(AgentRecord, col(AgentRecord.id) == Hindrance.agent_id)
            .where(col(AgentRecord.is_active), col(Hindrance.cause).in_(causes))
        )
        by_time = query.order_by(col(Hindrance.begin_time), col(Hindrance.agent_id))
        return [(row, name) for row, name in (await self._session.exec(by_time)).all()]

    @override
    async def lives(self) -> list[Life]:
        query = sa.select(
            col(AgentRecord.id),
            col(AgentRecord.name),
            col(AgentRecord.create_time),
            col(AgentRecord.version),
            col(AgentRecord.start_time),
        ).where(col(AgentRecord.is_active), col(AgentRecord.account_id) != "")
        rows = (await self._connection.execute(query)).all()
        return [Life(agent, name, (made, version), start or made) for agent, name, made, version, start in rows]

    @override
    async def spoken_after(self, seq: int) -> tuple[Mapping[str, datetime], int]:
        last = (await self._session.exec(select(sa.func.max(ActivityRecord.seq)))).one() or 0
        query = (
            sa.select(col(ActivityRecord.agent_id), sa.func.max(col(ActivityRecord.create_time)))
            .where(col(ActivityRecord.seq) > seq, col(ActivityRecord.seq) <= last)
            .where(col(ActivityRecord.kind).in_(_SPEAKING))
            .group_by(col(ActivityRecord.agent_id))
        )
        return {row[0]: row[1] for row in (await self._connection.execute(query)).all()}, last

    @override
    async def counts_of(self, scope: str, least: int) -> Mapping[str, int]:
        row = ConversationCount
        query = sa.select(col(row.agent_id), col(row.replies)).where(
            col(row.conversation_id) == scope, col(row.counterpart) == "", col(row.replies) >= least
        )
        return {row[0]: row[1] for row in (await self._connection.execute(query)).all()}

    @override
    async def tokens_of(self, agent_ids: Sequence[str], since: datetime) -> Mapping[str, int]:
        query = sa.select(
            col(ActivityRecord.agent_id), col(ActivityRecord.workflow_id), col(ActivityRecord.grounds)
        ).where(col(ActivityRecord.agent_id).in_(agent_ids), col(ActivityRecord.create_time) >= since)
        # A draft and what comes of it are logged with the same words.
        by_workflow: dict[tuple[str, str], int] = {}
        for agent_id, workflow_id, grounds in (await self._connection.execute(query)).all():
            writing = grounds.writing if grounds else None
            tokens = writing.prompt_tokens + writing.completion_tokens if writing else 0
            key = (agent_id, workflow_id)
            by_workflow[key] = max(by_workflow.get(key, 0), tokens)
        spent: dict[str, int] = {}
        for (agent_id, _), tokens in by_workflow.items():
            spent[agent_id] = spent.get(agent_id, 0) + tokens
        return spent
