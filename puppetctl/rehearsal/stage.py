"""Runs one rehearsal: the production services, in a folder of their own, against the sandbox."""

import asyncio
import math
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import le

import grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppetctl import web
from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import Character, provision
from puppetctl.clients import Clients, cursor_before, in_words, watch
from puppetctl.local.processes import Child, is_healthy
from puppetctl.local.stopping import unless
from puppetctl.rehearsal.company import ENCOUNTERS_A_DAY, STRANGERS_A_DAY, company, speak
from puppetctl.rehearsal.hosting import Host, hosted
from puppetctl.rehearsal.isolation import LOCAL, rehearsed
from puppetctl.rehearsal.own_clock import BEGINNING, OwnClock, Stretch, aligned
from puppetctl.rehearsal.pace import Lateness, followed, measured, timed_post
from puppetctl.rehearsal.plan import Plan, Progress
from puppetctl.rehearsal.recording import Life, Recording, recorded, relationships
from puppetctl.suite import SuiteError
from services.agents.domain.persona import read_kept
from services.runtime.waiting import poll

_TICK_SECONDS = 0.25
_RESTART_SECONDS = 60.0
_NEARLY = 0.95


async def rehearse(
    plan: Plan, environment: Mapping[str, str], stopped: asyncio.Event, progress: Progress
) -> Recording | None:
    """Run a rehearsal until it is over, or stopped; None when it was stopped before it had begun. Raises SuiteError."""
    stage = _Stage(plan, progress)
    async with hosted(plan, environment, progress, stage.tell) as host:
        return await stage.run(host, stopped)


class _Stage:
    _host: Host

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan = plan
        self._days = plan.days or 0.0
        self._progress = progress
        self._stretches: list[Stretch] = []
        self._posts: Counter[str] = Counter()
        self._restarting = asyncio.Lock()
        self._told_days = 0
        self._met: dict[str, str] = {}

    def tell(self, program: str, words: str) -> None:
        """Tell what became of a program, unless that is meant."""
        if not self._restarting.locked():
            self._progress(f"{program} {words}")

    async def run(self, host: Host, stopped: asyncio.Event) -> Recording | None:
        self._host, clients = host, host.clients
        lives: list[Life] = []
        await unless(stopped, self._prepare(clients, lives), None)
        if stopped.is_set():
            return None
        await unless(stopped, self._live(clients, lives), None)
        end, ending = datetime.now(UTC), "it was stopped" if stopped.is_set() else ""
        clock = self._clock
        self._progress("reading what became of them")
        records = [await recorded(clients, life, clock.begin, end) for life in lives[: len(self._plan.personas)]]
        return Recording(
            title=self._plan.title,
            lives=records,
            clock=clock,
            end=end,
            asked_speed=self._plan.speed,
            asked_days=self._days,
            seed=self._plan.seed,
            provider=self._plan.provider,
            neighbours=[life.name for life in lives[len(self._plan.personas) :]],
            names={life.agent_id: life.name for life in lives} | self._met,
            ending=ending,
        )

    async def _prepare(self, clients: Clients, lives: list[Life]) -> None:
        """Make the characters, and begin at the speed that can be followed; `lives` gets who is there."""
        await self._host.ready()
        files = [rehearsed(file, self._plan.provider) for file in self._plan.personas]
        files += [rehearsed(file, LOCAL) for file in self._plan.neighbours]
        provisioned = await provision(clients, files, self._host.sandboxes)
        if provisioned.refused:
            raise SuiteError("\n".join(provisioned.refused))
        self._progress("measuring how fast the model writes")
        ids = [one.id for one in provisioned.characters]
        self._found = await measured(clients, ids)
        for agent_id in ids:
            await clients.agents.StopAgent(agents_pb.StopAgentRequest(id=agent_id))
        for file, one in zip(files, provisioned.characters, strict=True):
            lives.append(await _begun(clients, one, file))
        spoken_to = STRANGERS_A_DAY + (ENCOUNTERS_A_DAY if self._plan.neighbours else 0.0)
        behaviors = [life.behavior for life in lives]
        speed = followed(self._found, behaviors, spoken_to * len(self._plan.personas), self._plan.speed)
        self._progress(f"a post takes {self._found.seconds:.1f} s of this machine: {self._told_speed(speed)}")
        await self._begin(clients, ids, speed)

    async def _begin(self, clients: Clients, agent_ids: Sequence[str], speed: float) -> None:
        """Start the agents service with this speed, and the characters when their clock shows the beginning."""
        starting = (self._host.children["agents"].healthy_after or 0.0) + self._found.warming_seconds
        begin = datetime.now(UTC) + timedelta(seconds=starting)
        speed = aligned(speed, begin, BEGINNING)
        await self._restart(speed)
        first, *others = agent_ids
        await clients.agents.StartAgent(agents_pb.StartAgentRequest(id=first))
        await timed_post(clients, first)
        await asyncio.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
        for agent_id in others:
            await clients.agents.StartAgent(agents_pb.StartAgentRequest(id=agent_id))
        self._stretches.append(Stretch(datetime.now(UTC), speed))
        self._progress("their first day begins")

    async def _live(self, clients: Clients, lives: Sequence[Life]) -> None:
        """Let them live until the days are over, or each has posted often enough."""
        cast = lives[: len(self._plan.personas)]
        lateness = Lateness(self._found, self._clock.begin)
        self._posts = Counter({life.agent_id: 0 for life in cast})
        tasks = [
            asyncio.create_task(self._follow(clients, await cursor_before(clients, self._clock.begin), lateness)),
            asyncio.create_task(self._visit(clients, cast, lives[len(cast) :])),
        ]
        try:
            while not self._is_over():
                await asyncio.wait(tasks, timeout=_TICK_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
                for task in tasks:
                    if task.done():
                        task.result()
                self._tell_day()
                if speed := lateness.better(self._stretches[-1].speed, self._plan.speed):
                    await self._change(speed)
                    lateness.begin(self._stretches[-1].begin)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _clock(self) -> OwnClock:
        return OwnClock(tuple(self._stretches))

    def _is_over(self) -> bool:
        lived, wanted = self._clock.lived(datetime.now(UTC)), self._plan.posts
        return lived >= timedelta(days=self._days) or (
            wanted is not None and all(count >= wanted for count in self._posts.values())
        )

    def _tell_day(self) -> None:
        days = self._clock.lived(datetime.now(UTC)).days
        if days > self._told_days:
            self._told_days = days
            self._progress(f"day {days} is over: {self._posts.total()} posts so far")

    async def _follow(self, clients: Clients, cursor: str, lateness: Lateness) -> None:
        async for activity in watch(clients, cursor):
            if activity.kind == log_pb.ACTIVITY_KIND_POST:
                lateness.add(activity)
                if activity.agent_id in self._posts:
                    self._posts[activity.agent_id] += 1

    async def _visit(self, clients: Clients, cast: Sequence[Life], neighbours: Sequence[Life]) -> None:
        handles = {life.agent_id: life.handle for life in cast if life.handle}
        ids = [life.agent_id for life in neighbours]
        token = self._host.x_token
        for what in company(self._plan.seed, handles, ids, self._days, STRANGERS_A_DAY):
            # Looked at again and again: the speed may change meanwhile.
            await poll(self._lived, partial(le, what.after), timeout_seconds=math.inf, poll_seconds=_TICK_SECONDS)
            async with self._restarting:
                try:
                    if met := await speak(clients, self._host.x, token, what):
                        counterpart, self._met[counterpart] = met
                except (grpc.aio.AioRpcError, web.WebError) as error:
                    # One who isn't heard is no reason to end it.
                    words = in_words(error) if isinstance(error, grpc.aio.AioRpcError) else str(error)
                    self._progress(f"somebody wasn't heard: {words}")

    async def _change(self, speed: float) -> None:
        """Go on at this speed, where the characters' clock has stopped."""
        why = "they fall behind" if speed < self._stretches[-1].speed else "the model can do more"
        self._progress(f"{why}: {self._told_speed(speed)}")
        now = datetime.now(UTC)
        shown = self._clock.at(now)
        self._stretches[-1] = replace(self._stretches[-1], end=now)
        speed = aligned(speed, now + timedelta(seconds=self._host.children["agents"].healthy_after or 0.0), shown)
        await self._restart(speed)
        self._stretches.append(Stretch(datetime.now(UTC), speed))

    async def _lived(self) -> timedelta:
        return self._clock.lived(datetime.now(UTC))

    async def _restart(self, speed: float) -> None:
        """Start the agents service anew with a speed."""
        child = self._host.children["agents"]
        async with self._restarting:
            await _restarted(child, {**child.program.environment, "PUPPET_AGENTS_SPEED": repr(speed)})

    def _told_speed(self, speed: float) -> str:
        asked = self._plan.speed
        told = f"time runs {speed:,.0f} times as fast" + (f", not {asked:,.0f}" if speed < _NEARLY * asked else "")
        if self._plan.posts is not None:
            return told
        left = timedelta(days=self._days) - self._clock.lived(datetime.now(UTC))
        return f"{told}, so it takes {left.total_seconds() / speed / 60:.1f} minutes more"


async def _begun(clients: Clients, one: Character, file: PersonaFile) -> Life:
    before, behavior = await relationships(clients, one.id), read_kept(file.persona).behavior
    return Life(one.id, one.name, one.handle, behavior, before=before, notices=one.notices, persona=file.persona)


async def _restarted(child: Child, environment: Mapping[str, str]) -> None:
    """End a program, and return when the next one, with this environment, is healthy. Raises SuiteError."""
    old = child.pid
    child.program = replace(child.program, environment=environment)
    child.send(signal.SIGTERM)

    async def is_back() -> bool:
        program = child.program
        return child.pid not in (0, old) and await is_healthy(program.address, program.health)

    if not await poll(is_back, bool, timeout_seconds=_RESTART_SECONDS, poll_seconds=_TICK_SECONDS):
        raise SuiteError(f"{child.program.name} was not healthy again after {_RESTART_SECONDS:.0f} s")
