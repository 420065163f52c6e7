"""Creating, changing, starting and stopping agents."""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.errors import AgentBeingDeleted, AgentExists, AgentNotFound, PersonaVersionNotFound
from services.agents.domain.mood import Mood
from services.agents.domain.persona import Persona, changed_paths, read_kept, read_persona, redact, secrets_of
from services.agents.domain.records import ActivityKind, Lifecycle, LifecycleChange, Trigger
from services.agents.domain.schedule import CROWDED, first_due, in_reach, spread_of
from services.agents.domain.tasks import WithdrawTask
from services.agents.domain.understanding import not_understood
from services.agents.domain.versions import MAX_VERSIONS, PersonaVersion
from services.agents.ports.store import Records, Store
from services.agents.ports.workflows import Workflows
from services.agents.service.abilities import Abilities
from services.agents.service.cast import Cast
from services.agents.service.chances import put_chances
from services.agents.service.creating import Creation
from services.agents.service.journal import TURN, Entry, Journal
from services.agents.service.provisioning import Provisioning
from services.runtime.clock import Clock
from services.runtime.errors import Conflict, InvalidRequest, PuppetError, Violation, quoted
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged


@dataclass(frozen=True, slots=True)
class Status:
    """What an agent is doing, and how much it has done."""

    agent: AgentRecord
    mood: Mood
    schedule: list[ScheduleEntry]
    counts: Mapping[ActivityKind, int]
    lacks_provider: bool
    """True when its persona names a provider that the llm service doesn't have."""
    not_understood: Mapping[str, str]
    """The fields of its persona that have no effect, or less than one would think, by path; and that in words."""
    now: datetime


class Agents:
    """The use cases of AgentService."""

    def __init__(
        self,
        store: Store,
        cast: Cast,
        journal: Journal,
        provisioning: Provisioning,
        creation: Creation,
        abilities: Abilities,
        workflows: Workflows,
        clock: Clock,
        speed: float,
    ) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._cast = cast
        self._journal = journal
        self._provisioning = provisioning
        self._creation = creation
        self._abilities = abilities
        self._workflows = workflows
        self._clock = clock
        self._speed = speed

    async def create(self, raw: Mapping[str, Any], key: RequestKey, principal: str) -> AgentRecord:
        """Create an agent for whoever is `principal`; repeating a failed creation completes it.

        Raises InvalidRequest, AgentExists and DependencyUnavailable.
        """
        [agent] = await self._creation.create([raw], key, principal, is_batch=False)
        return agent

    async def create_all(self, raws: Sequence[Mapping[str, Any]], key: RequestKey, principal: str) -> list[AgentRecord]:
        """Create a batch of agents, all or none, as `create` does; violations are named by their places in it."""
        return await self._creation.create(raws, key, principal)

    async def get(self, agent_id: str) -> AgentRecord:
        """Return one agent. Raises AgentNotFound."""
        async with self._store.reading() as records:
            return await existing(records, agent_id)

    async def page(self, page: Page) -> Paged[AgentRecord]:
        """Return a page of agents, in the order of their ids."""
        async with self._store.reading() as records:
            return await records.agents(page)

    async def update(
        self,
        agent_id: str,
        raw: Mapping[str, Any],
        etag: str,
        key: RequestKey,
        principal: str,
        *,
        allow_missing: bool = False,
    ) -> AgentRecord:
        """Give an agent another persona, and what is new in its memories; secrets that are redacted stay as they are.

        With `allow_missing` one that isn't there is created. Raises InvalidRequest, AgentNotFound, Conflict and
        DependencyUnavailable.
        """
        persona = read_persona(raw)
        if persona.id != agent_id:
            raise InvalidRequest([Violation("agent.persona.id", f"must be {quoted(agent_id)}, which can't be changed")])
        if allow_missing and not etag and not await self._is_there(agent_id):
            # Somebody else may be as fast.
            with contextlib.suppress(AgentExists):
                return await self.create(raw, key, principal)
        return await self._become(persona, raw, etag, key, principal, adds_memories=True)

    async def versions(self, agent_id: str, page: Page) -> Paged[PersonaVersion]:
        """Return a page of the versions of an agent's persona, newest first. Raises AgentNotFound."""
        async with self._store.reading() as records:
            await existing(records, agent_id)
            return await records.persona_versions(agent_id, page)

    async def roll_back(self, agent_id: str, number: int, etag: str, key: RequestKey, principal: str) -> AgentRecord:
        """Give an agent the persona of an earlier version, whatever has become a rule since.

        Raises InvalidRequest, AgentNotFound, PersonaVersionNotFound, Conflict and DependencyUnavailable.
        """
        async with self._store.reading() as records:
            await existing(records, agent_id)
            version = await records.persona_version(agent_id, number)
        if version is None:
            raise PersonaVersionNotFound(agent_id, number)
        # What it is born with became memories when that version came.
        return await self._become(
            read_kept(version.persona), version.persona, etag, key, principal, adds_memories=False
        )

    async def _become(
        self,
        persona: Persona,
        raw: Mapping[str, Any],
        etag: str,
        key: RequestKey,
        principal: str,
        *,
        adds_memories: bool,
    ) -> AgentRecord:
        await self._provisioning.check(persona)
        async with self._store.writing() as records:
            agent = await living(records, persona.id)
            if await records.claim(key, persona.id) is not None:
                return agent
            if etag and etag != agent.etag:
                raise Conflict(f"agent {persona.id!r} has changed since", etag=agent.etag)
        account = await self._provisioning.account(persona, raw, has_one=bool(agent.account_id))
        wallet = await self._provisioning.wallet(persona, secrets_of(raw))
        await self._provisioning.budget(persona, self._cast.persona(agent).budget)
        if adds_memories:
            held = self._cast.persona(agent).memory
            await self._provisioning.memories(persona.id, persona.memory, held)
            await self._provisioning.introduce_more(persona, held)
        now = self._clock.now()
        async with self._store.writing(TURN) as records:
            agent = await living(records, persona.id)
            if await records.claim(key, persona.id) is not None:
                return agent
            before = agent.persona
            agent.become(persona.name, persona.description, redact(raw), etag, now)
            if account is None:
                agent.move_to("", "")
            else:
                agent.move_to(account.id, account.user_id)
                agent.be_called(account.handle, account.handle_time)
            agent.wallet_id = wallet.id if wallet else agent.wallet_id
            await records.save(agent)
            if agent.persona != before:
                await _keep_version(records, agent, before, principal, now)
            await put_chances(records, agent.id, persona.behavior, now, self._speed)
            if agent.is_active:
                await self._plan(records, agent, persona, now)
            await records.commit()
        return agent

    async def start(self, agent_id: str, key: RequestKey) -> AgentRecord:
        """Start an agent's schedule. Raises AgentNotFound and AgentBeingDeleted."""
        async with self._store.writing(TURN) as records:
            agent = await living(records, agent_id)
            if await records.claim(key, agent_id) is None:
                if not agent.is_active:
                    await self._start(records, agent, self._cast.persona(agent), self._clock.now())
                await records.commit()
        self._journal.announce()
        return agent

    async def stop(self, agent_id: str, key: RequestKey) -> AgentRecord:
        """Stop an agent's schedule, and take back what is held back of its posts. Raises AgentNotFound."""
        async with self._store.writing(TURN) as records:
            agent = await existing(records, agent_id)
            if await records.claim(key, agent_id) is None:
                if agent.is_active:
                    agent.stop(self._clock.now())
                    await records.save(agent)
                    await records.put_schedule(agent_id, {})
                    await records.unplan_events(agent_id)
                    await self._log(records, agent, LifecycleChange.STOPPED)
                await records.commit()
        self._journal.announce()
        if not agent.is_active:
            name = key.digest if key.request_id else new_id("stop")
            await self._workflows.start(f"withdraw/{agent_id}/{name}", WithdrawTask(agent_id))
        return agent

    async def status(self, agent_id: str) -> Status:
        """Say what an agent is doing. Raises AgentNotFound."""
        now = self._clock.now()
        async with self._store.reading() as records:
            agent = await existing(records, agent_id)
            schedule, counts = await records.schedule(agent_id), await records.counts(agent_id)
        persona = self._cast.persona(agent)
        mood = self._cast.mood(agent, persona, now)
        # What a character does is told also while nobody knows which providers there are.
        lacks_provider = False
        with contextlib.suppress(PuppetError):
            lacks_provider = await self._provisioning.lacks_provider(persona)
        # The first time it reads its dictionaries, for some seconds.
        unread = await asyncio.to_thread(lambda: dict(not_understood(persona)))
        return Status(agent, mood, schedule, counts, lacks_provider, unread, now)

    async def _is_there(self, agent_id: str) -> bool:
        async with self._store.reading() as records:
            return await records.agent(agent_id) is not None

    async def _start(self, records: Records, agent: AgentRecord, persona: Persona, now: datetime) -> None:
        agent.start(now)
        await records.save(agent)
        await self._plan(records, agent, persona, now)
        await self._log(records, agent, LifecycleChange.STARTED)

    async def _plan(self, records: Records, agent: AgentRecord, persona: Persona, now: datetime) -> None:
        """Make the schedule fit the agent; what is on it already keeps its time where its pauses allow it."""
        entries = await records.schedule(agent.id)
        planned = {entry.kind: entry.due_time for entry in entries if not entry.key}
        spread = spread_of(await records.planned_until(now + CROWDED))
        rng = random.Random(f"{agent.id}/{now.isoformat()}")
        due = {
            kind: in_reach(pauses, planned[kind], persona.behavior, now, self._speed, rng)
            if kind in planned
            else first_due(pauses, persona.behavior, now, self._speed, rng, spread)
            for kind, pauses in self._abilities.pauses(agent, persona).items()
        }
        await records.put_schedule(agent.id, due)

    async def _log(self, records: Records, agent: AgentRecord, change: LifecycleChange) -> None:
        entry = Entry(Lifecycle(change), trigger=Trigger.REQUEST)
        await self._journal.add(records, agent, new_id("lifecycle"), "end", entry)


async def existing(records: Records, agent_id: str) -> AgentRecord:
    """Return an agent. Raises AgentNotFound."""
    if agent := await records.agent(agent_id):
        return agent
    raise AgentNotFound(agent_id)


async def living(records: Records, agent_id: str) -> AgentRecord:
    """Return an agent that may be changed. Raises AgentNotFound and AgentBeingDeleted."""
    agent = await existing(records, agent_id)
    if agent.delete_time is not None:
        raise AgentBeingDeleted(agent_id)
    return agent


async def _keep_version(
    records: Records, agent: AgentRecord, before: Mapping[str, Any], principal: str, now: datetime
) -> None:
    """Keep the persona that an agent has now; the oldest of too many goes."""
    await records.save(PersonaVersion.of(agent, changed_paths(before, agent.persona), principal, now))
    await records.forget_persona_versions(agent.id, agent.persona_version - MAX_VERSIONS)
