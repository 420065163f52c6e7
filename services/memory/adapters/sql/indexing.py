"""What the vector index is built from, in the tables."""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa
from typing_extensions import override

from services.memory.adapters.sql.searching import SqlSearch
from services.memory.adapters.sql.tables import build, change, embedding, memory
from services.memory.domain.vectors import Build, Change, Text, Vector
from services.memory.ports.store import IndexRecords
from services.runtime.upsert import insert_on

_VECTORS = sa.select(embedding.c.seq, memory.c.agent_id, embedding.c.vector).join(
    memory, memory.c.seq == embedding.c.seq
)


def _has(model: str) -> sa.Exists:
    """Return the condition that a memory has a vector of a model."""
    return sa.exists().where(embedding.c.seq == memory.c.seq, embedding.c.model == model)


class SqlIndexing(SqlSearch, IndexRecords):
    """Vectors, changes and builds within one transaction."""

    @override
    async def build(self) -> Build | None:
        query = sa.select(build.c.number, build.c.model).where(build.c.serves)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else Build(*row)

    @override
    async def begin_build(self, model: str) -> Build:
        insert = sa.insert(build).values(model=model, serves=False).returning(build.c.number)
        return Build((await self._connection.execute(insert)).scalar_one(), model)

    @override
    async def has_unfinished_build(self) -> bool:
        query = sa.select(sa.exists().where(~build.c.serves))
        return bool(await self._connection.scalar(query))

    @override
    async def serve_build(self, new: Build) -> None:
        await self._connection.execute(sa.delete(build).where(build.c.number < new.number))
        await self._connection.execute(sa.update(build).where(build.c.number == new.number).values(serves=True))

    @override
    async def changes(self, limit: int) -> list[Change]:
        serving = sa.select(build.c.model).where(build.c.serves).scalar_subquery()
        query = (
            sa.select(change.c.seq, change.c.agent_id, change.c.number, embedding.c.vector)
            .select_from(
                change.outerjoin(embedding, (embedding.c.seq == change.c.seq) & (embedding.c.model == serving))
            )
            .order_by(change.c.number)
            .limit(limit)
        )
        return [Change(*row) for row in await self._connection.execute(query)]

    @override
    async def settle(self, numbers: Collection[int]) -> None:
        if numbers:
            gone = sa.delete(change).where(change.c.number == sa.bindparam("settled"))
            await self._connection.execute(gone, [{"settled": number} for number in numbers])

    @override
    async def change_count(self) -> int:
        return await self._connection.scalar(sa.select(sa.func.count()).select_from(change)) or 0

    @override
    async def pending(self) -> dict[int, int]:
        rows = await self._connection.execute(sa.select(change.c.number, change.c.seq))
        return {row.number: row.seq for row in rows}

    @override
    async def newest(self) -> int:
        return await self._connection.scalar(sa.select(sa.func.max(memory.c.seq))) or 0

    @override
    async def memory_count(self) -> int:
        return await self._connection.scalar(sa.select(sa.func.count()).select_from(memory)) or 0

    @override
    async def mark(self, seqs: Iterable[int]) -> None:
        whose = sa.select(memory.c.agent_id).where(memory.c.seq == sa.bindparam("marked")).scalar_subquery()
        insert = sa.insert(change).values(seq=sa.bindparam("marked"), agent_id=sa.func.coalesce(whose, ""))
        if marked := [{"marked": seq} for seq in seqs]:
            await self._connection.execute(insert, marked)

    @override
    async def mark_stored_after(self, newest: int) -> None:
        stored = sa.select(memory.c.seq, memory.c.agent_id).where(
            memory.c.seq > newest, memory.c.seq.not_in(sa.select(change.c.seq))
        )
        await self._connection.execute(sa.insert(change).from_select(["seq", "agent_id"], stored))

    @override
    async def vectors(self, model: str, after: int, newest: int, limit: int) -> list[Vector]:
        query = _VECTORS.where(embedding.c.model == model, embedding.c.seq > after, embedding.c.seq <= newest)
        rows = await self._connection.execute(query.order_by(embedding.c.seq).limit(limit))
        return [Vector(*row) for row in rows]

    @override
    async def vectors_of(self, model: str, seqs: Collection[int]) -> list[Vector]:
        query = _VECTORS.where(embedding.c.model == model, embedding.c.seq.in_(seqs))
        return [Vector(*row) for row in await self._connection.execute(query)]

    @override
    async def seqs(self, model: str) -> set[int]:
        query = sa.select(embedding.c.seq).where(embedding.c.model == model)
        return set((await self._connection.scalars(query)).all())

    @override
    async def without_vector(self, model: str, after: int, limit: int) -> list[Text]:
        query = sa.select(memory.c.seq, memory.c.agent_id, memory.c.text).where(memory.c.seq > after, ~_has(model))
        rows = await self._connection.execute(query.order_by(memory.c.seq).limit(limit))
        return [Text(*row) for row in rows]

    @override
    async def vectorless_count(self, model: str) -> int:
        query = sa.select(sa.func.count()).select_from(memory).where(~_has(model))
        return await self._connection.scalar(query) or 0

    @override
    async def add_vectors(self, model: str, texts: Sequence[Text], vectors: Sequence[bytes]) -> list[Vector]:
        asked = [text.seq for text in texts]
        query = sa.select(memory.c.seq, memory.c.agent_id, memory.c.text).where(memory.c.seq.in_(asked))
        # Whoever changes one of them on Postgres comes before this, and is waited for by nobody, or after it.
        rows = await self._connection.execute(query.with_for_update(skip_locked=True))
        there = {Text(*row) for row in rows}
        added = [
            Vector(text.seq, text.agent_id, vector)
            for text, vector in zip(texts, vectors, strict=True)
            if text in there
        ]
        if added:
            new = [{"seq": item.seq, "model": model, "vector": item.data} for item in added]
            # Another replica may have made the same ones.
            await self._connection.execute(insert_on(self._dialect, embedding).on_conflict_do_nothing(), new)
        return added

    @override
    async def drop_vectors(self, kept_models: Collection[str], limit: int) -> int:
        others = embedding.c.model.not_in(kept_models)
        query = sa.select(embedding.c.seq, embedding.c.model).where(others).limit(limit)
        places = [{"gone": seq, "its_model": model} for seq, model in await self._connection.execute(query)]
        if places:
            gone = sa.delete(embedding).where(
                embedding.c.seq == sa.bindparam("gone"), embedding.c.model == sa.bindparam("its_model")
            )
            await self._connection.execute(gone, places)
        return len(places)
