"""A process that serves the social service until it is killed; see `test_kills`."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from services.runtime.rpc.server import serving
from services.social.bootstrap import opener
from services.social.settings import SocialSettings


def _serve(settings: SocialSettings, tell: Connection) -> None:
    async def main() -> None:
        async with serving("social", settings, opener(settings)) as address:
            tell.send(address)
            await asyncio.Event().wait()

    asyncio.run(main())


def starter() -> Callable[[SocialSettings], tuple[ForkServerProcess, Connection]]:
    """Return what starts a process; its imports are done once, in a server that forks for each start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])

    def start(settings: SocialSettings) -> tuple[ForkServerProcess, Connection]:
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(settings, tell), daemon=True)
        process.start()
        tell.close()
        return process, told

    return start
