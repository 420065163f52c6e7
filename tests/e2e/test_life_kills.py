"""`kill -9` of all services while characters live: everything happens once, and nothing is lost."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.suite import SERVICES
from services.agents.settings import AgentsSettings
from tests.e2e.lives import SPEED, Lives
from tests.e2e.lives_audit import Auditor, Books, assert_all_is_well
from tests.e2e.lives_person import People, persistent

# Each wait has a limit of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]

log = logging.getLogger(__name__)

_KILLS = {"sqlite": 3, "postgres": 4}
_LONG_DAYS = 2.0
_CHARACTERS = {False: 6, True: 20}
_REPLICAS = {"sqlite": 1, "postgres": 3}
_END_SECONDS = 600.0


@pytest.mark.parametrize("database", _KILLS)
async def test_characters_live_on_however_often_the_services_are_killed(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    asked: int | None = request.config.getoption("--kills")
    kills = asked or _KILLS[database]
    seed: int = request.config.getoption("--kills-seed") or random.randrange(1, 2**32)
    urls: dict[str, str] = {}
    if database == "postgres":
        new_database: Callable[[str], str] = request.getfixturevalue("postgres_server")
        urls = {name: new_database(name) for name in SERVICES}
    dbos_url = AgentsSettings(data_dir=tmp_path, database_url=urls.get("agents", "")).dbos_url()
    lives = Lives(tmp_path, urls, _REPLICAS[database])
    trial = _Trial(lives, random.Random(seed), dbos_url)
    repeat = f"--kills {kills} --kills-seed {seed} repeats these choices, though not their timing"
    log.info("%s: %s", database, repeat)
    try:
        async with lives.running(_CHARACTERS[asked is not None]):
            await trial.run(kills, _LONG_DAYS if asked else 0)
    except BaseException as error:
        error.add_note(f"{repeat}\n" + "\n".join(lives.told[-30:]))
        raise


class _Trial:
    """Lives that go on while everything is killed again and again."""

    def __init__(self, lives: Lives, chance: random.Random, dbos_url: str) -> None:
        self._lives, self._chance, self._auditor = lives, chance, Auditor(lives, dbos_url)
        self._people = People(lives, chance)
        self._done: Counter[str] = Counter()

    async def run(self, kills: int, days: float) -> None:
        """Kill so many times, live at least so many of the characters' days, and compare the books."""
        begin = time.monotonic()
        async with self._people.about():
            for number in range(1, kills + 1):
                victim = await self._kill_once(number)
                self._done[f"kills of {victim}"] += 1
                log.info("kill %d of %d: %s after %.0f s", number, kills, victim, time.monotonic() - begin)
            await self._lives.are_healthy()
            await asyncio.sleep(days * 86_400 / SPEED - (time.monotonic() - begin))
        self._done["virtual hours"] = round((time.monotonic() - begin) * SPEED / 3600)
        # They live on and mention each other meanwhile: what is said from now on needn't be answered before they stop.
        mentions = (await persistent(self._auditor.read)).mentions()
        books = await self._until_done(lambda books: not (books.unanswered(mentions) or books.undone()), mentions)
        await self._apply(books)
        await self._stop(books)
        books = await self._until_done(lambda books: not (books.unfinished() or books.unsettled()), mentions)
        self._done += assert_all_is_well(books, self._people, mentions)
        self._done["adoptions"] = len(self._lives.logged("the work of replicas that are gone is taken up"))
        self._done["replicas taken for dead"] = len(self._lives.logged("this replica was taken for dead"))
        log.info("%s", "\n".join(["in all:", *(f"{count:8} {what}" for what, count in sorted(self._done.items()))]))

    async def _kill_once(self, number: int) -> str:
        victims = self._lives.victims
        victim = victims[number % len(victims)] if self._chance.random() < 0.5 else self._chance.choice(victims)
        if number == 1 or self._chance.random() < 0.3:
            await self._lives.are_healthy()
            await self._somebody_does()
        await asyncio.sleep(self._chance.uniform(0, self._chance.choice([0.3, 1.5, 5])))
        self._lives.kill(victim)
        return victim

    async def _somebody_does(self) -> None:
        """Wait until something is logged, so that each kill hits another part of the lives."""
        async with self._lives.clients() as clients, asyncio.timeout(120):
            newest = pb.ListActivityRequest(page_size=1)
            before = await persistent(lambda: clients.agents.ListActivity(newest))
            while await persistent(lambda: clients.agents.ListActivity(newest)) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def _apply(self, books: Books) -> None:
        """Give a character another persona by one replica, and see that the next post of another is written from it."""
        replicas, changed = self._lives.agents, pb.Agent()
        changed.CopyFrom(books.agents[0])
        changed.persona["description"] = "Somebody who has moved into a lighthouse."
        async with self._lives.clients(replicas[0]) as one, self._lives.clients(replicas[-1]) as other:
            await one.agents.UpdateAgent(pb.UpdateAgentRequest(agent=changed, update_mask=FieldMask(paths=["persona"])))
            shown = await other.agents.PreviewPrompt(pb.PreviewPromptRequest(agent_id=changed.id, behaviour="post"))
        assert "moved into a lighthouse" in shown.prompts[0].system

    async def _stop(self, books: Books) -> None:
        """Stop every character by one replica, and see that the others do nothing more for it."""
        replicas = self._lives.agents
        async with self._lives.clients(replicas[0]) as one, self._lives.clients(replicas[-1]) as other:
            for agent in books.agents:
                await one.agents.StopAgent(pb.StopAgentRequest(id=agent.id))
                status = await other.agents.GetAgentStatus(pb.GetAgentStatusRequest(id=agent.id))
                assert not status.is_active

    async def _until_done(self, is_done: Callable[[Books], bool], mentions: Sequence[str]) -> Books:
        begin = time.monotonic()
        while True:
            books = await persistent(self._auditor.read)
            if is_done(books):
                # The log is read first, and the workflows last: what ended in between isn't in that log.
                return await persistent(self._auditor.read)
            assert time.monotonic() - begin < _END_SECONDS, _open(books, mentions)
            await asyncio.sleep(1)


def _open(books: Books, mentions: Sequence[str]) -> str:
    parts = (books.unanswered(mentions), books.undone(), books.unfinished(), books.unsettled())
    return "\n".join(f"{len(part)}: {part[:10]}" for part in parts)
