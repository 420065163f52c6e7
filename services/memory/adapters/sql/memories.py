"""Memories in the tables: adding, changing, forgetting and reading them."""

import contextlib
import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from services.memory.adapters.sql.conversations import documents_of
from services.memory.adapters.sql.filters import ALIVE, NUMBERED, OWN, Condition, passing
from services.memory.adapters.sql.searching import SqlSearch
from services.memory.adapters.sql.states import read_state, write_state
from services.memory.adapters.sql.tables import (
    MEMORY_COLUMNS,
    change,
    embedding,
    lexicon,
    memory,
    memory_of,
    revision,
    row_of,
)
from services.memory.domain.memories import Memory, MemoryExists, MemoryFilter, MemoryKind, MemoryStats, VersionedMemory
from services.memory.domain.relationships import Relationship
from services.memory.domain.upkeep import LITTLE_IMPORTANCE, NOT_CONSOLIDATED, Retention, Swept
from services.memory.ports.store import MemoryRecords
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared
from services.runtime.upsert import insert_on

_BY_ID = Prepared(sa.select(*MEMORY_COLUMNS).where(OWN, memory.c.id == sa.bindparam("id"), ALIVE))
_BY_SEQ = Prepared(sa.select(*MEMORY_COLUMNS).where(NUMBERED, ALIVE))
_STATES = Prepared(
    sa.select(revision.c.state)
    .where(revision.c.seq == sa.bindparam("seq"), revision.c.version < sa.bindparam("below"))
    .order_by(revision.c.version.desc())
    .limit(sa.bindparam("limit"))
)
_PLACE = (memory.c.agent_id, memory.c.id, memory.c.fingerprint, memory.c.seq)
_ADD_CHANGES = Prepared(sa.insert(change).values(seq=sa.bindparam("seq"), agent_id=sa.bindparam("agent_id")))
_ADD_VECTORS = Prepared(sa.insert(embedding))
_ROW: dict[str, Any] = {name: sa.bindparam(name) for name in memory.c.keys() if name != "seq"}  # noqa: SIM118
_ADDED = Prepared(sa.select(*_PLACE).where(memory.c.seq > sa.bindparam("newest")))
_NEWEST = Prepared(sa.select(sa.func.coalesce(sa.func.max(memory.c.seq), 0)))
_FEW = 2
_AT_ONCE = 500
"""More rows are inserted in one step, and their numbers are read after that, where nobody else writes meanwhile."""


@functools.cache
def _add_many_on(dialect: str) -> Prepared:
    return Prepared(_add_on(dialect))


@functools.cache
def _add_few_on(dialect: str) -> Prepared:
    return Prepared(_add_on(dialect).returning(*_PLACE))


def _add_on(dialect: str) -> Any:
    return insert_on(dialect, memory).values(_ROW).on_conflict_do_nothing()


class SqlMemories(SqlSearch, MemoryRecords):
    """Memories within one transaction."""

    @override
    async def memory(self, agent_id: str, memory_id: str, now: datetime) -> Memory | None:
        rows = await _BY_ID.all(self._connection, {"agent_id": agent_id, "id": memory_id, "now": now})
        return memory_of(rows[0]) if rows else None

    @override
    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page, now: datetime) -> Paged[Memory]:
        query = sa.select(*MEMORY_COLUMNS).where(OWN, ALIVE, *passing(wanted, self._dialect))
        place = sa.tuple_(memory.c.create_time, memory.c.seq)
        if page.after:
            query = query.where(place < page.after)
        query = query.order_by(memory.c.create_time.desc(), memory.c.seq.desc()).limit(page.size + 1)
        values = {"agent_id": agent_id, "now": now}
        rows = (await self._connection.execute(query, values)).all()
        return Paged.cut([memory_of(row) for row in rows], page, lambda item: (item.create_time, item.seq))

    @override
    async def memories_by_id(self, agent_id: str, memory_ids: Collection[str]) -> dict[str, Memory]:
        found = await self._memories(memory.c.agent_id == agent_id, memory.c.id.in_(memory_ids))
        return {item.id: item for item in found}

    @override
    async def memories_by_seq(
        self, agent_id: str, seqs: Collection[int], wanted: MemoryFilter, now: datetime
    ) -> dict[int, Memory]:
        values = {"agent_id": agent_id, "seqs": list(seqs), "now": now}
        found = map(memory_of, await self._passing(_BY_SEQ, wanted, values))
        return {item.seq: item for item in found}

    @override
    async def stored_after(self, agent_id: str, seq: int, limit: int, now: datetime) -> list[Memory]:
        query = sa.select(*MEMORY_COLUMNS).where(OWN, memory.c.seq > seq, ALIVE).order_by(memory.c.seq).limit(limit)
        rows = (await self._connection.execute(query, {"agent_id": agent_id, "now": now})).all()
        return [memory_of(row) for row in rows]

    @override
    async def history(self, item: Memory, below: int, limit: int) -> tuple[Memory, ...]:
        values = {"seq": item.seq, "below": below, "limit": limit}
        return tuple(read_state(item, state) for (state,) in await _STATES.all(self._connection, values))

    @override
    async def stats(self, agent_id: str, now: datetime) -> MemoryStats:
        columns = memory.c
        counted = sa.select(
            columns.kind,
            columns.provenance,
            sa.func.count(),
            sa.func.min(columns.occur_time),
            sa.func.max(columns.occur_time),
        )
        rows = await self._connection.execute(
            counted.where(OWN, ALIVE).group_by(columns.kind, columns.provenance), {"agent_id": agent_id, "now": now}
        )
        kinds, provenances, times = Counter[Any](), Counter[Any](), []
        for kind, provenance, count, oldest, newest in rows:
            kinds[kind] += count
            provenances[provenance] += count
            times += [oldest, newest]
        table: Any = Relationship
        known = sa.select(sa.func.count()).select_from(table).where(table.agent_id == agent_id)
        return MemoryStats(
            kinds=kinds,
            provenances=provenances,
            oldest_time=min(times, default=None),
            newest_time=max(times, default=None),
            relationship_count=await self._connection.scalar(known) or 0,
        )

    @override
    async def add(
        self, new: Sequence[VersionedMemory], model: str, vectors: Sequence[bytes | None], now: datetime
    ) -> list[tuple[Memory, bool]]:
        if not new:
            return []
        rows = [row_of(item.memory) for item in new]
        added = await self._insert(rows)
        stored: list[tuple[Memory, bool]] = []
        fresh: list[tuple[VersionedMemory, bytes | None]] = []
        gone: set[int] = set()
        for item, row, vector in zip(new, rows, vectors, strict=True):
            # Of two with one id, only the one with these words was added.
            seq = added.pop((row["agent_id"], row["id"], row["fingerprint"]), 0)
            while not seq:
                standing = await self._duplicate_of(item.memory)
                if standing is not None and not standing.has_expired(now):
                    stored.append((standing, False))
                    break
                if standing is not None:
                    gone.add(standing.seq)
                    await self.forget([standing])
                seq = sum((await self._insert([row])).values())
            else:
                kept = item.memory.numbered(seq)
                stored.append((kept, True))
                fresh.append((VersionedMemory(kept, item.history), vector))
        # What had expired already may have given way to another of the same call.
        if fresh := [(item, vector) for item, vector in fresh if item.memory.seq not in gone]:
            await self._equip(fresh, model)
        return stored

    @override
    async def replace(self, before: Memory, after: Memory, model: str, vector: bytes | None) -> None:
        row = row_of(after)
        del row["access_count"]  # Searches add to it meanwhile.
        is_written = False
        while not is_written:
            await self._make_way(after)
            # On Postgres, one that is created at the same time can still come first.
            with contextlib.suppress(IntegrityError):
                async with self._connection.begin_nested():
                    await self._connection.execute(sa.update(memory).where(memory.c.seq == after.seq).values(row))
                is_written = True
        state = {"seq": before.seq, "version": before.version, "state": write_state(before)}
        await self._connection.execute(sa.insert(revision), [state])
        if vector is not None or before.text != after.text:
            await self._connection.execute(sa.delete(embedding).where(embedding.c.seq == after.seq))
            if vector is not None:
                await _ADD_VECTORS.each(self._connection, [{"seq": after.seq, "model": model, "vector": vector}])
            await _ADD_CHANGES.each(self._connection, [{"seq": after.seq, "agent_id": after.agent_id}])
        await self._put_documents([before, after])

    @override
    async def forget(self, memories: Sequence[Memory]) -> None:
        if not memories:
            return
        await self._remove([(item.seq, item.agent_id) for item in memories])
        seqs = defaultdict(list)
        for item in memories:
            seqs[item.agent_id].append(item.seq)
        for agent_id, forgotten in seqs.items():
            await self._lexicon.remove(self._connection, agent_id, forgotten)
        await self._put_documents([item for item in memories if item.conversation_id])

    @override
    async def clear(self, agent_id: str, wanted: MemoryFilter) -> int:
        conditions = [memory.c.agent_id == agent_id, *passing(wanted, self._dialect)]
        if not wanted.is_empty:
            found = await self._memories(*conditions)
            await self.forget(found)
            return len(found)
        seqs = (await self._connection.scalars(sa.select(memory.c.seq).where(*conditions))).all()
        await self._remove([(seq, agent_id) for seq in seqs])
        await self._lexicon.drop(self._connection, agent_id)
        return len(seqs)

    @override
    async def scrub(self, agent_id: str) -> None:
        await self._lexicon.drop(self._connection, agent_id)
        await self._put_documents(await self._memories(memory.c.agent_id == agent_id))

    @override
    async def agents_without_words(self) -> list[str]:
        query = sa.select(memory.c.agent_id).where(memory.c.agent_id.not_in(sa.select(lexicon.c.agent_id))).distinct()
        return list((await self._connection.scalars(query)).all())

    @override
    async def sweep(self, agent_id: str, retention: Retention, now: datetime) -> Swept:
        columns = memory.c
        whose = [columns.agent_id == agent_id] if agent_id else []
        expired = await self._memories(*whose, columns.expire_time <= now)
        await self.forget(expired)
        outdated: list[Memory] = []
        for kind, before in retention.outdated_before(now).items():
            outdated += await self._memories(*whose, columns.kind == kind, columns.create_time < before)
        await self.forget(outdated)
        consolidated = await self._consolidated(whose, retention, now)
        await self.forget(consolidated)
        counted = sa.select(columns.agent_id, sa.func.count()).where(*whose).group_by(columns.agent_id)
        crowded = await self._connection.execute(counted.having(sa.func.count() > retention.capacity))
        excess: list[Memory] = []
        for crowded_agent, count in crowded.all():
            least = sa.select(*MEMORY_COLUMNS).where(columns.agent_id == crowded_agent, columns.kind != MemoryKind.CORE)
            least = least.order_by(columns.importance, columns.access_count, columns.create_time, columns.seq)
            rows = await self._connection.execute(least.limit(count - retention.capacity))
            excess += [memory_of(row) for row in rows]
        await self.forget(excess)
        return Swept(len(expired), len(outdated), len(excess), len(consolidated))

    async def _consolidated(
        self, whose: Sequence[sa.ColumnElement[bool]], retention: Retention, now: datetime
    ) -> list[Memory]:
        """Return what is old and of little importance, where a conclusion keeps what follows from it."""
        columns, found = memory.c, list[Memory]()
        concluded = sa.select(columns.agent_id, columns.evidence).where(*whose, columns.evidence != "")
        evidence: dict[str, set[str]] = {}
        for agent_id, ids in (await self._connection.execute(concluded)).all():
            evidence.setdefault(agent_id, set()).update(ids.split())
        for agent_id, ids in evidence.items():
            listed = sorted(ids)
            for start in range(0, len(listed), _AT_ONCE):
                found += await self._memories(
                    columns.agent_id == agent_id,
                    columns.id.in_(listed[start : start + _AT_ONCE]),
                    columns.create_time < retention.consolidated_before(now),
                    columns.importance < LITTLE_IMPORTANCE,
                    columns.kind.not_in(NOT_CONSOLIDATED),
                )
        return found

    async def _equip(self, new: Sequence[tuple[VersionedMemory, bytes | None]], model: str) -> None:
        """Give new memories what they are found by, and their histories."""
        # The index is told of a memory without a vector once it has one.
        embedded = [(item.memory, vector) for item, vector in new if vector is not None]
        if embedded:
            await _ADD_VECTORS.each(
                self._connection, [{"seq": item.seq, "model": model, "vector": vector} for item, vector in embedded]
            )
            await _ADD_CHANGES.each(
                self._connection, [{"seq": item.seq, "agent_id": item.agent_id} for item, _ in embedded]
            )
        states = [
            {"seq": item.memory.seq, "version": before.version, "state": write_state(before)}
            for item, _ in new
            for before in item.history
        ]
        if states:
            await self._connection.execute(sa.insert(revision), states)
        await self._put_documents([item.memory for item, _ in new])

    async def _insert(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, bytes], int]:
        """Insert memories that have no duplicate, and return their numbers by agent, id and fingerprint."""
        if len(rows) > _FEW and self._dialect == "sqlite":
            [(newest,)] = await _NEWEST.all(self._connection, {})
            await _add_many_on(self._dialect).each(self._connection, rows)
            inserted = await _ADDED.all(self._connection, {"newest": newest})
        else:
            inserted = await _add_few_on(self._dialect).each(self._connection, rows)
        return {(agent_id, memory_id, fingerprint): seq for agent_id, memory_id, fingerprint, seq in inserted}

    async def _put_documents(self, touched: Sequence[Memory]) -> None:
        for agent_id, documents in (await documents_of(self._connection, touched)).items():
            if documents:
                await self._lexicon.put(self._connection, agent_id, documents)

    async def _remove(self, places: Sequence[tuple[int, str]]) -> None:
        if not places:
            return
        for table in (memory, embedding, revision):
            gone = sa.delete(table).where(table.c.seq == sa.bindparam("gone"))
            await self._connection.execute(gone, [{"gone": seq} for seq, _ in places])
        await _ADD_CHANGES.each(self._connection, [{"seq": seq, "agent_id": agent_id} for seq, agent_id in places])

    async def _make_way(self, after: Memory) -> None:
        """Raise MemoryExists when another memory has the fingerprint of one; what has expired gives way."""
        for same in await self._memories(
            memory.c.agent_id == after.agent_id, memory.c.fingerprint == after.fingerprint, memory.c.seq != after.seq
        ):
            if not same.has_expired(after.update_time):
                raise MemoryExists(same.id)
            await self.forget([same])

    async def _duplicate_of(self, new: Memory) -> Memory | None:
        """Return the memory that stands in the way of one; the same words count before the same id."""
        found = await self._memories(
            memory.c.agent_id == new.agent_id,
            (memory.c.fingerprint == new.fingerprint) | (memory.c.id == new.id),
        )
        return max(found, key=lambda item: item.fingerprint == new.fingerprint, default=None)

    async def _memories(self, *conditions: Condition) -> list[Memory]:
        rows = await self._connection.execute(sa.select(*MEMORY_COLUMNS).where(*conditions))
        return [memory_of(row) for row in rows]
