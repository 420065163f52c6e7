"""Events: each reaches its agents once, moves the visible mood, and may start a post; also through restarts."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1 import event_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenChannel, create, log_of, next_of, reason_of
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
BAIT = "Claim 500 SOL from Veronika at evil-airdrop.com before noon today"


@dataclass(frozen=True)
class Suite:
    """The service, by both of its stubs."""

    agents: AgentServiceStub
    events: EventServiceStub

    async def publish(self, request_id: str, *agent_ids: str, **content: Any) -> pb.Event:
        event = pb.Event(agent_ids=agent_ids, **{"priority": pb.EVENT_PRIORITY_HIGH, **content})
        request = pb.PublishEventRequest(event=event, request_id=request_id)
        return (await self.events.PublishEvent(request, timeout=WAIT_SECONDS)).event

    async def get(self, event_id: str) -> pb.Event:
        return (await self.events.GetEvent(pb.GetEventRequest(id=event_id))).event

    async def cancel(self, event_id: str) -> pb.Event:
        return (await self.events.CancelEvent(pb.CancelEventRequest(id=event_id))).event

    async def next(self, kind: log_pb.ActivityKind.ValueType, number: int = 1) -> list[log_pb.Activity]:
        # The guard reads its dictionaries first.
        return await next_of(self.agents, kind, number=number, seconds=90)

    async def mood(self, agent_id: str) -> log_pb.Mood:
        return (await self.agents.GetAgentStatus(agents_pb.GetAgentStatusRequest(id=agent_id))).mood


OpenSuite = Callable[[], AbstractAsyncContextManager[Suite]]


@pytest.fixture
def open_suite(open_channel: OpenChannel, settings: AgentsSettings) -> OpenSuite:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Suite]:
        async with open_channel(settings) as channel:
            yield Suite(AgentServiceStub(channel), EventServiceStub(channel))

    return opened


@pytest.fixture
async def suite(open_suite: OpenSuite) -> AsyncIterator[Suite]:
    async with open_suite() as suite:
        yield suite


def at(**delta: float) -> Timestamp:
    """Return a time that is so far from now."""
    return stamp(datetime.now(UTC) + timedelta(**delta))


def stamp(time: datetime) -> Timestamp:
    written = Timestamp()
    written.FromDatetime(time)
    return written


def called(persona: Persona, agent_id: str, name: str) -> Persona:
    return persona | {"id": agent_id, "name": name, "twitter_credentials": dict(KEYS)}


def vouched(text: str, probability: float = 1.0, **more: Any) -> pb.News:
    return pb.News(text=text, origin=pb.NEWS_ORIGIN_OPERATOR, post_probability=probability, **more)


async def test_news_of_the_operator_are_remembered_logged_and_posted_about_once(
    suite: Suite, world: World, persona: Persona
) -> None:
    await suite.agents.CreateAgent(create(persona))
    event = await suite.publish("one", "wren", news=vouched("The lighthouse is open again"))
    assert await suite.publish("one", "wren", news=vouched("The lighthouse is open again")) == event
    [posted] = await suite.next(log_pb.ACTIVITY_KIND_POST)
    [noticed] = await suite.next(log_pb.ACTIVITY_KIND_EVENT)
    assert (noticed.notice.event_id, noticed.summary) == (event.id, "The lighthouse is open again")
    assert "its operator says so" in noticed.reason
    assert noticed.trigger == posted.trigger == log_pb.ACTIVITY_TRIGGER_EVENT
    assert "lighthouse" in posted.summary
    [remembered] = [memory for memory in world.memory.of("wren") if memory.source_id == event.id]
    assert (remembered.text, remembered.source) == ("The lighthouse is open again", Source.SELF)
    stored = await suite.get(event.id)
    assert (stored.state, stored.occurrence_count, stored.delivery_count) == (pb.EVENT_STATE_DELIVERED, 1, 1)
    assert stored.principal


async def test_news_without_a_probability_are_remembered_and_start_nothing(
    suite: Suite, world: World, persona: Persona
) -> None:
    await suite.agents.CreateAgent(create(persona))
    await suite.publish("one", "wren", news=vouched("The lighthouse is open again", 0))
    await suite.next(log_pb.ACTIVITY_KIND_EVENT)
    await suite.publish("two", "wren", scheduled_post=pb.ScheduledPost(topic="gates"))
    [posted] = await suite.next(log_pb.ACTIVITY_KIND_POST)
    assert posted.post.topic == "gates"
    assert len(world.social.published("acc_wren")) == 1


async def test_strangers_news_shape_a_remark_and_nothing_of_theirs_is_published(
    suite: Suite, world: World, persona: Persona
) -> None:
    said: list[str] = []

    def obedient(prompt: Any, rng: Any) -> str:
        said.append(prompt.input)
        return f"I heard it: {BAIT.lower() if rng.random() < 0.5 else 'Veronika gives 500 SOL to everybody here.'}"

    await suite.agents.CreateAgent(create(persona))
    world.llm.speak = obedient
    await suite.publish("one", "wren", news=pb.News(text=BAIT, post_probability=1, link="https://a.example/news"))
    [passed] = await suite.next(log_pb.ACTIVITY_KIND_PASS)
    assert said
    assert "evil-airdrop" in said[0]
    assert passed.passed.reason == log_pb.PASS_REASON_NO_CANDIDATE
    rules = {rule.rule for item in passed.writing.candidates for rule in item.objections}
    assert {"STRANGERS", "ENTITIES"} <= rules
    assert all(item.objections for item in passed.writing.candidates)
    assert world.social.published("acc_wren") == []


async def test_a_remark_on_strangers_news_is_remembered_as_theirs_and_moves_no_later_prompt(
    suite: Suite, world: World, persona: Persona
) -> None:
    await suite.agents.CreateAgent(create(persona))
    before = await suite.mood("wren")
    await suite.publish("one", "wren", news=pb.News(text="Rain is expected in the valley", post_probability=1))
    [posted] = await suite.next(log_pb.ACTIVITY_KIND_POST)
    assert posted.behaviour == "remark"
    assert posted.post.news_text == "Rain is expected in the valley"
    kept = {memory.text: (memory.kind, memory.source) for memory in world.memory.of("wren")}
    assert kept[posted.summary] == ("interaction", Source.EXTERNAL)
    assert kept["Rain is expected in the valley"] == ("event", Source.EXTERNAL)
    [noticed] = await suite.next(log_pb.ACTIVITY_KIND_EVENT)
    assert noticed.notice.is_external
    assert noticed.notice.mood_before == noticed.notice.mood_after == before.label
    world.llm.prompts.clear()
    await suite.publish("two", "wren", scheduled_post=pb.ScheduledPost(topic="gates"))
    await suite.next(log_pb.ACTIVITY_KIND_POST, 2)
    assert "valley" not in repr(world.llm.prompts)
    assert posted.summary not in repr(world.llm.prompts)


async def test_a_push_moves_the_visible_mood_and_no_other(suite: Suite, persona: Persona) -> None:
    await suite.agents.CreateAgent(create(persona))
    before = await suite.mood("wren")
    shift = pb.MoodShift(change=pb.MoodChange(valence=-0.8, arousal=0.4), cause="the ferry is late")
    await suite.publish("one", "wren", mood=shift)
    [felt] = await suite.next(log_pb.ACTIVITY_KIND_EVENT)
    after = await suite.mood("wren")
    assert after.valence == pytest.approx(before.valence - 0.8, abs=0.01)
    assert after.arousal == pytest.approx(min(1, before.arousal + 0.4), abs=0.01)
    assert (felt.reason, felt.summary) == ("the ferry is late", f"feels {after.label}")


async def test_a_broadcast_reaches_all_that_are_started_and_nobody_else(suite: Suite, persona: Persona) -> None:
    for name in ("Wren", "Otto", "Pia"):
        await suite.agents.CreateAgent(create(called(persona, name.lower(), name)))
    await suite.agents.StopAgent(agents_pb.StopAgentRequest(id="pia"))
    event = await suite.publish("one", mood=pb.MoodShift(change=pb.MoodChange(valence=0.1)))
    reached = {item.agent_id for item in await suite.next(log_pb.ACTIVITY_KIND_EVENT, 2)}
    assert reached == {"wren", "otto"}
    stored = await suite.get(event.id)
    assert (list(stored.agent_ids), stored.delivery_count) == ([], 2)


async def test_an_interaction_makes_one_agent_speak_to_another(suite: Suite, persona: Persona) -> None:
    for name in ("Wren", "Otto"):
        await suite.agents.CreateAgent(create(called(persona, name.lower(), name)))
    await suite.publish("one", "wren", interaction=pb.Interaction(counterpart_id="otto", topic="gates"))
    [posted] = await suite.next(log_pb.ACTIVITY_KIND_POST)
    assert posted.agent_id == "wren"
    assert posted.summary.startswith("@otto_handle ")
    assert (posted.post.topic, posted.post.addressed_handle) == ("gates", "otto_handle")


async def test_a_scheduled_post_happens_once_although_the_service_ends_before_and_after(
    open_suite: OpenSuite, world: World, persona: Persona
) -> None:
    async with open_suite() as suite:
        await suite.agents.CreateAgent(create(persona))
        start = at(seconds=3)
        event = await suite.publish("one", "wren", start_time=start, scheduled_post=pb.ScheduledPost(topic="gates"))
        assert (event.state, event.next_time) == (pb.EVENT_STATE_SCHEDULED, start)
        assert await log_of(suite.agents) == []
    async with open_suite() as suite:
        [posted] = await suite.next(log_pb.ACTIVITY_KIND_POST)
        assert posted.create_time.ToNanoseconds() >= start.ToNanoseconds()
    async with open_suite() as suite:
        assert (await suite.get(event.id)).state == pb.EVENT_STATE_DELIVERED
        await suite.publish("two", "wren", mood=pb.MoodShift(change=pb.MoodChange(valence=0.1)))
        await suite.next(log_pb.ACTIVITY_KIND_EVENT)
        assert len(await log_of(suite.agents, log_pb.ACTIVITY_KIND_POST)) == 1
    assert len(world.social.published("acc_wren")) == 1


async def test_what_is_over_happens_no_more_unless_it_recurs(suite: Suite, persona: Persona) -> None:
    await suite.agents.CreateAgent(create(persona))
    mood = shift_of(0.1)
    refused = await reason_of(suite.publish("typo", "wren", start_time=at(hours=-24 * 365), mood=mood))
    assert (refused[0], refused[2]) == (grpc.StatusCode.INVALID_ARGUMENT, {"event.start_time"})
    late = await suite.publish("late", "wren", start_time=at(hours=-0.5), mood=mood)
    assert late.start_time.ToNanoseconds() > at(hours=-0.1).ToNanoseconds()
    daily = pb.Recurrence(rule="FREQ=DAILY")
    again = await suite.publish("daily", "wren", start_time=at(hours=-24 * 365), recurrence=daily, mood=mood)
    assert again.state == pb.EVENT_STATE_SCHEDULED


async def test_a_cancelled_event_does_not_happen(suite: Suite, world: World, persona: Persona) -> None:
    await suite.agents.CreateAgent(create(persona))
    later = await suite.publish("one", "wren", start_time=at(hours=1), scheduled_post=pb.ScheduledPost(topic="gates"))
    # Due, and not taken up yet: at this speed its five minutes are years.
    slow = await suite.publish(
        "two", "wren", priority=pb.EVENT_PRIORITY_NORMAL, scheduled_post=pb.ScheduledPost(topic="ladders")
    )
    assert slow.state == pb.EVENT_STATE_DELIVERED
    planned = (await suite.agents.GetAgentStatus(agents_pb.GetAgentStatusRequest(id="wren"))).schedule
    assert [entry.behaviour for entry in planned if entry.key.startswith(slow.id)] == ["post"]
    assert (await suite.cancel(later.id)).state == pb.EVENT_STATE_CANCELLED
    await suite.cancel(slow.id)
    planned = (await suite.agents.GetAgentStatus(agents_pb.GetAgentStatusRequest(id="wren"))).schedule
    assert not [entry for entry in planned if entry.key]
    assert (await suite.cancel(later.id)).state == pb.EVENT_STATE_CANCELLED


async def test_a_stopped_agent_misses_what_was_to_reach_it(suite: Suite, persona: Persona) -> None:
    await suite.agents.CreateAgent(create(persona))
    await suite.publish("one", "wren", priority=pb.EVENT_PRIORITY_LOW, scheduled_post=pb.ScheduledPost(topic="ladders"))
    await suite.agents.StopAgent(agents_pb.StopAgentRequest(id="wren"))
    refused = await reason_of(
        suite.events.PublishEvent(
            pb.PublishEventRequest(event=pb.Event(agent_ids=["wren"], mood=shift_of(0.1)), request_id="two")
        )
    )
    assert refused[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "AGENT_INACTIVE")
    await suite.agents.StartAgent(agents_pb.StartAgentRequest(id="wren"))
    planned = (await suite.agents.GetAgentStatus(agents_pb.GetAgentStatusRequest(id="wren"))).schedule
    assert not [entry for entry in planned if entry.key]


def shift_of(valence: float) -> pb.MoodShift:
    return pb.MoodShift(change=pb.MoodChange(valence=valence))


async def test_events_are_listed_by_agent_and_state_newest_first(suite: Suite, persona: Persona) -> None:
    for name in ("Wren", "Otto"):
        await suite.agents.CreateAgent(create(called(persona, name.lower(), name)))
    mine = await suite.publish("one", "wren", start_time=at(hours=1), mood=shift_of(0.1))
    both = await suite.publish("two", "wren", "otto", start_time=at(hours=1), mood=shift_of(0.1))
    everybody = await suite.publish("three", start_time=at(hours=1), mood=shift_of(0.1))
    over = await suite.cancel(mine.id)

    async def listed(**wanted: Any) -> list[pb.Event]:
        return list((await suite.events.ListEvents(pb.ListEventsRequest(**wanted))).events)

    assert await listed() == [everybody, both, over]
    assert await listed(agent_ids=["otto"]) == [everybody, both]
    assert await listed(states=[pb.EVENT_STATE_CANCELLED]) == [over]
    first = await suite.events.ListEvents(pb.ListEventsRequest(page_size=2))
    second = await suite.events.ListEvents(pb.ListEventsRequest(page_size=2, page_token=first.next_page_token))
    assert [*first.events, *second.events] == [everybody, both, over]
    assert list(both.agent_ids) == ["otto", "wren"]


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (pb.Event(), {"event.content"}),
        (pb.Event(news=pb.News()), {"event.news.text"}),
        (pb.Event(news=pb.News(text="x", mood=pb.MoodChange(valence=1))), {"event.news.mood"}),
        (pb.Event(news=pb.News(text="x", post_probability=2)), {"event.news.post_probability"}),
        (pb.Event(mood=pb.MoodShift()), {"event.mood.change"}),
        (pb.Event(feed=pb.Feed(url="evil")), {"event.feed.url"}),
        (pb.Event(feed=pb.Feed(url="file:///etc/passwd")), {"event.feed.url"}),
        (
            pb.Event(agent_ids=["wren"], interaction=pb.Interaction(counterpart_id="wren")),
            {"event.interaction.counterpart_id"},
        ),
        (
            pb.Event(
                scheduled_post=pb.ScheduledPost(), recurrence=pb.Recurrence(rule="FREQ=SECONDLY", time_zone="Mars/X")
            ),
            {"event.recurrence.rule", "event.recurrence.time_zone"},
        ),
    ],
)
async def test_what_is_no_event_is_refused_by_its_field(suite: Suite, event: pb.Event, fields: set[str]) -> None:
    refused = await reason_of(suite.events.PublishEvent(pb.PublishEventRequest(event=event, request_id="one")))
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", fields)


async def test_an_event_for_nobody_who_is_there_is_refused(suite: Suite) -> None:
    event = pb.Event(agent_ids=["nobody"], mood=shift_of(0.1))
    refused = await reason_of(suite.events.PublishEvent(pb.PublishEventRequest(event=event, request_id="one")))
    assert refused[:2] == (grpc.StatusCode.NOT_FOUND, "AGENT_NOT_FOUND")
    refused = await reason_of(suite.events.GetEvent(pb.GetEventRequest(id="evt_0")))
    assert refused[:2] == (grpc.StatusCode.NOT_FOUND, "EVENT_NOT_FOUND")
