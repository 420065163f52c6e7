"""A replica that runs until it is killed; see `test_replicas`."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from services.agents.adapters.dbos import DbosWorkflows
from services.agents.adapters.sql_leases import SqlLeases
from services.agents.domain.proposals import Pass
from services.agents.domain.records import Passed, PassReason
from services.agents.domain.tasks import TradeTask
from services.agents.ports.workflows import Run
from services.agents.service import replica as replicas
from services.agents.service.replica import Replica
from services.runtime.background import repeating
from services.runtime.db import Database

LEASE_SECONDS, RENEW_SECONDS = 5.0, 0.5
_THOUGHTS = 40


@dataclass(frozen=True, slots=True)
class Orders:
    """Where a replica works: the databases, what it is called, and the file in which all of them note what they do."""

    database_url: str
    dbos_url: str
    name: str
    notes: Path
    thought_seconds: float = 0.1


def _run(orders: Orders, pipe: Connection) -> None:
    replicas.LEASE_SECONDS, replicas.RENEW_SECONDS = LEASE_SECONDS, RENEW_SECONDS
    replicas._STEADY_SECONDS = 2 * RENEW_SECONDS
    asyncio.run(_work(orders, pipe))


async def _work(orders: Orders, pipe: Connection) -> None:
    database = Database(orders.database_url)
    replica = Replica(
        SqlLeases(database), orders.name, is_alone=False, on_lost=lambda: os.kill(os.getpid(), signal.SIGTERM)
    )

    def note(words: str) -> None:
        with orders.notes.open("a") as notes:
            notes.write(f"{orders.name} {words}\n")

    async def decide() -> Pass:
        note("decides")
        return Pass(Passed(PassReason.HOLD))

    async def think() -> Pass:
        for _ in range(_THOUGHTS):
            await replica.hold()
            note("thinks")
            await asyncio.sleep(orders.thought_seconds)
        return Pass(Passed(PassReason.HOLD))

    async def handle(run: Run, _task: TradeTask) -> None:
        await run.step("decide", decide)
        await run.step("think", think)
        await run.step("end", decide)
        note(f"ends {run.id}")

    workflows = DbosWorkflows(orders.dbos_url, replica, 1.0)
    async with (
        replica.joined(lambda _replica_id: True),
        workflows.running({TradeTask: handle}),
        repeating("renewing", RENEW_SECONDS, replica.renew),
        repeating("adopting", RENEW_SECONDS, lambda: replica.adopt(workflows)),
    ):
        pipe.send(replica.replica_id)
        while (order := await asyncio.to_thread(pipe.recv)) is not None:
            await workflows.start(order, TradeTask("wren"))
            pipe.send(order)
    pipe.send("left")


def starter() -> Callable[[Orders], tuple[ForkServerProcess, Connection]]:
    """Return what starts a process; its imports are done once, in a server that forks for each start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])

    def start(orders: Orders) -> tuple[ForkServerProcess, Connection]:
        ours, its = context.Pipe()
        process = context.Process(target=_run, args=(orders, its), daemon=True)
        process.start()
        its.close()
        return process, ours

    return start
