"""Asks characters for posts, one after the other: what they would say, without a day that has to be lived."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import Character, provision
from puppetctl.clients import Clients, in_words
from puppetctl.local.stopping import unless
from puppetctl.rehearsal.hosting import Host, hosted
from puppetctl.rehearsal.isolation import rehearsed
from puppetctl.rehearsal.own_clock import OwnClock, Stretch
from puppetctl.rehearsal.plan import Plan, Progress
from puppetctl.rehearsal.recording import Life, Recording, recorded
from puppetctl.suite import SuiteError
from services.agents.domain.persona import read_kept

POST_SECONDS = 180.0
_ROUNDS_A_POST = 2
"""So often is asked for each post that is wanted, before it is enough."""
_FAILURES = 3
_TOLD_EVERY = 10


@dataclass(slots=True)
class Rounds:
    """What asking came to."""

    posts: int = 0
    asked: int = 0
    seconds: float = 0.0
    """Of ours, in which it was waited for."""
    failures: int = 0
    """One after the other, the last ones."""


async def ask(
    plan: Plan, environment: Mapping[str, str], stopped: asyncio.Event, progress: Progress
) -> Recording | None:
    """Ask until each has posted so often, or twice as often in vain; None when it was stopped before it had begun.

    Raises SuiteError.
    """
    asked: dict[str, Rounds] = {}
    async with hosted(plan, environment, progress, lambda program, words: progress(f"{program} {words}")) as host:
        made: list[Character] = []
        await unless(stopped, _prepare(host, plan, made), None)
        if stopped.is_set():
            return None
        begin = datetime.now(UTC)
        await unless(stopped, _ask_all(host.clients, plan, made, asked, progress), None)
        end = datetime.now(UTC)
        progress("reading what they said")
        lives = [
            await recorded(host.clients, _life(file, one, asked.get(one.id, Rounds())), begin, end)
            for file, one in zip(plan.personas, made, strict=False)
        ]
    return Recording(
        title=plan.title,
        lives=lives,
        clock=OwnClock((Stretch(begin, host.speed),)),
        end=end,
        asked_speed=host.speed,
        asked_days=0.0,
        seed=plan.seed,
        provider=plan.provider,
        names={one.id: one.name for one in made},
        ending=_ending(plan, made, asked, stopped),
        is_asked=True,
    )


async def characters(host: Host, files: Sequence[PersonaFile], provider: str) -> list[Character]:
    """Make characters of these files, in their order, written for by this provider. Raises SuiteError."""
    provisioned = await provision(host.clients, [rehearsed(file, provider) for file in files], host.sandboxes)
    if provisioned.refused:
        raise SuiteError("\n".join(provisioned.refused))
    return provisioned.characters


async def post(clients: Clients, agent_id: str, request_id: str, rounds: Rounds) -> log_pb.Activity:
    """Ask for a post, and return what came of it. Raises SuiteError when nothing can come of it."""
    begun = time.monotonic()
    request = pb.TriggerPostRequest(agent_id=agent_id, request_id=request_id)
    try:
        answer = await clients.agents.TriggerPost(request, timeout=POST_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise SuiteError(f"{agent_id} can't post: {in_words(error)}") from None
    if not answer.HasField("activity"):
        raise SuiteError(f"{agent_id} had not posted after {POST_SECONDS:.0f} s: the model is too slow")
    rounds.asked += 1
    rounds.seconds += time.monotonic() - begun
    rounds.posts += answer.activity.kind == log_pb.ACTIVITY_KIND_POST
    rounds.failures = rounds.failures + 1 if answer.activity.HasField("failure") else 0
    return answer.activity


async def _prepare(host: Host, plan: Plan, made: list[Character]) -> None:
    await host.ready()
    # Neighbours are there to be spoken to.
    made += await characters(host, [*plan.personas, *plan.neighbours], plan.provider)


async def _ask_all(
    clients: Clients, plan: Plan, made: Sequence[Character], asked: dict[str, Rounds], progress: Progress
) -> None:
    wanted = plan.posts or 1
    # One character after the other: a local model has the prompt in its cache then, and reads its last line alone.
    for one in made[: len(plan.personas)]:
        rounds = asked[one.id] = Rounds()
        while rounds.posts < wanted and rounds.asked < _ROUNDS_A_POST * wanted and rounds.failures < _FAILURES:
            await post(clients, one.id, f"rehearsal-{plan.seed}-{one.id}-{rounds.asked}", rounds)
            if rounds.asked % _TOLD_EVERY == 0 or rounds.posts == wanted:
                progress(f"{one.name}: {rounds.posts} posts, asked {rounds.asked} times")


def _life(file: PersonaFile, one: Character, rounds: Rounds) -> Life:
    behavior = read_kept(file.persona).behavior
    return Life(
        agent_id=one.id,
        name=one.name,
        handle=one.handle,
        behavior=behavior,
        notices=one.notices,
        persona=file.persona,
        rounds=rounds.asked,
        seconds=rounds.seconds,
    )


def _ending(plan: Plan, made: Sequence[Character], asked: Mapping[str, Rounds], stopped: asyncio.Event) -> str:
    """Return why it ended before its time, in words; empty when it didn't."""
    if stopped.is_set():
        return "it was stopped"
    failing = [one.name for one in made if (rounds := asked.get(one.id)) and rounds.failures >= _FAILURES]
    if failing:
        return f"{_FAILURES} posts of {', '.join(failing)} failed one after the other"
    short = [one.name for one in made if (rounds := asked.get(one.id)) and rounds.posts < (plan.posts or 1)]
    return f"{', '.join(short)} kept silent too often" if short else ""
