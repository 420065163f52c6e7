"""Creating agents: one, or a batch of which all are there in the end, or none."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.agents.domain.entities import AgentRecord, MoodRecord, ScheduleEntry
from services.agents.domain.errors import AgentExists, AgentNotFound
from services.agents.domain.mood import baseline
from services.agents.domain.persona import Persona, read_persona, redact, secrets_of
from services.agents.domain.records import Lifecycle, LifecycleChange, Trigger
from services.agents.domain.schedule import CROWDED, first_due, spread_of
from services.agents.domain.versions import PersonaVersion
from services.agents.ports.neighbours import Account, WalletKey
from services.agents.ports.store import Records, Store
from services.agents.service.abilities import Abilities
from services.agents.service.chances import put_chances
from services.agents.service.journal import TURN, Entry, Journal
from services.agents.service.provisioning import Provisioning
from services.runtime.clock import Clock
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id

_AT_ONCE = 16
"""How many agents of a batch are equipped at the same time."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """An agent that is to be, and where its request stands within the caller's: empty, or `requests[3].`."""

    place: str
    raw: Mapping[str, Any]
    persona: Persona


@dataclass(frozen=True, slots=True)
class _Equipment:
    """What an agent has at the other services."""

    account: Account | None
    wallet: WalletKey | None


class Creation:
    """Creates agents. They come last, in one transaction, so that repeating a creation that failed completes it."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        provisioning: Provisioning,
        abilities: Abilities,
        clock: Clock,
        speed: float,
    ) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._journal = journal
        self._provisioning = provisioning
        self._abilities = abilities
        self._clock = clock
        self._speed = speed

    async def create(
        self, raws: Sequence[Mapping[str, Any]], key: RequestKey, principal: str, *, is_batch: bool = True
    ) -> list[AgentRecord]:
        """Create agents for whoever is `principal`, and return them in the order of their personas.

        Raises InvalidRequest with the violations of all, each by its place in the batch, AgentExists and
        DependencyUnavailable.
        """
        places = [f"requests[{at}]." if is_batch else "" for at in range(len(raws))]
        # A persona takes a millisecond.
        drafts = await asyncio.to_thread(_read, raws, places)
        _check_ids(drafts)
        await _each(drafts, lambda draft: self._provisioning.check(draft.persona))
        async with self._store.reading() as records:
            if await records.claimed(key) is not None:
                return await _made(records, drafts)
            await _check_new(records, drafts)
            spread = spread_of(await records.planned_until(self._clock.now() + CROWDED))
        equipped = await _each(drafts, self._equip)
        await self._provisioning.introduce([draft.persona for draft in drafts], places)
        now = self._clock.now()
        rows = await asyncio.to_thread(
            lambda: [
                self._rows(draft, one, principal, now, spread) for draft, one in zip(drafts, equipped, strict=True)
            ]
        )
        agents = [agent for agent, _ in rows]
        async with self._store.writing(TURN) as records:
            if await records.claim(key, _names(drafts)) is not None:
                return await _made(records, drafts)
            await _check_new(records, drafts)
            await records.add_all([row for agent, others in rows for row in (agent, *others)])
            for draft in drafts:
                if (behavior := draft.persona.behavior).random_events:
                    await put_chances(records, draft.persona.id, behavior, now, self._speed)
            await records.commit()
        self._journal.announce()
        return agents

    async def _equip(self, draft: _Draft) -> _Equipment:
        persona = draft.persona
        account = await self._provisioning.account(persona, draft.raw, has_one=False)
        wallet = await self._provisioning.wallet(persona, secrets_of(draft.raw))
        await self._provisioning.budget(persona)
        await self._provisioning.memories(persona.id, persona.memory)
        return _Equipment(account, wallet)

    def _rows(
        self, draft: _Draft, equipment: _Equipment, principal: str, now: datetime, spread: timedelta
    ) -> tuple[AgentRecord, list[Any]]:
        """Return an agent, and all that is stored beside it."""
        persona, account, wallet = draft.persona, equipment.account, equipment.wallet
        mood = baseline(persona.personality.default_mood)
        agent = AgentRecord(
            id=persona.id,
            name=persona.name,
            description=persona.description,
            is_active=False,
            persona=redact(draft.raw),
            account_id=account.id if account else "",
            handle=account.handle if account else "",
            handle_time=account.handle_time if account else None,
            network_user_id=account.user_id if account else "",
            wallet_id=wallet.id if wallet else "",
            valence=mood.valence,
            arousal=mood.arousal,
            dominance=mood.dominance,
            mood_time=now,
            create_time=now,
            update_time=now,
        )
        rows: list[Any] = [
            MoodRecord.of(agent.id, mood, (LifecycleChange.CREATED,), now),
            self._told(agent, LifecycleChange.CREATED),
        ]
        if persona.is_active:
            agent.start(now)
            rows += [self._told(agent, LifecycleChange.STARTED), *self._schedule(agent, persona, now, spread)]
        rows.append(PersonaVersion.of(agent, [], principal, now))
        return agent, rows

    def _told(self, agent: AgentRecord, change: LifecycleChange) -> Any:
        return self._journal.activity(
            agent, new_id("lifecycle"), "end", Entry(Lifecycle(change), trigger=Trigger.REQUEST)
        )

    def _schedule(
        self, agent: AgentRecord, persona: Persona, now: datetime, spread: timedelta
    ) -> Iterator[ScheduleEntry]:
        rng = random.Random(f"{agent.id}/{now.isoformat()}")
        for kind, pauses in self._abilities.pauses(agent, persona).items():
            due_time = first_due(pauses, persona.behavior, now, self._speed, rng, spread)
            yield ScheduleEntry(agent_id=agent.id, kind=kind, due_time=due_time)


def _read(raws: Sequence[Mapping[str, Any]], places: Sequence[str]) -> list[_Draft]:
    drafts, violations = list[_Draft](), list[Violation]()
    for place, raw in zip(places, raws, strict=True):
        try:
            drafts.append(_Draft(place, raw, read_persona(raw)))
        except InvalidRequest as refused:
            violations += _placed(place, refused)
    if violations:
        raise InvalidRequest(violations)
    return drafts


def _check_ids(drafts: Sequence[_Draft]) -> None:
    first: dict[str, _Draft] = {}
    violations = [
        Violation(f"{draft.place}persona.id", f"is the id of {other.place.removesuffix('.')} too")
        for draft in drafts
        if (other := first.setdefault(draft.persona.id, draft)) is not draft
    ]
    if violations:
        raise InvalidRequest(violations)


def _placed(place: str, refused: InvalidRequest) -> list[Violation]:
    return [Violation(f"{place}{one.field}", one.description) for one in refused.violations]


async def _each(drafts: Sequence[_Draft], does: Callable[[_Draft], Awaitable[Any]]) -> list[Any]:
    """Do something for each, some at once, and tell the violations of all; any other failure ends it."""
    free = asyncio.Semaphore(_AT_ONCE)
    violations: dict[str, list[Violation]] = {}

    async def one(draft: _Draft) -> Any:
        async with free:
            try:
                return await does(draft)
            except InvalidRequest as refused:
                violations[draft.place] = _placed(draft.place, refused)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(draft)) for draft in drafts]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    if violations:
        raise InvalidRequest([told for draft in drafts for told in violations.get(draft.place, ())])
    return [task.result() for task in tasks]


def _names(drafts: Sequence[_Draft]) -> str:
    """Return what a request is claimed with: which agents it makes stands in its body."""
    others = f" +{len(drafts) - 1}" if len(drafts) > 1 else ""
    return f"{drafts[0].persona.id}{others}"


async def _made(records: Records, drafts: Sequence[_Draft]) -> list[AgentRecord]:
    """Return the agents that the same request has made before."""
    ids = [draft.persona.id for draft in drafts]
    there = {agent.id: agent for agent in await records.agents_of(ids)}
    if missing := [agent_id for agent_id in ids if agent_id not in there]:
        raise AgentNotFound(missing[0])
    return [there[agent_id] for agent_id in ids]


async def _check_new(records: Records, drafts: Sequence[_Draft]) -> None:
    """Raise AgentExists for the first one that is there already."""
    there = {agent.id for agent in await records.agents_of([draft.persona.id for draft in drafts])}
    for draft in drafts:
        if draft.persona.id in there:
            raise AgentExists(draft.persona.id)
