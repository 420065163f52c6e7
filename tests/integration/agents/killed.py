"""A process that serves agents, with fakes around them, until it is killed; see `test_webhooks`."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.server import Lifecycle, serving
from tests.fakes.agents import World


def _serve(settings: AgentsSettings, tell: Connection) -> None:
    world = World()

    def opener(lifecycle: Lifecycle) -> Any:
        ports = (world.memory, world.llm, world.social, world.trading)
        return served(settings, lifecycle, SystemClock(), *ports)

    async def main() -> None:
        async with serving("agents", settings, opener) as address:
            tell.send(address)
            await asyncio.Event().wait()

    asyncio.run(main())


def starter() -> Callable[[AgentsSettings], tuple[ForkServerProcess, Connection]]:
    """Return what starts a process; its imports are done once, in a server that forks for each start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])

    def start(settings: AgentsSettings) -> tuple[ForkServerProcess, Connection]:
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(settings, tell), daemon=True)
        process.start()
        tell.close()
        return process, told

    return start
