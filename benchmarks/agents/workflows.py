"""The baselines: DBOS workflows beside which posts are measured.

Bare ones store the results of their steps, each a little JSON: of the four that a post has, or of the one that a post
stores. Equal ones store that one, and do what a post does with others: the same calls of the other services, and as
many transactions, each of one statement. They read no persona, compose no prompt and judge no text.

`python -m benchmarks.agents.workflows URL EXECUTOR SECONDS STEPS [TARGET DATABASE]` runs as many as it can, and prints
how many that were: equal ones where the neighbours' target and a database are given.
"""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar

import grpc
import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID

from puppet.llm.v1 import llm_service_pb2 as llm
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.memory.v1 import relationship_service_pb2 as relationships
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1 import social_service_pb2 as social
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.runtime.db import Database
from services.runtime.ids import new_id
from services.runtime.prepared import Prepared

STEPS = ("propose", "send", "remember", "end")
STORED = 1
"""So many of them does a post store."""
AT_ONCE = 50


@DBOS.workflow(name="bare")
async def bare(number: int, steps: int) -> None:
    """Do so many of the steps of a post, without the post."""
    for name in STEPS[:steps]:
        await DBOS.run_step_async({"name": name}, _result, number, name)


@DBOS.workflow(name="equal")
async def equal(number: int, _steps: int) -> None:
    """Do what a post does with others, without the post."""
    work = Work.current
    assert work is not None
    # What the schedule asks, and its next times, are shared by what a look finds due: about two at a time.
    await work.reads(1)
    if number % 2:
        await work.write(number)
    await DBOS.run_step_async({"name": "propose"}, work.propose, number)
    await work.send(number)
    await work.remember(number)


class Work:
    """Calls the neighbours, and opens transactions."""

    current: ClassVar["Work | None"] = None

    def __init__(self, channel: grpc.aio.Channel, database: Database) -> None:
        self._memory, self._relationships = MemoryServiceStub(channel), RelationshipServiceStub(channel)
        self._llm, self._social = LlmServiceStub(channel), SocialServiceStub(channel)
        self._database = database

    async def prepare(self) -> None:
        """Make the one table."""
        async with self._database.write() as transaction:
            await transaction.connection.execute(_CREATE)
            await transaction.commit()

    async def propose(self, number: int) -> dict[str, str]:
        """Ask what is asked for a post."""
        agent_id = f"equal-{number}"
        await self.reads(4)
        for _ in range(2):
            await self._memory.ListMemories(memory.ListMemoriesRequest(agent_id=agent_id))
        await self._memory.SearchMemories(memory.SearchMemoriesRequest(agent_id=agent_id, query="letters"))
        with contextlib.suppress(grpc.aio.AioRpcError):
            met = relationships.GetRelationshipRequest(agent_id=agent_id, counterpart="equal")
            await self._relationships.GetRelationship(met)
        prompt = llm.Prompt(input="Write a post about letters.")
        await self._llm.Generate(llm.GenerateRequest(agent_id=agent_id, prompt=prompt, candidate_count=6))
        await self.write(number)
        await self.write(number)
        return await _result(number, "propose")

    async def send(self, number: int) -> None:
        """Publish it."""
        await self.write(number)
        post = social.CreatePostRequest(account_id="acc_equal", text="The lamp is lit.", request_id=str(number))
        await self._social.CreatePost(post)

    async def remember(self, number: int) -> None:
        """Remember it, and log it."""
        kept = memory.Memory(agent_id=f"equal-{number}", text="The lamp is lit.")
        await self._memory.CreateMemory(memory.CreateMemoryRequest(memory=kept))
        await self.write(number)

    async def reads(self, times: int) -> None:
        """Open so many transactions that read a row."""
        for _ in range(times):
            async with self._database.read() as transaction:
                await _READ.all(transaction.connection, {"own": "none"})

    async def write(self, number: int) -> None:
        """Commit a row."""
        row = {"name": new_id("row"), "text": f"The lamp is lit for number {number}. " * 10}
        async with self._database.write() as transaction:
            await _WRITE.each(transaction.connection, [row])
            await transaction.commit()


_ROWS = sa.table("bench_row", sa.column("name", sa.String), sa.column("text", sa.String))
_CREATE = sa.text("CREATE TABLE IF NOT EXISTS bench_row (name VARCHAR PRIMARY KEY, text VARCHAR)")
_READ = Prepared(sa.select(_ROWS.c.text).where(_ROWS.c.name == sa.bindparam("own")))
_WRITE = Prepared(sa.insert(_ROWS).values(name=sa.bindparam("name"), text=sa.bindparam("text")))


async def _result(number: int, name: str) -> dict[str, str]:
    return {"step": name, "text": f"The lamp is lit for number {number}. " * 4}


async def _measured_equal(executor: str, seconds: float, steps: int, target: str, url: str) -> tuple[int, float, float]:
    database = Database(url)
    try:
        async with grpc.aio.insecure_channel(target) as channel:
            Work.current = Work(channel, database)
            await Work.current.prepare()
            return await _measured(executor, seconds, steps, equal)
    finally:
        await database.close()


async def _measured(
    executor: str, seconds: float, steps: int, does: Callable[[int, int], Coroutine[Any, Any, None]]
) -> tuple[int, float, float]:
    done, began, cpu = 0, time.perf_counter(), time.process_time()

    async def worker(place: int) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() - began < seconds:
            with SetWorkflowID(f"bare/{executor}/{place}/{number}"):
                handle = await DBOS.start_workflow_async(does, number, steps)
            await handle.get_result()
            number, done = number + 1, done + 1

    await asyncio.gather(*map(worker, range(AT_ONCE)))
    return done, time.perf_counter() - began, time.process_time() - cpu


def main(url: str, executor: str, seconds: float, steps: int, target: str = "", database_url: str = "") -> None:
    """Run workflows for so long, and print how many there were, in how many seconds, with how much CPU."""
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    # The settings of the service itself, but for what it stores its results as.
    config = DBOSConfig(
        name="bare",
        system_database_url=url,
        executor_id=executor,
        application_version="1",
        log_level="ERROR",
        sys_db_pool_size=5,
        use_listen_notify=False,
        notification_listener_polling_interval_sec=0.2,
    )
    DBOS(config=config)
    DBOS.launch()
    try:
        measured = (
            _measured_equal(executor, seconds, steps, target, database_url)
            if target
            else _measured(executor, seconds, steps, bare)
        )
        print(json.dumps(asyncio.run(measured)))
    finally:
        DBOS.destroy()


def sqlite_url(folder: Path, name: str, driver: str = "") -> str:
    """Return the URL of a database in this folder."""
    return f"sqlite{driver}:///{folder / name}.db"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
