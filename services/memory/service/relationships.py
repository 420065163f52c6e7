"""Keeping what agents think of those they know."""

from collections.abc import Mapping, Sequence

from services.memory.domain.relationships import (
    LAST_INTERACTIONS,
    Change,
    Interaction,
    NewInteraction,
    Relationship,
    RelationshipKey,
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
        async with self._store.writing(agent_id) as records:
            if await records.claim(key, counterpart):
                return await _view(records, await _load(records, agent_id, counterpart))
            relationship = await records.relationship(agent_id, counterpart) or Relationship(
                agent_id=agent_id, counterpart=counterpart, create_time=now, update_time=now
            )
            recorded = relationship.record(interaction, now)
            await records.save(relationship, recorded)
            view = await _view(records, relationship)
            await records.commit()
        return view

    async def update(self, changes: Sequence[Change], key: RequestKey) -> list[View]:
        """Set fields of different relationships, of all or of none, and return these in the same order.

        Raises RelationshipNotFound, or Conflict when an etag is not the current one; both name the place in a batch.
        """
        now = self._clock.now()
        async with self._store.writing(*(change.agent_id for change in changes)) as records:
            known = await records.relationships_of([change.key for change in changes])
            if await records.claim(key, _names(changes)):
                return [await _view(records, _held(known, change)) for change in changes]
            for change in changes:
                if change.allow_missing and change.key not in known:
                    known[change.key] = Relationship(
                        agent_id=change.agent_id, counterpart=change.counterpart, create_time=now, update_time=now
                    )
                _held(known, change).change(change, now)
            await records.save(*known.values())
            views = [await _view(records, known[change.key]) for change in changes]
            await records.commit()
        return views


async def _view(records: Records, relationship: Relationship) -> View:
    if not relationship.interaction_count:
        return View(relationship)
    last = await records.interactions(relationship.agent_id, relationship.counterpart, _LAST)
    return View(relationship, tuple(last.rows))


async def _load(records: Records, agent_id: str, counterpart: str) -> Relationship:
    found = await records.relationship(agent_id, counterpart)
    if found is None:
        raise RelationshipNotFound(counterpart)
    return found


def _held(known: Mapping[RelationshipKey, Relationship], change: Change) -> Relationship:
    found = known.get(change.key)
    if found is None:
        raise RelationshipNotFound(change.counterpart, **change.named)
    return found


def _names(changes: Sequence[Change]) -> str:
    """Return what a request is claimed with: which relationships it changes stands in its body."""
    others = f" +{len(changes) - 1}" if len(changes) > 1 else ""
    return f"{changes[0].counterpart}{others}"
