"""Alerts: looks again and again for what a person should look after, and tells of it once, and of its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.agents.domain.alerts import (
    BUDGET_PART,
    CALM,
    TROUBLES,
    AlertKind,
    AlertRecord,
    Condition,
    silent_from,
)
from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import AgentNotFound
from services.agents.domain.notices import NOBODY, alert_notice, is_named, names_of, resolved_notice
from services.agents.domain.persona import Behavior
from services.agents.ports.store import Records, Store
from services.agents.ports.webhooks import Life
from services.agents.service.allowance import calls_of
from services.agents.service.cast import Cast
from services.agents.service.outbox import Outbox

_LOCK = "alerts"
_READ_AT_ONCE = 200
"""So many personas are read in one look: ten thousand characters that have just come keep nobody waiting."""


@dataclass(frozen=True, slots=True)
class _Habits:
    version: tuple[datetime, int]
    behavior: Behavior
    tokens_a_day: int | None


class Alerts:
    """Watches over characters."""

    def __init__(self, store: Store, cast: Cast, outbox: Outbox, calls_for_strangers: int, speed: float) -> None:
        """Take the calls of the model a day for strangers, and how many hours of the characters pass in ours."""
        self._store = store
        self._cast = cast
        self._outbox = outbox
        self._calls = calls_for_strangers
        self._speed = speed
        self._begin = cast.now()
        self._habits: dict[str, _Habits] = {}
        self._spoken: dict[str, datetime] = {}
        self._seen = 0

    async def look(self) -> None:
        """Tell of what is new and of what is over; any number of replicas may do this at once."""
        now = self._cast.now()
        async with self._store.reading() as records:
            lives = await records.lives()
            spoken, self._seen = await records.spoken_after(self._seen)
            known = {alert.key: alert for alert in await records.alerts()}
            found = [*await _hindered(records, now), *await self._strangers(records, lives)]
        self._spoken |= spoken
        await self._learn(lives)
        found += await self._tokens(lives, now)
        found += self._silent(lives, found, known, now)
        current = {condition.key: condition for condition in found}
        if current or known:
            await self._tell(current, now)

    async def forget(self, records: Records, agent: AgentRecord) -> None:
        """Tell that what was told of an agent is over since it is deleted, and take its name from what concerns others.

        Within the transaction that erases the agent.
        """
        now = self._cast.now()
        for alert in await records.alerts():
            if alert.agent_id == agent.id:
                await records.end_alert(alert)
                notice = resolved_notice(alert.kind, alert.cause, alert.names, alert.begin_time, now, is_deleted=True)
                await self._outbox.tell(records, notice)
            elif is_named(agent.name, alert.names):
                troubles = await records.troubles((alert.cause,))
                others = {hindrance.agent_id: name for hindrance, name in troubles if hindrance.agent_id != agent.id}
                alert.names = names_of(tuple(others.items())) or NOBODY
                await records.save(alert)

    async def _tell(self, current: Mapping[tuple[str, AlertKind, str], Condition], now: datetime) -> None:
        async with self._store.writing(_LOCK) as records:
            known = {alert.key: alert for alert in await records.alerts()}
            for key, condition in current.items():
                alert = known.get(key)
                if alert is None:
                    await self._open(records, condition, now)
                elif alert.gone_time is not None:
                    alert.gone_time = None
                    await records.save(alert)
            for key, alert in known.items():
                if key not in current:
                    await self._close(records, alert, now)
            await records.commit()

    async def _open(self, records: Records, condition: Condition, now: datetime) -> None:
        agent_id, kind, cause = condition.key
        names = names_of(condition.agents)
        await records.save(AlertRecord(agent_id=agent_id, kind=kind, cause=cause, names=names, begin_time=now))
        await self._outbox.tell(records, alert_notice(kind, cause, condition.agents, condition.words, now))

    async def _close(self, records: Records, alert: AlertRecord, now: datetime) -> None:
        if alert.gone_time is None:
            alert.gone_time = now
            await records.save(alert)
        elif now - alert.gone_time >= CALM:
            await records.end_alert(alert)
            notice = resolved_notice(alert.kind, alert.cause, alert.names, alert.begin_time, alert.gone_time)
            await self._outbox.tell(records, notice)

    async def _learn(self, lives: list[Life]) -> None:
        """Read the personas that are new, some of them at a time."""
        there = {life.agent_id for life in lives}
        for gone in self._habits.keys() - there:
            del self._habits[gone]
        new = [life for life in lives if self._version(life.agent_id) != life.version]
        for life in new[:_READ_AT_ONCE]:
            try:
                persona = (await self._cast.character(life.agent_id)).persona
            except AgentNotFound:
                continue
            tokens = persona.budget.llm_tokens_per_day
            self._habits[life.agent_id] = _Habits(life.version, persona.behavior, tokens)

    def _version(self, agent_id: str) -> tuple[datetime, int] | None:
        habits = self._habits.get(agent_id)
        return habits.version if habits else None

    async def _strangers(self, records: Records, lives: list[Life]) -> list[Condition]:
        counts = await records.counts_of(calls_of(self._cast.day()), max(1, int(self._calls * BUDGET_PART)))
        return [
            _budget(life, "MODEL_CALLS_FOR_STRANGERS", counts[life.agent_id], self._calls)
            for life in lives
            if self._calls and life.agent_id in counts
        ]

    async def _tokens(self, lives: list[Life], now: datetime) -> list[Condition]:
        budgets = {agent_id: habits.tokens_a_day for agent_id, habits in self._habits.items() if habits.tokens_a_day}
        if not budgets:
            return []
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._store.reading() as records:
            spent = await records.tokens_of(list(budgets), midnight)
        return [
            _budget(life, "LLM_TOKENS", spent[life.agent_id], budget)
            for life in lives
            if (budget := budgets.get(life.agent_id)) and spent.get(life.agent_id, 0) >= BUDGET_PART * budget
        ]

    def _silent(
        self,
        lives: list[Life],
        others: list[Condition],
        known: Mapping[tuple[str, AlertKind, str], AlertRecord],
        now: datetime,
    ) -> list[Condition]:
        """Return who is silent, and for no reason that is told of already."""
        explained = {agent_id for condition in others for agent_id, _ in condition.agents}
        found = []
        for life in lives:
            habits = self._habits.get(life.agent_id)
            if habits is None or life.agent_id in explained:
                continue
            last = self._spoken.get(life.agent_id)
            condition = Condition(
                AlertKind.CHARACTER_SILENT,
                "NO_POST",
                ((life.agent_id, life.name),),
                f"Its last post or proposal was at {last:%Y-%m-%d %H:%M} UTC." if last else "It hasn't posted yet.",
            )
            alert = known.get(condition.key)
            # What was told before this process began isn't over because that is young.
            goes_on = alert is not None and (last is None or last <= alert.begin_time)
            since = max(time for time in (last, life.start_time, self._begin) if time is not None)
            if goes_on or now > silent_from(habits.behavior, since, self._speed):
                found.append(condition)
        return found


async def _hindered(records: Records, now: datetime) -> list[Condition]:
    """Return what keeps characters from something and is told of: one condition for each cause of each, or of all."""
    found: dict[tuple[str, str], Condition] = {}
    for hindrance, name in await records.troubles(TROUBLES):
        trouble = TROUBLES[hindrance.cause]
        if now - hindrance.begin_time < trouble.after:
            continue
        key = ("" if trouble.is_shared else hindrance.agent_id, hindrance.cause)
        before = found.get(key)
        agents = {**dict(before.agents if before else ()), hindrance.agent_id: name}
        words = before.words if before else hindrance.words
        found[key] = Condition(trouble.kind, hindrance.cause, tuple(agents.items()), words, trouble.is_shared)
    return list(found.values())


def _budget(life: Life, cause: str, spent: int, budget: int) -> Condition:
    words = f"{spent:,} of {budget:,} are used up today."
    return Condition(AlertKind.BUDGET_NEARLY_SPENT, cause, ((life.agent_id, life.name),), words)
