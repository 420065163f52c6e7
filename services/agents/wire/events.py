"""Events on the wire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from puppet.agents.v1 import event_service_pb2 as pb
from services.agents.domain import events
from services.agents.domain.errors import VouchingDenied
from services.agents.domain.events import EventContent, EventPriority, EventRecord, EventState
from services.agents.domain.mood import MoodChange
from services.agents.domain.recurrence import Recurrence, fault_of
from services.agents.ports.store import EventFilter
from services.runtime.protobuf import read_time, write_time
from services.runtime.rpc.limits import RequestChecks, check, size_of
from services.runtime.settings import check_http_url

_STATES = {pb.EventState.Value(f"EVENT_STATE_{state.name}"): state for state in EventState}
_STATE_NUMBERS = {state: number for number, state in _STATES.items()}
_PRIORITIES = {pb.EventPriority.Value(f"EVENT_PRIORITY_{one.name}"): one for one in EventPriority}
_PRIORITY_NUMBERS = {one: number for number, one in _PRIORITIES.items()}

_LATE = timedelta(hours=1)
"""A start that is over for longer is a mistake; within it clocks may differ, and a call may be repeated."""


def read_event(request: pb.PublishEventRequest, principal: str, now: datetime, *, is_operator: bool) -> EventRecord:
    """Return the event to publish. Raises InvalidRequest, and VouchingDenied unless an operator vouches for news."""
    given = request.event
    with RequestChecks(request) as checks:
        news = given.news if given.HasField("news") else None
        if news and news.HasField("mood") and news.origin != pb.NEWS_ORIGIN_OPERATOR:
            checks.refuse("event.news.mood", "must be left out: what strangers say moves no mood")
        if given.HasField("recurrence") and not checks.count:
            if fault := fault_of(given.recurrence.rule):
                checks.refuse("event.recurrence.rule", fault)
            if not _is_zone(given.recurrence.time_zone):
                checks.refuse("event.recurrence.time_zone", "is no time zone's name")
        is_once = not given.HasField("recurrence")
        if is_once and not checks.count and now - read_time(given, "start_time", now) > _LATE:
            checks.refuse("event.start_time", "is over: leave it out for what begins now")
        if given.feed.url and not _is_web_address(given.feed.url):
            checks.refuse("event.feed.url", "must be an http or https URL")
        if given.interaction.counterpart_id and [*given.agent_ids] == [given.interaction.counterpart_id]:
            checks.refuse("event.interaction.counterpart_id", "must be another agent than the one that speaks")
    if news and news.origin == pb.NEWS_ORIGIN_OPERATOR and not is_operator:
        raise VouchingDenied
    recurrence = given.recurrence
    return EventRecord(
        content=_read_content(given),
        is_feed=given.HasField("feed"),
        priority=_PRIORITIES.get(given.priority, EventPriority.NORMAL),
        is_broadcast=not given.agent_ids,
        start_time=max(read_time(given, "start_time", now), now),
        recurrence=Recurrence(recurrence.rule, recurrence.time_zone or "UTC") if given.HasField("recurrence") else None,
        principal=principal,
        create_time=now,
    )


def read_event_filter(request: pb.ListEventsRequest) -> EventFilter:
    """Return which events are wanted."""
    check(request)
    return EventFilter(list(request.agent_ids), [_STATES[number] for number in request.states])


def write_event(event: EventRecord, agent_ids: Sequence[str]) -> pb.Event:
    """Return an event as it goes over the wire."""
    written = pb.Event(
        id=event.id,
        agent_ids=agent_ids,
        priority=_PRIORITY_NUMBERS[event.priority],
        start_time=write_time(event.start_time),
        state=_STATE_NUMBERS[event.state],
        next_time=write_time(event.next_time),
        occurrence_count=event.occurrences,
        delivery_count=event.deliveries,
        create_time=write_time(event.create_time),
        principal=event.principal,
        failure=event.failure,
    )
    # What a persona lets happen by chance has no rule.
    if isinstance(event.recurrence, Recurrence):
        told = pb.Recurrence(rule=event.recurrence.rule, time_zone=event.recurrence.time_zone)
        written.recurrence.CopyFrom(told)
    match event.content:
        case events.News() as news:
            origin = pb.NEWS_ORIGIN_EXTERNAL if news.is_external else pb.NEWS_ORIGIN_OPERATOR
            written.news.CopyFrom(
                pb.News(
                    text=news.text,
                    origin=origin,
                    link=news.link,
                    post_probability=news.post_probability,
                    mood=_write_change(news.mood) if news.mood else None,
                    feed_event_id=news.feed_event_id,
                )
            )
        case events.MoodShift(change, cause):
            written.mood.CopyFrom(pb.MoodShift(change=_write_change(change), cause=cause))
        case events.Interaction(counterpart_id, topic):
            written.interaction.CopyFrom(pb.Interaction(counterpart_id=counterpart_id, topic=topic))
        case events.Feed(url, post_probability, limit):
            written.feed.CopyFrom(pb.Feed(url=url, post_probability=post_probability, max_items=limit))
        case events.ScheduledPost(topic):
            written.scheduled_post.CopyFrom(pb.ScheduledPost(topic=topic))
    return written


def _is_web_address(url: str) -> bool:
    try:
        return bool(check_http_url(url))
    except ValueError:
        return False


def _read_content(given: pb.Event) -> EventContent:
    match given.WhichOneof("content"):
        case "news":
            news = given.news
            return events.News(
                news.text,
                is_external=news.origin != pb.NEWS_ORIGIN_OPERATOR,
                link=news.link,
                post_probability=news.post_probability,
                mood=_read_change(news.mood) if news.HasField("mood") else None,
            )
        case "mood":
            return events.MoodShift(_read_change(given.mood.change), given.mood.cause)
        case "feed":
            feed = given.feed
            return events.Feed(feed.url, feed.post_probability, size_of(feed, "max_items"))
        case "interaction":
            return events.Interaction(given.interaction.counterpart_id, given.interaction.topic)
        case _:
            return events.ScheduledPost(given.scheduled_post.topic)


def _read_change(change: pb.MoodChange) -> MoodChange:
    return MoodChange(change.valence, change.arousal, change.dominance)


def _write_change(change: MoodChange) -> pb.MoodChange:
    return pb.MoodChange(valence=change.valence, arousal=change.arousal, dominance=change.dominance)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name or "UTC")
    except (ValueError, OSError):
        # Also a key that isn't there: ZoneInfoNotFoundError is a KeyError, and a folder's name an OSError.
        return False
    except KeyError:
        return False
    return True
