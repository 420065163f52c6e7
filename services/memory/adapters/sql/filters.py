"""Filters as conditions."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.memory.adapters.sql.tables import memory
from services.memory.domain.memories import MemoryFilter

Condition = sa.ColumnElement[bool]


# Statements that every search and every write needs are built once: building one takes longer than running it.

ALIVE: Condition = memory.c.expire_time.is_(None) | (
    memory.c.expire_time > sa.bindparam("now", type_=memory.c.expire_time.type)
)
"""A memory has not expired by `now`."""

OWN: Condition = memory.c.agent_id == sa.bindparam("agent_id")
"""A memory is the agent's."""

NUMBERED: Condition = memory.c.seq.in_(sa.bindparam("seqs", expanding=True)) & (
    memory.c.agent_id.concat("") == sa.bindparam("agent_id")
)
"""A memory has one of these numbers and is the agent's; no planner is to go through all of the agent's for it."""


def passing(wanted: MemoryFilter, dialect: str) -> Iterator[Condition]:
    """Go through the conditions of a filter, all of which must hold."""
    columns = memory.c
    if wanted.kinds:
        yield columns.kind.in_(wanted.kinds)
    if wanted.provenances:
        yield columns.provenance.in_(wanted.provenances)
    for name in ("subject", "author", "source_id", "conversation_id"):
        if value := getattr(wanted, name):
            yield columns[name] == value
    if wanted.start_time is not None:
        yield columns.occur_time >= wanted.start_time
    if wanted.end_time is not None:
        yield columns.occur_time < wanted.end_time
    if wanted.min_importance is not None:
        yield columns.importance >= wanted.min_importance
    if wanted.max_importance is not None:
        yield columns.importance <= wanted.max_importance
    for key, value in wanted.attributes:
        yield _entry(key, value, dialect)


def _entry(key: str, value: str, dialect: str) -> Condition:
    if dialect != "sqlite":
        held: Condition = memory.c.attributes[key].as_string() == value
        return held
    # A path would have to quote the key, and not every key can be quoted.
    entry: Any = sa.func.json_each(memory.c.attributes).table_valued("key", "value")
    return sa.exists().select_from(entry).where(entry.c.key == key, entry.c.value == value)
