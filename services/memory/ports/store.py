"""The store: the truth about memories and relationships."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.memory.domain.memories import Memory, MemoryFilter, MemoryStats, VersionedMemory
from services.memory.domain.relationships import Interaction, Relationship, RelationshipKey
from services.memory.domain.search import Candidate, Matches
from services.memory.domain.upkeep import Retention, Swept
from services.memory.domain.vectors import Build, Change, Text, Vector
from services.runtime import unit_of_work
from services.runtime.pages import Page, Paged
from services.runtime.unit_of_work import UnitOfWork


class MemoryRecords(Protocol):
    """Memories. What has expired by `now` is not seen."""

    async def memory(self, agent_id: str, memory_id: str, now: datetime) -> Memory | None:
        """Return a memory of this agent."""
        ...

    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page, now: datetime) -> Paged[Memory]:
        """Return a page of an agent's memories, newest first; the key is `(create_time, seq)`."""
        ...

    async def memories_by_id(self, agent_id: str, memory_ids: Collection[str]) -> dict[str, Memory]:
        """Return those of these memories that are this agent's, expired or not, by id."""
        ...

    async def memories_by_seq(
        self, agent_id: str, seqs: Collection[int], wanted: MemoryFilter, now: datetime
    ) -> dict[int, Memory]:
        """Return those of these memories that are this agent's and pass the filter, by number."""
        ...

    async def stored_after(self, agent_id: str, seq: int, limit: int, now: datetime) -> list[Memory]:
        """Return an agent's next memories after this number, in the order of storing."""
        ...

    async def history(self, item: Memory, below: int, limit: int) -> tuple[Memory, ...]:
        """Return what a memory was before each update, newest first: up to `limit` states of versions below this."""
        ...

    async def stats(self, agent_id: str, now: datetime) -> MemoryStats:
        """Return what an agent remembers, in numbers."""
        ...

    async def add(
        self, new: Sequence[VersionedMemory], model: str, vectors: Sequence[bytes | None], now: datetime
    ) -> list[tuple[Memory, bool]]:
        """Add memories with those vectors that there are; for each, return what is stored, and whether that is new.

        A duplicate has the same fingerprint or, in this agent, the same id; memories of one call may be duplicates of
        each other.
        """
        ...

    async def replace(self, before: Memory, after: Memory, model: str, vector: bytes | None) -> None:
        """Put another state of a memory in place of one, which joins its history.

        Without a vector the one that there is stays, unless it is that of another text.

        Raises MemoryExists when another memory has its fingerprint.
        """
        ...

    async def forget(self, memories: Sequence[Memory]) -> None:
        """Remove memories with their histories and vectors."""
        ...

    async def clear(self, agent_id: str, wanted: MemoryFilter) -> int:
        """Forget what passes a filter, expired or not, and return how many there were."""
        ...

    async def scrub(self, agent_id: str) -> None:
        """Build what an agent's words are found by anew, so that nothing forgotten is left in it."""
        ...

    async def agents_without_words(self) -> list[str]:
        """Return the agents whose memories can't be found by their words yet."""
        ...

    async def sweep(self, agent_id: str, retention: Retention, now: datetime) -> Swept:
        """Forget what is due, in one agent or, when it is empty, in all of them."""
        ...


class SearchRecords(Protocol):
    """What a search asks."""

    async def known_names(self, agent_id: str, names: Collection[str]) -> set[str]:
        """Return those of these names that an agent has memories about or by."""
        ...

    async def matches(
        self, agent_id: str, terms: Sequence[str], wanted: MemoryFilter, now: datetime, limit: int
    ) -> Matches:
        """Return memories that have words of a query, the best `limit` of them and perhaps others."""
        ...

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
        """Return those of these memories that are this agent's and pass the filter.

        Their vectors are left out unless a model is named, and how long, how recent and how important they are unless
        they are to be weighable by it.
        """
        ...

    async def every_vector(
        self, agent_id: str, wanted: MemoryFilter, model: str, now: datetime, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return the numbers and vectors of the newest `limit` memories of an agent that pass the filter."""
        ...

    async def newest_of(self, agent_id: str, wanted: MemoryFilter, now: datetime, limit: int) -> list[int]:
        """Return the numbers of the newest `limit` memories of an agent that pass the filter, newest first."""
        ...

    async def vectors_state(self, agent_id: str, model: str) -> Hashable:
        """Return what is another value whenever an agent has other vectors of a model, whoever wrote them."""
        ...

    async def has_more_than(self, limit: int, agent_id: str) -> bool:
        """Tell whether an agent has more memories than this."""
        ...

    async def has_large_agent(self, limit: int) -> bool:
        """Tell whether any agent has more memories than this."""
        ...

    async def count_access(self, counts: Mapping[int, int]) -> None:
        """Add to how often memories were returned, by number."""
        ...


class IndexRecords(Protocol):
    """What the vector index is built from."""

    async def build(self) -> Build | None:
        """Return the build of the index that serves."""
        ...

    async def begin_build(self, model: str) -> Build:
        """Begin a new build, and return it with its number."""
        ...

    async def has_unfinished_build(self) -> bool:
        """Tell whether a build was begun and never served."""
        ...

    async def serve_build(self, build: Build) -> None:
        """Let this build serve, and forget those before it."""
        ...

    async def changes(self, limit: int) -> list[Change]:
        """Return the oldest changes that the index doesn't have."""
        ...

    async def settle(self, numbers: Collection[int]) -> None:
        """Forget the changes of these numbers: the index has them."""
        ...

    async def change_count(self) -> int:
        """Return how many changes the index doesn't have."""
        ...

    async def pending(self) -> dict[int, int]:
        """Return the changes that the index doesn't have, by number, with those of their memories."""
        ...

    async def newest(self) -> int:
        """Return the highest number of a memory."""
        ...

    async def memory_count(self) -> int:
        """Return how many memories all agents have."""
        ...

    async def mark(self, seqs: Iterable[int]) -> None:
        """Note that the index doesn't have these memories as they are."""
        ...

    async def mark_stored_after(self, newest: int) -> None:
        """Note that the index doesn't have the memories with higher numbers than this, unless that is noted already."""
        ...

    async def vectors(self, model: str, after: int, newest: int, limit: int) -> list[Vector]:
        """Return the next vectors of a model after this number, up to another one, of all agents."""
        ...

    async def vectors_of(self, model: str, seqs: Collection[int]) -> list[Vector]:
        """Return those of these memories' vectors of a model that there are."""
        ...

    async def seqs(self, model: str) -> set[int]:
        """Return the numbers of all memories that have a vector of a model."""
        ...

    async def without_vector(self, model: str, after: int, limit: int) -> list[Text]:
        """Return the next memories after this number that have no vector of a model, in the order of their numbers."""
        ...

    async def add_vectors(self, model: str, texts: Sequence[Text], vectors: Sequence[bytes]) -> list[Vector]:
        """Store vectors of those memories that still have these texts, and return them.

        A memory that is being changed just now is left out.
        """
        ...

    async def vectorless_count(self, model: str) -> int:
        """Return how many memories have no vector of a model."""
        ...

    async def drop_vectors(self, kept_models: Collection[str], limit: int) -> int:
        """Delete up to `limit` vectors of other models; the value is how many there were."""
        ...


class RelationshipRecords(Protocol):
    """Relationships and their interactions."""

    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        """Return a relationship of this agent."""
        ...

    async def relationships_of(self, keys: Collection[RelationshipKey]) -> dict[RelationshipKey, Relationship]:
        """Return those of these relationships that there are."""
        ...

    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        """Return a page of an agent's relationships; the key is `(counterpart,)`."""
        ...

    async def interactions(self, agent_id: str, counterpart: str, page: Page) -> Paged[Interaction]:
        """Return a page of an agent's interactions with a counterpart, newest first; the key is `(number,)`."""
        ...

    async def save(self, *rows: Relationship | Interaction) -> None:
        """Add rows, or write their changes."""
        ...

    async def forget_relationship(self, agent_id: str, counterpart: str) -> None:
        """Remove a relationship with its interactions."""
        ...


class Records(UnitOfWork, MemoryRecords, SearchRecords, IndexRecords, RelationshipRecords, Protocol):
    """All of it."""


class Store(unit_of_work.Store[Records], Protocol):
    """The truth."""

    is_shared: bool
    """Whether other processes may write to it too."""

    async def scrub(self) -> None:
        """Leave nothing that was deleted in the files of an embedded database."""
        ...
