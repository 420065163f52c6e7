"""Durable workflows: what takes long, and is done once whatever dies in between."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.agents.domain.tasks import Task

T = TypeVar("T")

TOLD_SECONDS = 60.0
"""A pause that is shorter says nothing of when something will work again."""


class StepFailed(Exception):
    """A step could not be done, and a replay meets the same failure again; `reason` is the refusing service's.

    `cause` is the reason of what kept it from it, and `retry_time` when to try again, where that is told.
    """

    def __init__(self, reason: str, message: str, cause: str = "", retry_time: datetime | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.cause = cause or reason
        self.retry_time = retry_time


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a workflow is: its step, since when, and why the step's last attempt failed, if it did."""

    step: str
    begin_time: datetime
    reason: str = ""
    message: str = ""


class Run(Protocol):
    """A workflow under way. After a crash it runs again from its start, and finished steps return what they did."""

    @property
    def id(self) -> str:
        """The workflow's id."""
        ...

    async def step(
        self,
        name: str,
        action: Callable[[], Awaitable[T]],
        patience_seconds: float | None = None,
        *,
        may_repeat: Callable[[T], bool] | None = None,
    ) -> T:
        """Do this and keep what it returns, None or a type of `STORED`; transient failures are repeated for a while.

        That is at most for so long, when it is given, counted from the first attempt's beginning.
        It can be done twice, when the process dies before the result is kept. What needn't be kept, by `may_repeat`, a
        replay does again: so it has a name by which it is done once, and no step that is kept follows. Raises
        StepFailed.
        """
        ...

    async def repeat(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        """Do this as `step` does, but keep nothing: a replay does it again, so it has a name by which it is done once.

        For what comes last in a workflow: to keep that it was done costs more than to find that out. Raises StepFailed.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; what is left of it outlives a crash."""
        ...

    async def start(self, workflow_id: str, task: Task) -> None:
        """Start another workflow, unless there is one with this id."""
        ...


class Workflows(Protocol):
    """Starts workflows."""

    async def start(self, workflow_id: str, task: Task) -> None:
        """Start a workflow durably, unless there is one with this id."""
        ...

    def waiting(self, workflow_id: str) -> Waiting | None:
        """Return where a workflow of this process is; None when it isn't under way here."""
        ...

    def under_way(self) -> Collection[str]:
        """Return the ids of the workflows that are under way in this process, without those that wait for a time."""
        ...


class StoredWorkflows(Protocol):
    """What is stored of workflows."""

    async def unfinished(self, agent_id: str) -> list[str]:
        """Return the workflows of an agent that haven't ended, in any replica."""
        ...

    async def remove(self, workflow_ids: Sequence[str]) -> None:
        """Delete what is kept of workflows that have ended."""
        ...
