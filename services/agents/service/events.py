"""Events: published once for their request, and planned once for each agent that they reach."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.errors import AgentInactive, AgentNotFound, EventNotFound, NoAccount
from services.agents.domain.events import (
    EventPriority,
    EventRecord,
    EventState,
    Feed,
    Interaction,
    MoodShift,
    News,
    ScheduledPost,
)
from services.agents.domain.records import Trigger
from services.agents.domain.recurrence import Recurrence
from services.agents.domain.schedule import awake_due
from services.agents.domain.tasks import NoticeTask, PostTask, Task
from services.agents.ports.feeds import FeedError, FeedPort, Fetched, Validators
from services.agents.ports.store import EventFilter, Records, Store
from services.agents.service.cast import Cast
from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged

NOTICE = "event"
"""The kind under which it is planned that an agent hears of something."""
_POST = "post"
_LOCK = "events"
"""Whoever changes how far an event is holds this lock."""
_AT_ONCE = 50
_FEEDS_AT_ONCE = 10
_AGENTS_AT_ONCE = 500
"""So many agents are reached in one transaction."""
_LEASE = timedelta(minutes=2)
"""Several times as long as a feed may take."""
_MAX_FAILURE = 200


class Events:
    """The use cases of EventService, and the clock that makes events happen."""

    def __init__(self, store: Store, cast: Cast, feeds: FeedPort, clock: Clock, speed: float) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._feeds = feeds
        self._store = store
        self._cast = cast
        self._clock = clock
        self._speed = speed

    async def publish(self, event: EventRecord, agent_ids: Sequence[str], key: RequestKey) -> EventRecord:
        """Store an event, and let it happen if it is due: in one transaction.

        Raises AgentNotFound; AgentInactive and NoAccount when it is due for a single agent that can do nothing of it.
        """
        now = self._clock.now()
        async with self._store.writing(_LOCK) as records:
            if (first := await records.claim(key, event.id)) is not None:
                return await _existing(records, first)
            targets = [await _agent(records, agent_id) for agent_id in dict.fromkeys(agent_ids)]
            if isinstance(event.content, Interaction):
                await _agent(records, event.content.counterpart_id)
            event.create_time = now
            event.next_time = event.start_time
            if isinstance(event.recurrence, Recurrence):
                event.next_time = event.recurrence.first(event.start_time)
            await records.save(event)
            await records.add_targets(event.id, [agent.id for agent in targets])
            if event.next_time is not None and event.next_time <= now and not event.is_feed:
                if len(targets) == 1:
                    _check_ready(event, targets[0])
                await self._happen(records, event, now)
            await records.commit()
        return event

    async def get(self, event_id: str) -> EventRecord:
        """Return one event. Raises EventNotFound."""
        async with self._store.reading() as records:
            return await _existing(records, event_id)

    async def page(self, wanted: EventFilter, page: Page) -> Paged[EventRecord]:
        """Return a page of events, newest first."""
        async with self._store.reading() as records:
            return await records.events(wanted, page)

    async def targets(self, event_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the agents that each of these events names."""
        async with self._store.reading() as records:
            return await records.targets(event_ids)

    async def cancel(self, event_id: str, key: RequestKey) -> EventRecord:
        """Let an event happen no more, and reach nobody whom it hasn't reached yet. Raises EventNotFound."""
        async with self._store.writing(_LOCK) as records:
            event = await _existing(records, event_id)
            if await records.claim(key, event_id) is None:
                event.cancel(self._clock.now())
                await records.save(event)
                await records.unplan_event(event_id)
                await records.commit()
        return event

    async def poll(self) -> None:
        """Let happen what is due. Any number of replicas may do this at once: each occurrence is planned once."""
        now = self._clock.now()
        async with self._store.reading() as records:
            due = await records.due_events(now, _AT_ONCE, is_feed=False)
        for event_id in due:
            async with self._store.writing(_LOCK) as records:
                event = await _existing(records, event_id)
                if event.next_time is None or event.next_time > now:
                    continue
                if event.is_missed(now, self._speed):
                    # Nobody would still do it; that it happens again is in time.
                    event.go_on(now, self._speed)
                    await records.save(event)
                else:
                    await self._happen(records, event, now)
                await records.commit()

    async def poll_feeds(self) -> None:
        """Read the feeds that are due, at the same time; what can't be read now is read later."""
        now = self._clock.now()
        async with self._store.reading() as records:
            due = await records.due_events(now, _FEEDS_AT_ONCE, is_feed=True)
        await asyncio.gather(*(self._read_feed(event_id) for event_id in due))

    async def _read_feed(self, event_id: str) -> None:
        now = self._clock.now()
        async with self._store.writing(_LOCK) as records:
            event = await _existing(records, event_id)
            if event.next_time is None or event.next_time > now or not isinstance(event.content, Feed):
                return
            # Whoever reads it has so long; when that one dies over it, somebody reads it again.
            event.next_time = now + _LEASE
            await records.save(event)
            await records.commit()
        found: Fetched | FeedError
        try:
            found = await self._feeds.fetch(event.content.url, Validators(event.etag, event.last_modified))
        except FeedError as error:
            found = error
        async with self._store.writing(_LOCK) as records:
            event = await _existing(records, event_id)
            if event.state is EventState.SCHEDULED:
                await self._take_in(records, event, found)
                await records.commit()

    async def _take_in(self, records: Records, event: EventRecord, found: Fetched | FeedError) -> None:
        """Publish what is new in a feed, each item once, and go on to the event's next time."""
        now, feed = self._clock.now(), event.content
        if isinstance(found, FeedError) or not isinstance(feed, Feed):
            event.happen(0, now, self._speed)
            event.fail(str(found)[:_MAX_FAILURE], now)
            await records.save(event)
            return
        new = await records.see_items(event.id, [item.id for item in found.items], now)
        items = [item for item in found.items if item.id in new][: feed.most]
        reached = 0
        agent_ids = (await records.targets([event.id]))[event.id]
        # The oldest first, as they were written.
        for item in reversed(items):
            news = News(item.text, True, item.link, feed.post_probability, feed_event_id=event.id)
            told = EventRecord(
                content=news,
                priority=event.priority,
                is_broadcast=event.is_broadcast,
                start_time=now,
                principal=event.principal,
                create_time=now,
            )
            await records.save(told)
            await records.add_targets(told.id, agent_ids)
            await self._happen(records, told, now)
            reached += told.deliveries
        event.failure, event.etag, event.last_modified = "", found.validators.etag, found.validators.last_modified
        event.happen(reached, now, self._speed)
        await records.save(event)

    async def _happen(self, records: Records, event: EventRecord, now: datetime) -> None:
        """Plan what each agent does of an event, under its own key, and go on to the event's next occurrence.

        Of very many agents some are reached, and the others when it is looked at again.
        """
        agents = await records.reached(event.id, event.reached_id, _AGENTS_AT_ONCE, is_broadcast=event.is_broadcast)
        key = f"{event.id}.{event.occurrences}"
        entries = []
        for agent in agents:
            kind, task = _task(event, agent)
            if task is not None:
                due_time = self._due(event, key, agent, now)
                entries.append(ScheduleEntry(agent_id=agent.id, kind=kind, key=key, due_time=due_time, task=task))
        await records.plan_all(entries)
        if len(agents) == _AGENTS_AT_ONCE:
            event.reach(len(entries), agents[-1].id)
        else:
            event.happen(len(entries), now, self._speed)
        await records.save(event)

    def _due(self, event: EventRecord, key: str, agent: AgentRecord, now: datetime) -> datetime:
        """Return when an agent takes an event up: while it is awake, unless nobody should wait or it has a time."""
        rng = random.Random(f"{key}/{agent.id}")
        due = now + rng.random() * event.priority.within / self._speed
        if event.priority is EventPriority.HIGH or isinstance(event.content, ScheduledPost):
            return due
        return awake_due(due, self._cast.persona(agent).behavior, self._speed, rng)


def _task(event: EventRecord, agent: AgentRecord) -> tuple[str, Task | None]:
    """Return what an agent does of an event, and under which kind it is planned; None when it is nothing to it."""
    match event.content:
        case News() as news:
            return NOTICE, NoticeTask(agent.id, event.id, news=news)
        case MoodShift() as shift:
            return NOTICE, NoticeTask(agent.id, event.id, mood=shift)
        case Interaction(counterpart_id, topic):
            speaks = bool(agent.account_id) and agent.id != counterpart_id
            task = PostTask(agent.id, topic, trigger=Trigger.EVENT, addressed_id=counterpart_id, event_id=event.id)
            return _POST, task if speaks else None
        case ScheduledPost(topic):
            task = PostTask(agent.id, topic, trigger=Trigger.EVENT, event_id=event.id)
            return _POST, task if agent.account_id else None
        case Feed():
            return NOTICE, None


def _check_ready(event: EventRecord, agent: AgentRecord) -> None:
    if not agent.is_active:
        raise AgentInactive(agent.id)
    if isinstance(event.content, Interaction | ScheduledPost) and not agent.account_id:
        raise NoAccount(agent.id)


async def _existing(records: Records, event_id: str) -> EventRecord:
    if event := await records.event(event_id):
        return event
    raise EventNotFound(event_id)


async def _agent(records: Records, agent_id: str) -> AgentRecord:
    if agent := await records.agent(agent_id):
        return agent
    raise AgentNotFound(agent_id)
