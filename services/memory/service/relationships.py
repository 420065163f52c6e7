"""Keeping what agents think of those they know."""

from collections.abc import Mapping
from typing import Any

from services.memory.domain.relationships import (
    LAST_INTERACTIONS,
    Interaction,
    NewInteraction,
    Relationship,
    RelationshipNotFound,
    View,
)
from services.memory.ports.store import Records, Store
from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged

_LAST = Page(LAST_INTERACTIONS)


class Relationships:
    """The relationships of all agents; each use case is about one agent's."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, agent_id: str, counterpart: str) -> View:
        """Return one relationship. Raises RelationshipNotFound."""
        async with self._store.reading() as records:
            return await _view(records, await _load(records, agent_id, counterpart))

    async def page(self, agent_id: str, page: Page) -> Paged[View]:
        """Return a page of relationships."""
        async with self._store.reading() as records:
            found = await records.relationships(agent_id, page)
            return found.turned([await _view(records, relationship) for relationship in found.rows])

    async def interactions(self, agent_id: str, counterpart: str, page: Page) -> Paged[Interaction]:
        """Return a page of recorded interactions, newest first."""
        async with self._store.reading() as records:
            return await records.interactions(agent_id, counterpart, page)

    async def record(self, agent_id: str, counterpart: str, interaction: NewInteraction, key: RequestKey) -> View:
        """Record an interaction, the first of which makes the relationship."""
        now = self._clock.now()
        async with self._store.writing(_lock_key(agent_id, counterpart)) as records:
            if await records.claim(key, counterpart):
                return await _view(records, await _load(records, agent_id, counterpart))
            relationship = await records.relationship(agent_id, counterpart) or Relationship(
                agent_id=agent_id, counterpart=counterpart, create_time=now, update_time=now
            )
            recorded = relationship.record(interaction, now)
            await records.save(relationship)
            await records.save(recorded)
            view = await _view(records, relationship)
            await records.commit()
        return view

    async def update(
        self,
        agent_id: str,
        counterpart: str,
        values: Mapping[str, Any],
        etag: str,
        key: RequestKey,
        *,
        allow_missing: bool,
    ) -> View:
        """Set fields. Raises RelationshipNotFound, or Conflict when the etag is not the current one."""
        now = self._clock.now()
        async with self._store.writing(_lock_key(agent_id, counterpart)) as records:
            if await records.claim(key, counterpart):
                return await _view(records, await _load(records, agent_id, counterpart))
            relationship = await records.relationship(agent_id, counterpart)
            if relationship is None:
                if not allow_missing:
                    raise RelationshipNotFound(counterpart)
                relationship = Relationship(
                    agent_id=agent_id, counterpart=counterpart, create_time=now, update_time=now
                )
            relationship.change(values, etag, now)
            await records.save(relationship)
            view = await _view(records, relationship)
            await records.commit()
        return view


async def _view(records: Records, relationship: Relationship) -> View:
    last = await records.interactions(relationship.agent_id, relationship.counterpart, _LAST)
    return View(relationship, tuple(last.rows))


async def _load(records: Records, agent_id: str, counterpart: str) -> Relationship:
    found = await records.relationship(agent_id, counterpart)
    if found is None:
        raise RelationshipNotFound(counterpart)
    return found


def _lock_key(agent_id: str, counterpart: str) -> str:
    return f"{agent_id}\n{counterpart}"
