"""What the agents service stores."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from services.agents.domain.alerts import AlertRecord
from services.agents.domain.drafts import DraftRecord, DraftState
from services.agents.domain.entities import (
    ActivityRecord,
    AgentRecord,
    Hindrance,
    Mailbox,
    MemberName,
    MoodRecord,
    ScheduleEntry,
)
from services.agents.domain.events import EventRecord, EventState
from services.agents.domain.prompt_records import PromptRecord
from services.agents.domain.records import ActivityKind
from services.agents.domain.versions import PersonaVersion
from services.agents.domain.webhooks import MessageRecord
from services.agents.ports.webhooks import WebhookRecords
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged

Stamp: TypeAlias = tuple[datetime, int]
"""When an agent was created, and which of its states this is: one that was made again counts anew."""


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities are wanted: of `since` or later, and before `until`; what is empty or None doesn't restrict."""

    agent_ids: Sequence[str] = ()
    kinds: Sequence[ActivityKind] = ()
    workflow_ids: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted: those that name one of these agents or all, in one of these states; empty for all."""

    agent_ids: Sequence[str] = ()
    states: Sequence[EventState] = ()


@dataclass(frozen=True, slots=True)
class DraftFilter:
    """Which drafts are wanted: an empty list doesn't restrict."""

    agent_ids: Sequence[str] = ()
    states: Sequence[DraftState] = ()


class Records(WebhookRecords, Protocol):
    """Everything stored, within one transaction, which is rolled back unless it is committed."""

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        """Claim a request; None when it is new, else the id that its first call claimed it with."""
        ...

    async def claimed(self, key: RequestKey) -> str | None:
        """Return what `claim` would for a request that was claimed before; None, and no claim, when it never was."""
        ...

    async def agent(self, agent_id: str) -> AgentRecord | None:
        """Return an agent."""
        ...

    async def agents_of(self, agent_ids: Sequence[str]) -> Sequence[AgentRecord]:
        """Return those of these agents that are there, in no order."""
        ...

    async def agents(self, page: Page) -> Paged[AgentRecord]:
        """Return a page of agents, in the order of their ids; the key is `(id,)`."""
        ...

    async def being_deleted(self) -> list[str]:
        """Return the ids of the agents whose deletion was asked for."""
        ...

    async def workflow_ids(self, agent_id: str, after: str, limit: int) -> list[str]:
        """Return the next workflows after this id of which something of an agent is logged."""
        ...

    async def members_of(self, user_ids: Collection[str]) -> list[AgentRecord]:
        """Return the agents that have these ids on the network."""
        ...

    async def members_called(self, names: Collection[str]) -> list[AgentRecord]:
        """Return the agents with an account whose id, name or handle is one of these, in whatever case."""
        ...

    async def member_at_random(self, but_id: str, draw: float) -> AgentRecord | None:
        """Return a started agent with a handle, but for this one; `draw`, from 0 to below 1, says which of them."""
        ...

    async def member_names(self) -> list[MemberName]:
        """Return what the agents with an account are called."""
        ...

    async def save(
        self,
        *rows: AgentRecord
        | AlertRecord
        | DraftRecord
        | EventRecord
        | Hindrance
        | MessageRecord
        | MoodRecord
        | PersonaVersion
        | ScheduleEntry,
    ) -> None:
        """Add rows, or write their changes."""
        ...

    async def add_all(
        self, rows: Sequence[AgentRecord | ActivityRecord | MoodRecord | PersonaVersion | ScheduleEntry]
    ) -> None:
        """Add new rows, those of a kind at once."""
        ...

    async def persona_versions(self, agent_id: str, page: Page) -> Paged[PersonaVersion]:
        """Return a page of the versions of an agent's persona, newest first; the key is `(number,)`."""
        ...

    async def persona_version(self, agent_id: str, number: int) -> PersonaVersion | None:
        """Return a version of an agent's persona."""
        ...

    async def forget_persona_versions(self, agent_id: str, until: int) -> None:
        """Delete the versions of an agent's persona up to this one."""
        ...

    async def schedule(self, agent_id: str) -> list[ScheduleEntry]:
        """Return what an agent will do, soonest first."""
        ...

    async def due(self, now: datetime, limit: int, *, full: Collection[str] = ()) -> list[ScheduleEntry]:
        """Return what is due of active agents, the longest overdue first, but for what is of a kind in `full`."""
        ...

    async def recurring(self, page: Page) -> Paged[ScheduleEntry]:
        """Return a page of what all agents do again and again; the key is `(agent_id, kind)`."""
        ...

    async def planned_until(self, time: datetime) -> int:
        """Return how much is planned for before this time."""
        ...

    async def mark(self, name: str) -> str:
        """Return the value of a mark; empty when there is none."""
        ...

    async def set_mark(self, name: str, value: str) -> None:
        """Set a mark."""
        ...

    async def stamps(self, agent_ids: Collection[str]) -> Mapping[str, Stamp]:
        """Return which states of these agents are the current ones, by their ids."""
        ...

    async def mailboxes(self, agent_ids: Collection[str], aim: str) -> list[Mailbox]:
        """Return where those of these agents read that are started and have an account; `aim` is that of reading."""
        ...

    async def move_all(self, moves: Sequence[tuple[ScheduleEntry, datetime]]) -> list[ScheduleEntry]:
        """Give entries their next times, and return those that had not changed since they were read."""
        ...

    async def put_schedule(self, agent_id: str, due_times: Mapping[str, datetime]) -> None:
        """Replace what an agent does again and again; what it is to do once stays."""
        ...

    async def plan(self, entry: ScheduleEntry) -> None:
        """Add something that is to be done once, unless it is planned already."""
        ...

    async def plan_all(self, entries: Sequence[ScheduleEntry]) -> None:
        """Add what is to be done once and hasn't been planned."""
        ...

    async def unplan(self, entry: ScheduleEntry) -> None:
        """Remove an entry."""
        ...

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event."""
        ...

    async def events(self, wanted: EventFilter, page: Page) -> Paged[EventRecord]:
        """Return a page of events, newest first; the key is `(id,)`."""
        ...

    async def due_events(self, now: datetime, limit: int, *, is_feed: bool) -> list[str]:
        """Return the ids of up to `limit` events, or feeds, that are due, the longest overdue first."""
        ...

    async def add_targets(self, event_id: str, agent_ids: Sequence[str]) -> None:
        """Take down whom an event reaches."""
        ...

    async def targets(self, event_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the agents that each of these events names, in the order of their ids."""
        ...

    async def events_of_persona(self, agent_id: str) -> list[EventRecord]:
        """Return what an agent's persona lets happen by chance, and isn't over."""
        ...

    async def reached(self, event_id: str, after: str, limit: int, *, is_broadcast: bool) -> list[AgentRecord]:
        """Return up to `limit` active agents that an event names, or of all active ones, behind an id, by their ids."""
        ...

    async def see_items(self, event_id: str, item_ids: Sequence[str], now: datetime) -> set[str]:
        """Take down the items of a feed, and return those that are new; with none before, all are.

        Without any the feed is as it was.
        """
        ...

    async def unplan_event(self, event_id: str) -> None:
        """Remove what is planned for an event."""
        ...

    async def unplan_events(self, agent_id: str) -> None:
        """Remove what an agent was to do of events."""
        ...

    async def log(self, activity: ActivityRecord) -> bool:
        """Add an activity; False when this step of this workflow is there already."""
        ...

    async def activities(self, wanted: ActivityFilter, page: Page) -> Paged[ActivityRecord]:
        """Return a page of activities, newest first; the key is `(seq,)`."""
        ...

    async def activities_after(self, agent_ids: Sequence[str], seq: int, limit: int) -> list[ActivityRecord]:
        """Return up to `limit` activities after this one, oldest first."""
        ...

    async def first_seq(self) -> int:
        """Return the place of the oldest activity; 0 when there is none."""
        ...

    async def last_seq(self) -> int:
        """Return the place of the newest activity; 0 when there is none."""
        ...

    async def explained(self, name: str) -> ActivityRecord | None:
        """Return the newest activity of a workflow of this name, or that made the effect of this id."""
        ...

    async def activity(self, seq: int) -> ActivityRecord | None:
        """Return the activity at this place."""
        ...

    async def activities_of(self, workflow_ids: Sequence[str]) -> list[ActivityRecord]:
        """Return all activities of these workflows, oldest first."""
        ...

    async def keep_prompt(self, prompt: PromptRecord) -> None:
        """Add a prompt; of one that is there only the time is set."""
        ...

    async def use_prompts(self, prompt_ids: Sequence[str], now: datetime) -> None:
        """Set the time of prompts that something names."""
        ...

    async def prompts(self, prompt_ids: Sequence[str]) -> dict[str, PromptRecord]:
        """Return those of these prompts that are kept, by their ids."""
        ...

    async def outcome(self, workflow_id: str) -> ActivityRecord | None:
        """Return the first activity of a workflow."""
        ...

    async def logged(self, workflow_ids: Sequence[str]) -> set[str]:
        """Return those of these workflows that have an activity."""
        ...

    async def counts(self, agent_id: str) -> Mapping[ActivityKind, int]:
        """Return how many activities of each kind an agent has."""
        ...

    async def mood_before(self, agent_id: str, time: datetime) -> MoodRecord | None:
        """Return the last recorded mood of an agent before this time."""
        ...

    async def moods(self, agent_id: str, since: datetime, until: datetime, after: int, limit: int) -> list[MoodRecord]:
        """Return up to `limit` recorded moods of an agent in this time and behind this place, oldest first."""
        ...

    async def mention_cursor(self, agent_id: str) -> str:
        """Return the network's id of the last mention that an agent has read; empty when it has read none."""
        ...

    async def move_mention_cursor(self, agent_id: str, before: str, after: str) -> None:
        """Move the cursor, unless somebody else has moved it since it was `before`."""
        ...

    async def count(self, agent_id: str, scope: str, counterpart: str, limit: int, now: datetime) -> bool:
        """Count one more in a scope: a conversation, or a day; False when there are as many as the limit."""
        ...

    async def counted(self, agent_id: str, scope: str, counterpart: str) -> int:
        """Return how many were counted in a scope."""
        ...

    async def reserve(self, agent_id: str, fingerprint: str, workflow_id: str, now: datetime) -> str:
        """Reserve words for a workflow; returns the one that has them, which may be another."""
        ...

    async def reserved(self, agent_id: str, fingerprints: Sequence[str], since: datetime) -> Mapping[str, str]:
        """Return the workflows that have reserved these words since then, by the fingerprints."""
        ...

    async def forget_reservations(self, agent_id: str, before: datetime) -> None:
        """Delete what an agent has reserved before this time."""
        ...

    async def mark_external(self, conversation_id: str, now: datetime) -> None:
        """Mark a conversation in which somebody's words from outside were heard."""
        ...

    async def is_external(self, conversation_id: str) -> bool:
        """Tell whether a conversation is marked so."""
        ...

    async def hindrances(self, agent_id: str) -> dict[str, Hindrance]:
        """Return what keeps an agent from what, by its aims."""
        ...

    async def retry_times(self, agent_ids: Collection[str], aim: str, now: datetime) -> Mapping[str, datetime]:
        """Return when those of these agents may try again that have to wait for it, by their ids."""
        ...

    async def end_hindrance(self, agent_id: str, aim: str) -> None:
        """Remove what kept an agent from this."""
        ...

    async def forget_counts(self, before: datetime, kept: Sequence[str], limit: int) -> int:
        """Delete up to `limit` counts of before this time, but for these scopes; the value says how many."""
        ...

    async def forget_external(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` marks of conversations of before this time; the value says how many."""
        ...

    async def forget_all_reservations(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` of what any agent has reserved before this time; the value says how many."""
        ...

    async def forget_activities(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` activities of before this time; the value says how many."""
        ...

    async def forget_prompts(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` prompts that nothing has named since this time; the value says how many."""
        ...

    async def forget_moods(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` moods of before this time; the value says how many."""
        ...

    async def forget_events(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` events that are over since before this time; the value says how many."""
        ...

    async def forget_items(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` items of feeds that were last there before this time; the value says how many."""
        ...

    async def forget_requests(self, before: datetime, limit: int) -> int:
        """Forget up to `limit` requests of before this time; the value says how many."""
        ...

    async def acquaintances(self, agent_id: str) -> Mapping[str, str]:
        """Return the network's ids of those whom an agent's persona knows by handles, by these, in small letters."""
        ...

    async def meet(self, agent_id: str, handle: str, user_id: str) -> None:
        """Take down who it is whom an agent's persona knows by a handle."""
        ...

    async def draft(self, draft_id: str) -> DraftRecord | None:
        """Return a draft."""
        ...

    async def draft_of(self, workflow_id: str) -> DraftRecord | None:
        """Return the draft of a workflow."""
        ...

    async def drafts(self, wanted: DraftFilter, page: Page) -> Paged[DraftRecord]:
        """Return a page of drafts, newest first; the key is `(create_time, id)`."""
        ...

    async def overdue_drafts(self, now: datetime, limit: int) -> list[DraftRecord]:
        """Return up to `limit` drafts that wait and have expired, the longest overdue first."""
        ...

    async def commit(self) -> None:
        """Make it durable."""
        ...


class Store(Protocol):
    """The truth."""

    def reading(self) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that only reads."""
        ...

    def writing(self, *lock_keys: str) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that may write; those that name the same turn follow one another."""
        ...
