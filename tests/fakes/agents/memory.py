"""The memory service as the agents service sees it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.agents.domain.memories import TrustedMemory, TrustedProvenance
from services.agents.ports.neighbours import (
    HeldView,
    NewMemory,
    NewView,
    Recent,
    Recollection,
    Refused,
    Said,
    Source,
    View,
)
from services.runtime.errors import Violation
from tests.fakes.agents.line import Line

_SAME = ("kind", "source", "author", "subject", "conversation_id", "text", "repetition")
"""What an exact duplicate has in common."""
_TRUSTED = {Source.SELF: TrustedProvenance.SELF, Source.OPERATOR: TrustedProvenance.OPERATOR}


@dataclass
class Stored:
    """A memory of an agent."""

    id: str
    agent_id: str
    memory: NewMemory
    create_time: datetime = field(default_factory=lambda: datetime.now(UTC))


class FakeMemory:
    """Remembers, and finds by common words."""

    def __init__(self) -> None:
        self.line = Line("memory")
        self.stored: dict[tuple[object, ...], Stored] = {}
        self.requests: dict[str, NewMemory] = {}
        self.views: dict[tuple[str, str], View] = {}
        self.changes: dict[str, View] = {}
        self.interactions: dict[str, tuple[str, str, str]] = {}
        self.forgets: set[str] = set()
        """The kinds of memory that are kept and don't come to mind."""
        self.holding: asyncio.Event | None = None
        """When set, everything after the first `held_after` memories waits for this."""
        self.held_after = 0
        self.refused_text = ""
        """When set, what holds this is refused."""
        self.refused_notes = ""
        """Likewise a view with these in its notes."""
        self.set_counts: list[int] = []
        """How many views each call has set."""

    def of(self, agent_id: str) -> list[NewMemory]:
        """Return what an agent remembers, oldest first."""
        return [item.memory for item in self.stored.values() if item.agent_id == agent_id]

    async def remember(self, agent_id: str, memory: NewMemory, request_id: str) -> str:
        self.line.pass_through()
        if self.refused_text and self.refused_text in memory.text:
            raise Refused("memory", "INVALID_REQUEST", "INVALID_REQUEST: text: is refused")
        if self.holding is not None and len(self.stored) >= self.held_after:
            await self.holding.wait()
        first = self.requests.setdefault(request_id, memory) if request_id else memory
        if first != memory:
            raise Refused("memory", "REQUEST_ID_REUSED", f"REQUEST_ID_REUSED: {request_id} had another body")
        # Whatever its request is called, what is there already is not stored again.
        key = (agent_id, *(getattr(memory, name) for name in _SAME))
        return self.stored.setdefault(key, Stored(f"mem_{len(self.stored)}", agent_id, memory)).id

    async def forget(self, agent_id: str) -> None:
        self.line.pass_through()
        self.stored = {key: item for key, item in self.stored.items() if item.agent_id != agent_id}
        self.views = {key: view for key, view in self.views.items() if key[0] != agent_id}

    async def remember_all(self, agent_id: str, memories: Sequence[NewMemory]) -> None:
        for memory in memories:
            await self.remember(agent_id, memory, "")

    async def search(
        self, agent_id: str, query: str, limit: int, sources: Sequence[Source], author: str = ""
    ) -> list[Recollection]:
        return [
            Recollection(item.id, memory.text, memory.kind, memory.source, memory.author, 0.5)
            for item in self._near(agent_id, query)
            if (memory := item.memory).source in sources and author in ("", memory.author)
        ][:limit]

    async def recent(self, agent_id: str, kinds: Sequence[str], limit: int, author: str = "") -> list[Recent]:
        self.line.pass_through()
        return [
            Recent(
                item.id,
                memory.text,
                memory.kind,
                memory.source,
                memory.author,
                memory.importance,
                item.create_time,
                bool(memory.evidence),
            )
            for item in reversed(self.stored.values())
            if item.agent_id == agent_id and (memory := item.memory).kind in kinds and author in ("", memory.author)
        ][:limit]

    async def said(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[Said]:
        self.line.pass_through()
        own = [
            Said(memory.text, memory.subject)
            for memory in reversed(self.of(agent_id))
            if memory.source in _TRUSTED or memory.author == agent_id
            if memory.kind in kinds and memory.kind not in self.forgets
        ]
        return own[:limit]

    async def trusted(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        self.line.pass_through()
        mine = [item for item in reversed(self.stored.values()) if item.agent_id == agent_id]
        return [told for told in _trusted(mine, kinds) if told.kind not in self.forgets][:limit]

    async def trusted_about(self, agent_id: str, query: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        return _trusted(self._near(agent_id, query), kinds)[:limit]

    async def view_of(self, agent_id: str, counterpart: str) -> HeldView | None:
        view = self.views.get((agent_id, counterpart))
        if view is None or isinstance(view, HeldView):
            return view
        return HeldView(view.sentiment, view.familiarity, view.trust, view.notes)

    async def set_views(self, views: Sequence[NewView]) -> None:
        self.line.pass_through()
        for at, new in enumerate(views):
            if self.refused_notes and self.refused_notes in new.view.notes:
                told = Violation(f"requests[{at}].relationship.notes", "is refused")
                raise Refused("memory", "INVALID_REQUEST", "INVALID_REQUEST: notes: is refused", [told])
        self.set_counts.append(len(views))
        self.views |= {(new.agent_id, new.counterpart): new.view for new in views}

    async def interacted(self, agent_id: str, counterpart: str, summary: str, change: View, request_id: str) -> None:
        self.interactions[request_id] = (agent_id, counterpart, summary)
        self.changes[request_id] = change

    def _near(self, agent_id: str, query: str) -> list[Stored]:
        words = set(query.casefold().split())
        shared = {
            key: len(words & set(item.memory.text.casefold().split()))
            for key, item in self.stored.items()
            if item.agent_id == agent_id
        }
        return [self.stored[key] for key in sorted(shared, key=lambda key: -shared[key]) if shared[key]]


def _trusted(stored: Sequence[Stored], kinds: Sequence[str]) -> list[TrustedMemory]:
    return [
        TrustedMemory(item.id, memory.text, _TRUSTED[memory.source], memory.kind, memory.valence, memory.subject)
        for item in stored
        if (memory := item.memory).source in _TRUSTED and (not kinds or memory.kind in kinds)
    ]
