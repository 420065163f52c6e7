"""Where messages to a person go, and what is stored of them and of alerts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.agents.domain.alerts import AlertRecord
from services.agents.domain.entities import Hindrance
from services.agents.domain.webhooks import MessageRecord


class WebhookError(Exception):
    """A receiver didn't take a message, and why in words; `retry_after` is when it wants it again, in seconds."""

    def __init__(self, why: str, retry_after: float = 0.0, *, is_gone: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.is_gone = is_gone
        """True when it wants no message any more."""


class WebhookPort(Protocol):
    """A receiver of messages."""

    async def send(self, message_id: str, body: str, now: datetime) -> None:
        """Hand over a message, signed as of now. Raises WebhookError."""
        ...


@dataclass(frozen=True, slots=True)
class Life:
    """An active agent with an account, as far as its silence tells of it; `version` changes with its persona."""

    agent_id: str
    name: str
    version: tuple[datetime, int]
    start_time: datetime


class WebhookRecords(Protocol):
    """What is stored of messages and alerts, within one transaction."""

    async def due_messages(self, now: datetime, limit: int) -> list[MessageRecord]:
        """Return up to `limit` messages that are to be sent now, the longest overdue first."""
        ...

    async def message(self, message_id: str) -> MessageRecord | None:
        """Return a message."""
        ...

    async def surplus_messages(self, limit: int) -> list[MessageRecord]:
        """Return the oldest of those that wait, as many as there are more than `limit`; at most 500."""
        ...

    async def forget_messages(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` messages of before this time; the value says how many."""
        ...

    async def alerts(self) -> list[AlertRecord]:
        """Return what was told of and isn't over."""
        ...

    async def end_alert(self, alert: AlertRecord) -> None:
        """Remove an alert."""
        ...

    async def troubles(self, causes: Collection[str]) -> list[tuple[Hindrance, str]]:
        """Return what keeps active agents from something for one of these causes, and the agents' names."""
        ...

    async def lives(self) -> list[Life]:
        """Return the active agents that have an account."""
        ...

    async def spoken_after(self, seq: int) -> tuple[Mapping[str, datetime], int]:
        """Return when agents last posted, or proposed something, behind this place in the log, and the log's end."""
        ...

    async def counts_of(self, scope: str, least: int) -> Mapping[str, int]:
        """Return what agents have counted in a scope for nobody in particular, of those with at least so many."""
        ...

    async def tokens_of(self, agent_ids: Sequence[str], since: datetime) -> Mapping[str, int]:
        """Return the models' tokens for what these agents did since then, as far as it is logged."""
        ...
