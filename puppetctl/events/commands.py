"""`puppetctl events`: what happens to characters, published, listed and cancelled at the agents service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from puppet.agents.v1 import event_service_pb2 as pb
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from puppetctl import DATA_DIR
from puppetctl.clients import opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import Listing, print_document
from puppetctl.terminal.words import plain
from services.runtime.ids import new_id

_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to happen; `push` is to valence, arousal and dominance."""

    what: str
    text: str
    whom: str = ""
    link: str = ""
    probability: float = 1.0
    push: tuple[float, float, float] = (0.0, 0.0, 0.0)
    is_external: bool = False

    def content(self) -> pb.Event:
        """Return an event that has nothing but what happens."""
        valence, arousal, dominance = self.push
        change = pb.MoodChange(valence=valence, arousal=arousal, dominance=dominance)
        match self.what:
            case "news":
                origin = pb.NEWS_ORIGIN_EXTERNAL if self.is_external else pb.NEWS_ORIGIN_OPERATOR
                mood = change if any(self.push) else None
                news = pb.News(
                    text=self.text, origin=origin, link=self.link, post_probability=self.probability, mood=mood
                )
                return pb.Event(news=news)
            case "mood":
                return pb.Event(mood=pb.MoodShift(change=change, cause=self.text))
            case "feed":
                return pb.Event(feed=pb.Feed(url=self.text, post_probability=self.probability))
            case "speak":
                return pb.Event(interaction=pb.Interaction(counterpart_id=self.whom, topic=self.text))
            case _:
                return pb.Event(scheduled_post=pb.ScheduledPost(topic=self.text))


async def list_events(
    agent_ids: Sequence[str], limit: int, data_dir: Path = DATA_DIR, *, is_every: bool, as_json: bool = False
) -> int:
    """Show up to `limit` events, newest first."""
    request = pb.ListEventsRequest(
        agent_ids=agent_ids,
        states=() if is_every else (pb.EVENT_STATE_SCHEDULED,),
        page_size=min(limit, _PAGE_SIZE),
    )
    listing = Listing("id", "state, when", "what", as_json=as_json, empty="nothing is to happen")
    async with _events(data_dir) as events:
        while True:
            page = await events.ListEvents(request)
            for event in page.events[: limit - len(listing)]:
                # Below one another: beside them a line of 80 columns would have no room for what happens.
                when = Text("\n".join((_state(event.state), *_when(event))))
                listing.add(event, event.id, when, _what(event))
            if not page.next_page_token or len(listing) == limit:
                break
            request.page_token = page.next_page_token
    listing.show()
    return 0


async def publish(
    wish: Wish,
    agent_ids: Sequence[str],
    at: datetime | None,
    rule: str,
    zone: str,
    priority: str,
    data_dir: Path = DATA_DIR,
    *,
    as_json: bool = False,
) -> int:
    """Let something happen, to all when no agents are named."""
    event = wish.content()
    event.agent_ids.extend(agent_ids)
    event.priority = pb.EventPriority.Value(f"EVENT_PRIORITY_{priority.upper()}")
    if at is not None:
        event.start_time.FromDatetime(at.astimezone(UTC))
    if rule:
        event.recurrence.CopyFrom(pb.Recurrence(rule=rule, time_zone=zone))
    async with _events(data_dir) as events:
        request = pb.PublishEventRequest(event=event, request_id=new_id("ctl"))
        event = (await events.PublishEvent(request)).event
    if as_json:
        print_document(event)
        return 0
    open_console().print(Text(f"{event.id}: {' '.join(_when(event))}, {_what(event)}"), soft_wrap=True)
    return 0


async def cancel(event_ids: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Let events happen no more."""
    async with _events(data_dir) as events:
        for event_id in event_ids:
            request = pb.CancelEventRequest(id=event_id, request_id=new_id("ctl"))
            event = (await events.CancelEvent(request)).event
            open_console().print(Text(f"{event.id}: {_state(event.state)}"))
    return 0


@asynccontextmanager
async def _events(data_dir: Path) -> AsyncIterator[EventServiceStub]:
    async with opened(data_dir) as clients:
        yield clients.events


def _state(state: "pb.EventState.ValueType") -> str:
    return pb.EventState.Name(state).removeprefix("EVENT_STATE_").lower()


def _when(event: pb.Event) -> list[str]:
    if event.HasField("next_time"):
        again = ["and again"] if event.HasField("recurrence") else []
        return [f"{event.next_time.ToDatetime(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}", *again]
    return [f"reached {event.delivery_count}"]


def _what(event: pb.Event) -> str:
    """Return what happens to whom, in words; what strangers say can't steer the terminal."""
    whom = ", ".join(event.agent_ids) or "all"
    match event.WhichOneof("content"):
        case "news":
            return f"{whom}: news: {plain(event.news.text)}"
        case "mood":
            push = event.mood.change
            told = f" ({plain(event.mood.cause)})" if event.mood.cause else ""
            return f"{whom}: mood {push.valence:+g} {push.arousal:+g} {push.dominance:+g}{told}"
        case "feed":
            failure = f" ({plain(event.failure)})" if event.failure else ""
            return f"{whom}: news from {plain(event.feed.url)}{failure}"
        case "interaction":
            about = f" about {plain(event.interaction.topic)}" if event.interaction.topic else ""
            return f"{whom}: speak to {event.interaction.counterpart_id}{about}"
        case _:
            return f"{whom}: post about {plain(event.scheduled_post.topic) or 'what they choose'}"
