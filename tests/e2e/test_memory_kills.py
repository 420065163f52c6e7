"""`kill -9` of the memory service in the midst of writes and deletes: what it acknowledged is so, and search agrees."""

import asyncio
import contextlib
import logging
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from tests.e2e.memory_callers import AGENTS, Callers, assert_found, assert_not_found, search
from tests.e2e.memory_ledger import Ledger, Operation, fits
from tests.e2e.memory_process import Service
from tests.support.refusals import reason_of

# Each wait has a limit of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]

log = logging.getLogger(__name__)

_KILLS = {"sqlite": 4, "postgres": 3}
_CALLERS = 6
_CALLS = 40
_SAMPLE = 4
_VICTIMS = {("service",): 6, ("index", "service"): 1, ("service", "index"): 1, ("index",): 2}


@pytest.mark.parametrize("database", _KILLS)
async def test_what_was_acknowledged_is_so_however_often_the_service_is_killed(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kills: int = request.config.getoption("--kills") or _KILLS[database]
    seed: int = request.config.getoption("--kills-seed") or random.randrange(1, 2**32)
    database_url = ""
    if database == "postgres":
        new_database: Callable[[str], str] = request.getfixturevalue("postgres_server")
        database_url = new_database("killed")
    repeat = f"--kills {kills} --kills-seed {seed} repeats these choices, though not their timing"
    log.info("%s: %s", database, repeat)
    service = Service(tmp_path, database_url)
    try:
        await _Trial(service, random.Random(seed), kills).run()
    except BaseException as error:
        error.add_note(f"{repeat}\n{service.last_lines()}")
        raise
    finally:
        await service.close()


class _Trial:
    """A service that is used and killed again and again."""

    def __init__(self, service: Service, chance: random.Random, kills: int) -> None:
        self._service, self._chance, self._kills = service, chance, kills
        self._ledger = Ledger()
        self._callers = Callers(self._ledger, chance, service.files)
        self._unanswered: list[Operation] = []
        self._done: Counter[str] = Counter()

    async def run(self) -> None:
        """Kill it so many times, check after each time, and tell what came of it."""
        for number in range(1, self._kills + 1):
            victim = await self._kill_once()
            self._done[f"kills of {victim}"] += 1
            log.info("kill %d of %d: %s; %d memories", number, self._kills, victim, self._count())
        await self._start()
        await self._check_store()
        await self._check_index()
        # What nobody kills has to agree by itself: a start would mend it.
        async with self._used(_CALLS):
            pass
        await self._check_store()
        await self._check_index()
        await self._service.close()
        self._done += self._ledger.counts
        self._done.update({what: count for what, count in self._service.logged.items() if what.startswith("index ")})
        log.info("%s", "\n".join(["in all:", *(f"{count:8} {what}" for what, count in sorted(self._done.items()))]))

    async def _kill_once(self) -> str:
        """Use it as it is, and kill it; the value says whom."""
        if not self._service.is_running and self._happens(0.15):
            self._service.start()
            await asyncio.sleep(self._chance.uniform(0, 1.5))
            self._service.kill(*self._chance.choice([("service",), ("service", "index")]))
            await self._service.ended()
            return "a service that starts"
        await self._start()
        await self._check_store()
        # Else it is written to, and killed again, while the index is being opened, mended or built.
        if self._happens(0.7):
            await self._check_index()
        async with self._used():
            victim = await self._kill_sometime()
            self._callers.have_enough = True
        if "service" in victim:
            await self._service.ended()
        return " and ".join(victim)

    @contextlib.asynccontextmanager
    async def _used(self, most_calls: int = sys.maxsize) -> AsyncIterator[None]:
        """Let callers call, each at most so often, who first repeat some of what got no answer; wait for their end."""
        repeated = [item for item in self._unanswered if item.is_repeatable and self._happens(0.6)]
        self._unanswered = []
        self._done["requests repeated"] += len(repeated)
        self._callers.have_enough = False
        async with asyncio.TaskGroup() as tasks:
            for operation in repeated:
                tasks.create_task(operation.run(self._service.stub))
            for _ in range(_CALLERS):
                tasks.create_task(self._callers.call(self._service.stub, most_calls))
            yield

    async def _kill_sometime(self) -> tuple[str, ...]:
        if self._happens(0.15):
            await self._service.reindexes()
        elif self._happens(0.3):
            await self._service.is_behind()
        # Long enough now and then for a purge, which waits for a new build of the index.
        await asyncio.sleep(self._chance.uniform(0, self._chance.choice([0.2, 1, 3])))
        [victims] = self._chance.choices(list(_VICTIMS), list(_VICTIMS.values()))
        has_index = self._service.kill(*victims)
        if victims != ("index",):
            return victims
        if not has_index:
            self._service.kill("service")
            return ("service",)
        await asyncio.sleep(self._chance.uniform(0, 1))
        return victims

    async def _start(self) -> None:
        if not self._service.is_running:
            self._service.start()
            await self._service.serves()

    async def _check_store(self) -> None:
        """Compare what is there with the ledger; all of it can be found already, indexed or not."""
        stub = self._service.stub
        seen = {agent_id: await self._memories(agent_id) for agent_id in AGENTS}
        self._unanswered += self._ledger.settle(seen)
        self._done["memories compared with the ledger"] += self._count()
        await self._check_samples()
        agent_id, other = self._chance.sample(AGENTS, 2)
        export = stub.ExportMemories(pb.ExportMemoriesRequest(agent_id=agent_id))
        exported = {item.memory.id: list(item.history) async for item in export}
        entries = self._ledger.free(agent_id)
        assert len(exported) == len(entries)
        for entry in entries:
            assert entry.known
            history = exported[entry.known.id][::-1]
            assert len(history) == len(entry.past), f"{entry.past} became {history}"
            assert all(map(fits, entry.past, history)), f"{entry.past} became {history}"
        for entry in entries[:1]:
            assert entry.known
            foreign = pb.GetMemoryRequest(agent_id=other, id=entry.known.id)
            assert await reason_of(stub.GetMemory(foreign)) == "MEMORY_NOT_FOUND"

    async def _check_index(self) -> None:
        """Compare the index with the store when it has caught up, and search both."""
        await self._service.is_indexed()
        answer = await self._service.stub.VerifyIndex(pb.VerifyIndexRequest())
        assert answer.is_consistent, str(answer)
        assert answer.checked_count == self._count()
        await self._check_samples()
        self._done["indexes compared with the store"] += 1
        self._done["vectors compared with the store"] += answer.checked_count
        self._done["vectors that a query doesn't come upon"] += answer.unreached_count

    async def _check_samples(self) -> None:
        stub = self._service.stub
        for agent_id in AGENTS:
            there = self._ledger.free(agent_id)
            for entry in self._chance.sample(there, min(_SAMPLE, len(there))):
                assert entry.known
                assert_found(entry.known, await search(stub, agent_id, entry.known.text))
        gone = list(self._ledger.gone.values())
        for entry in self._chance.sample(gone, min(_SAMPLE, len(gone))):
            assert_not_found(entry, await search(stub, entry.given.agent_id, entry.given.text))

    async def _memories(self, agent_id: str) -> list[pb.Memory]:
        found: list[pb.Memory] = []
        request = pb.ListMemoriesRequest(agent_id=agent_id, page_size=500)
        while True:
            page = await self._service.stub.ListMemories(request)
            found += page.memories
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    def _count(self) -> int:
        return sum(len(entries) for entries in self._ledger.there.values())

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability
