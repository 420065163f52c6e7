"""The activity log in memory, with a count of how often it was read."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from services.agents.domain.entities import ActivityRecord
from services.agents.domain.records import ActivityKind, Posted
from tests.fakes.clock import FixedClock


class FakeLog:
    """Stands for the store, as far as those who watch the log use it."""

    def __init__(self) -> None:
        self.activities: list[ActivityRecord] = []
        self.reads = 0
        self.failures = 0

    def add(self, agent_id: str, number: int = 1) -> None:
        """Log so many activities of an agent."""
        for _ in range(number):
            seq = len(self.activities) + 1
            self.activities.append(
                ActivityRecord(
                    seq=seq,
                    workflow_id=f"workflow/{seq}",
                    step="end",
                    agent_id=agent_id,
                    agent_name=agent_id.title(),
                    kind=ActivityKind.POST,
                    event=Posted("said something"),
                    create_time=FixedClock().now(),
                )
            )

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """Open a transaction."""
        self.reads += 1
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is away")
        yield self

    def writing(self, *lock_keys: str) -> Any:
        """Nobody who watches writes."""
        raise NotImplementedError

    async def last_seq(self) -> int:
        """Return the place of the newest activity."""
        return len(self.activities)

    async def activities_after(self, agent_ids: Sequence[str], seq: int, limit: int) -> list[ActivityRecord]:
        """Return up to `limit` activities after this one, oldest first."""
        wanted = [item for item in self.activities[seq:] if not agent_ids or item.agent_id in agent_ids]
        return wanted[:limit]
