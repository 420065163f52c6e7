"""What a persona lets happen to its character by chance: events like others, which recur by draws."""

import hashlib
from datetime import datetime

from services.agents.domain.chances import Chances
from services.agents.domain.events import EventContent, EventPriority, EventRecord, Interaction, MoodShift, News
from services.agents.domain.mood import MoodChange
from services.agents.domain.persona import Behavior, RandomEvent, RandomEventType
from services.agents.ports.store import Records

PERSONA = "persona"
"""The principal of these events."""


async def put_chances(records: Records, agent_id: str, behavior: Behavior, now: datetime, speed: float) -> None:
    """Let happen to an agent what its persona says: what is new is published, and what is gone is cancelled.

    What is there already goes on with its draws. It is done within the transaction that takes the persona in.
    """
    wanted = {_key(agent_id, behavior, one): one for one in behavior.random_events}
    for event in await records.events_of_persona(agent_id):
        if event.persona_key in wanted:
            del wanted[event.persona_key]
        else:
            event.cancel(now)
            await records.save(event)
            await records.unplan_event(event.id)
    for key, one in wanted.items():
        # One that begins again after it was taken out draws what it would have drawn.
        chances = Chances(one.times_per_day, _hours(behavior, one), behavior.time_zone, key)
        event = EventRecord(
            content=_content(one),
            priority=EventPriority.NORMAL,
            start_time=now,
            recurrence=chances,
            next_time=chances.after(now, speed),
            principal=PERSONA,
            persona_key=key,
            create_time=now,
        )
        await records.save(event)
        await records.add_targets(event.id, [agent_id])


def _key(agent_id: str, behavior: Behavior, event: RandomEvent) -> str:
    told = repr((event, _hours(behavior, event), behavior.time_zone))
    return f"{agent_id}/{hashlib.sha256(told.encode()).hexdigest()[:24]}"


def _hours(behavior: Behavior, event: RandomEvent) -> tuple[int, ...]:
    """Return the hours in which it may happen, in none of which the character sleeps."""
    night = behavior.quiet_hours
    given = event.hours or range(24)
    return tuple(hour for hour in sorted(given) if night is None or not night.holds(hour))


def _content(event: RandomEvent) -> EventContent:
    change = MoodChange(*event.push) if event.push else None
    match event.type:
        case RandomEventType.NEWS:
            return News(event.text, is_external=False, post_probability=event.post_probability, mood=change)
        case RandomEventType.MOOD:
            return MoodShift(change or MoodChange(), event.text)
        case RandomEventType.INTERACTION:
            return Interaction(event.counterpart, event.text)
