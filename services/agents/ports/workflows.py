"""Durable workflows: what takes long, and is done once whatever dies in between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from services.agents.ports.neighbours import Mention

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TradeNews:
    """A settled trade, in the words that a post about it may use, and the details that its activity shows."""

    words: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class PostTask:
    """Write a post: about the topic, about a trade, or about what the agent chooses when both are left out."""

    agent_id: str
    topic: str = ""
    news: TradeNews | None = None


@dataclass(frozen=True, slots=True)
class MentionsTask:
    """See who has mentioned the agent, and start a reply to each."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class ReplyTask:
    """Answer one mention, or decide not to."""

    agent_id: str
    mention: Mention


@dataclass(frozen=True, slots=True)
class TradeTask:
    """Consider a trade. It carries nothing that anybody has said."""

    agent_id: str


Task: TypeAlias = PostTask | MentionsTask | ReplyTask | TradeTask
"""What a workflow is asked to do. It is stored, so no task holds a secret."""


class StepFailed(Exception):
    """A step could not be done, and a replay meets the same failure again; `reason` is the refusing service's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Run(Protocol):
    """A workflow under way. After a crash it runs again from its start, and finished steps return what they did."""

    @property
    def id(self) -> str:
        """The workflow's id."""
        ...

    async def step(self, name: str, action: Callable[[], Awaitable[T]]) -> T:
        """Do this and keep what it returns; transient failures are repeated for a while.

        It can be done twice, when the process dies before the result is kept. Raises StepFailed.
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
