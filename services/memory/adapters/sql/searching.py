"""What a search asks of the tables."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from services.memory.adapters.sql.filters import ALIVE, NUMBERED, OWN, Condition, passing
from services.memory.adapters.sql.lexicon import Lexicon
from services.memory.adapters.sql.tables import embedding, memory
from services.memory.domain.memories import MemoryFilter
from services.memory.domain.search import Candidate, Matches
from services.memory.ports.store import SearchRecords
from services.runtime.prepared import Prepared, Values
from services.runtime.sql import SqlTransaction
from services.runtime.sqlite_file import LONG
from services.runtime.transaction import Transaction

_LONG = LONG.removeprefix("SELECT ")


def _known(key: sa.Column[str]) -> sa.Select[Any]:
    names: sa.BindParameter[str] = sa.bindparam("names", expanding=True)
    # The second condition lets the index be used that has only the names of somebody.
    return sa.select(key).where(OWN, key.in_(names), key != sa.literal_column("''")).distinct()


_KNOWN_NAMES = Prepared(sa.union(_known(memory.c.subject_key), _known(memory.c.author_key)))

_NO_VECTOR = sa.literal(b"", sa.LargeBinary)
_OF_MODEL = (embedding.c.seq == memory.c.seq) & (embedding.c.model == sa.bindparam("model", type_=sa.String))
_VECTOR = sa.select(embedding.c.vector).where(_OF_MODEL).scalar_subquery()


def _candidates(vector: sa.ColumnElement[bytes], *weighed: sa.ColumnElement[Any]) -> Prepared:
    return Prepared(
        sa.select(memory.c.seq, vector, memory.c.subject_key, memory.c.author_key, *weighed).where(NUMBERED, ALIVE)
    )


_CANDIDATES = {
    (has_vectors, weighable): _candidates(
        sa.func.coalesce(_VECTOR, _NO_VECTOR) if has_vectors else _NO_VECTOR,
        *((memory.c.importance, memory.c.occur_time, sa.func.length(memory.c.text)) if weighable else ()),
    )
    for has_vectors in (True, False)
    for weighable in (True, False)
}
_VECTORS = (
    sa.select(memory.c.seq, embedding.c.vector)
    .prefix_with(_LONG)
    .join(embedding, embedding.c.seq == memory.c.seq)
    .where(OWN, ALIVE, embedding.c.model == sa.bindparam("model"))
    .order_by(memory.c.create_time.desc(), memory.c.seq.desc())
)
# A memory that comes or goes changes the first two, an update the third, and another model the last.
_STATE = [sa.func.count(), sa.func.sum(memory.c.seq), sa.func.sum(memory.c.version), sa.func.count(embedding.c.seq)]
_VECTORS_STATE = Prepared(sa.select(*_STATE).select_from(memory.outerjoin(embedding, _OF_MODEL)).where(OWN))
_SOME = sa.select(memory.c.seq).where(OWN).limit(sa.bindparam("limit", type_=sa.Integer)).subquery()
_COUNT = Prepared(sa.select(sa.func.count()).select_from(_SOME))
_COUNT_ACCESS = Prepared(
    sa.update(memory)
    .where(memory.c.seq == sa.bindparam("number"))
    .values(access_count=memory.c.access_count + sa.bindparam("times"))
)


class SqlSearch(SqlTransaction, SearchRecords):
    """Finds candidates, and what their scores are made of."""

    def __init__(self, transaction: Transaction, lexicon: Lexicon) -> None:
        super().__init__(transaction)
        self._dialect = self._connection.dialect.name
        self._lexicon = lexicon

    @override
    async def known_names(self, agent_id: str, names: Collection[str]) -> set[str]:
        return {
            name for (name,) in await _KNOWN_NAMES.all(self._connection, {"agent_id": agent_id, "names": list(names)})
        }

    @override
    async def matches(
        self, agent_id: str, terms: Sequence[str], wanted: MemoryFilter, now: datetime, limit: int
    ) -> Matches:
        conditions: list[Condition] = [] if wanted.is_empty else [*passing(wanted, self._dialect), ALIVE]
        return await self._lexicon.matches(self._connection, agent_id, terms, conditions, now, limit)

    @override
    async def candidates(
        self,
        agent_id: str,
        seqs: Collection[int],
        wanted: MemoryFilter,
        now: datetime,
        *,
        model: str | None,
        weighable: bool,
    ) -> list[Candidate]:
        values = {"agent_id": agent_id, "seqs": list(seqs), "now": now, **({"model": model} if model else {})}
        rows = await self._passing(_CANDIDATES[model is not None, weighable], wanted, values)
        return [Candidate(*row) for row in rows]

    @override
    async def every_vector(
        self, agent_id: str, wanted: MemoryFilter, model: str, now: datetime, limit: int
    ) -> list[tuple[int, bytes]]:
        values = {"agent_id": agent_id, "model": model, "now": now}
        query = _VECTORS.where(*passing(wanted, self._dialect)).limit(limit)
        rows = await self._connection.execute(query, values)
        return [(seq, vector) for seq, vector in rows.all()]

    @override
    async def newest_of(self, agent_id: str, wanted: MemoryFilter, now: datetime, limit: int) -> list[int]:
        query = sa.select(memory.c.seq).where(OWN, ALIVE, *passing(wanted, self._dialect))
        query = query.order_by(memory.c.create_time.desc(), memory.c.seq.desc()).limit(limit)
        return list((await self._connection.scalars(query, {"agent_id": agent_id, "now": now})).all())

    @override
    async def vectors_state(self, agent_id: str, model: str) -> Hashable:
        [row] = await _VECTORS_STATE.all(self._connection, {"agent_id": agent_id, "model": model})
        return tuple(row)

    @override
    async def has_more_than(self, limit: int, agent_id: str) -> bool:
        [(count,)] = await _COUNT.all(self._connection, {"agent_id": agent_id, "limit": limit + 1})
        return bool(count > limit)

    @override
    async def has_large_agent(self, limit: int) -> bool:
        large = sa.select(memory.c.agent_id).group_by(memory.c.agent_id).having(sa.func.count() > limit)
        return bool(await self._connection.scalar(sa.select(large.exists())))

    @override
    async def count_access(self, counts: Mapping[int, int]) -> None:
        await _COUNT_ACCESS.each(self._connection, [{"number": seq, "times": times} for seq, times in counts.items()])

    async def _passing(self, prepared: Prepared, wanted: MemoryFilter, values: Values) -> Sequence[Any]:
        """Run a query of memories, of which only those are returned that pass a filter."""
        if wanted.is_empty:
            return await prepared.all(self._connection, values)
        query: Any = prepared.statement
        return (await self._connection.execute(query.where(*passing(wanted, self._dialect)), values)).all()
