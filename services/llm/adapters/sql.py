"""The truth about money in SQL, on SQLite and on Postgres."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, func, select
from typing_extensions import override

from services.llm.domain.answers import Answer
from services.llm.domain.budget import Account, Attempt, AttemptState, Budget, Spending
from services.llm.domain.usage import Grouping, Usage, UsageQuery, UsageRow
from services.llm.ports import Records
from services.runtime.idempotency import RequestKey
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlTransaction, columns_of
from services.runtime.upsert import insert_on

_COLUMNS: dict[Grouping, tuple[Any, ...]] = {
    Grouping.AGENT: (col(Attempt.agent_id),),
    Grouping.MODEL: (col(Attempt.provider), col(Attempt.model)),
    Grouping.PURPOSE: (col(Attempt.purpose),),
    Grouping.WORKFLOW: (col(Attempt.workflow),),
    Grouping.DAY: (col(Attempt.day),),
}


_SPENDING = Prepared(
    sa.select(*columns_of(Spending)).where(
        col(Spending.agent_id).in_(sa.bindparam("scopes", expanding=True)),
        col(Spending.day) == sa.bindparam("day"),
    )
)


class SqlRecords(SqlTransaction, Records):
    """Budgets, spending and attempts within one transaction."""

    @override
    async def now(self) -> datetime:
        if self._transaction.is_sqlite:
            # An SQLite file has its clock from this machine.
            return datetime.now(UTC)
        time: datetime = (await self._connection.execute(sa.select(func.clock_timestamp()))).scalar_one()
        return time

    @override
    async def budget(self, agent_id: str) -> Budget | None:
        return await self._one(Budget, agent_id)

    @override
    async def accounts(self, scopes: Sequence[str], day: date) -> list[Account]:
        budgets = {row.agent_id: row for row in await self._each_of(Budget, scopes)}
        spent = {row.agent_id: row for row in await self._spending(scopes, day)}
        return [
            Account(budgets.get(scope) or Budget(agent_id=scope), spent.get(scope) or Spending(agent_id=scope, day=day))
            for scope in scopes
        ]

    async def _spending(self, scopes: Sequence[str], day: date) -> Sequence[Spending]:
        if self._takes_prepared:
            return await self._rows_of(Spending, _SPENDING, {"scopes": scopes, "day": day})
        query = select(Spending).where(col(Spending.agent_id).in_(scopes), Spending.day == day)
        return (await self._session.exec(query)).all()

    @override
    async def attempt(self, attempt_id: str) -> Attempt:
        attempt = await self._one(Attempt, attempt_id)
        if attempt is None:
            raise LookupError(attempt_id)
        return attempt

    @override
    async def lapsed_attempts(self, now: datetime) -> Sequence[Attempt]:
        query = select(Attempt).where(Attempt.state != AttemptState.DONE, col(Attempt.lease_time) < now)
        return (await self._session.exec(query)).all()

    @override
    async def usage(self, query: UsageQuery, limit: int) -> list[UsageRow]:
        columns = [column for grouping in query.group_by for column in _COLUMNS[grouping]]
        counts = [
            func.coalesce(func.sum(column), 0).label(name)
            for name, column in (
                ("prompt", col(Attempt.prompt_tokens)),
                ("completion", col(Attempt.completion_tokens)),
                ("cached", col(Attempt.cached_tokens)),
                ("reasoning", col(Attempt.reasoning_tokens)),
                ("cost", col(Attempt.cost_nanos)),
                ("failed", sa.case((col(Attempt.reason) != "", 1), else_=0)),
                ("estimated", sa.case((col(Attempt.is_estimate), 1), else_=0)),
            )
        ]
        wanted = [
            col(Attempt.state) == AttemptState.DONE,
            col(Attempt.day).between(query.first_day, query.last_day),
            *([col(Attempt.agent_id) == query.agent_id] if query.agent_id else []),
        ]
        grouped = sa.select(*columns, func.count().label("attempts"), *counts).where(*wanted).group_by(*columns)
        ordered = grouped.having(func.count() > 0).order_by(sa.desc("cost"), sa.desc("attempts"), *columns).limit(limit)
        return [_row(row._mapping) for row in (await self._connection.execute(ordered)).all()]

    @override
    async def forget_attempts(self, before: date, limit: int) -> int:
        old = sa.select(col(Attempt.id)).where(col(Attempt.day) < before, col(Attempt.state) == AttemptState.DONE)
        forgotten = sa.delete(Attempt).where(col(Attempt.id).in_(old.limit(limit)))
        await self._connection.execute(sa.delete(Spending).where(col(Spending.day) < before))
        return (await self._connection.execute(forgotten)).rowcount

    @override
    async def answer_of(self, key: RequestKey) -> Answer | None:
        return await self._one(Answer, key.principal, key.method, key.request_id)

    @override
    async def keep_answers(self, answers: Sequence[Answer]) -> None:
        new = insert_on(self._connection.dialect.name, Answer)
        same = [col(Answer.principal), col(Answer.method), col(Answer.request_id)]
        changed = {name: new.excluded[name] for name in ("fingerprint", "body", "create_time")}
        rows = [answer.model_dump() for answer in answers]
        await self._connection.execute(new.on_conflict_do_update(index_elements=same, set_=changed), rows)

    @override
    async def forget_answers(self, before: datetime, limit: int) -> int:
        key = [col(Answer.principal), col(Answer.method), col(Answer.request_id)]
        old = sa.select(*key).where(col(Answer.create_time) < before).limit(limit)
        return (await self._connection.execute(sa.delete(Answer).where(sa.tuple_(*key).in_(old)))).rowcount


def _row(row: Any) -> UsageRow:
    # A sum of BIGINTs is a NUMERIC on Postgres.
    count = {name: int(row[name]) for name in ("prompt", "completion", "cached", "reasoning", "cost")}
    return UsageRow(
        row.get("agent_id", ""),
        row.get("provider", ""),
        row.get("model", ""),
        row.get("purpose", ""),
        row.get("workflow", ""),
        str(row.get("day", "")),
        Usage(count["prompt"], count["completion"], count["cached"], count["reasoning"]),
        count["cost"],
        row["attempts"],
        int(row["failed"]),
        int(row["estimated"]),
    )
