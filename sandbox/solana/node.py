"""What the sandbox serves, and the one thread that owns it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sandbox.faults import FaultBoard, FaultKind
from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.genesis import create_world
from sandbox.solana.market import Market
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.solana.swaps import OrderBook

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """A chain and what trades on it."""

    chain: Chain
    market: Market
    orders: OrderBook
    builds: bool
    """Whether swaps are offered as instructions, too, and not as whole transactions only."""


class Node:
    """Runs all work on the world in one thread: nothing needs a lock, and the event loop never waits for the disk."""

    def __init__(
        self, settings: SolanaSandboxSettings, board: FaultBoard, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._board = board
        self._now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain")
        self._world: World | None = None

    async def start(self) -> None:
        """Open the chain, or begin one; raises sqlite3.OperationalError when another process has it open."""
        self._world = await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def stop(self) -> None:
        """Let the work under way finish, and close the chain."""
        if self._world is not None:
            await self.run(lambda world: world.chain.close())
        self._thread.shutdown()

    async def run(self, work: Callable[[World], T]) -> T:
        """Do a piece of work in the thread that owns the world."""
        world = self._world
        if world is None:
            raise RuntimeError("the chain is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, world)

    def delivery(self, route: str) -> Delivery:
        """Take what the faults do to a transaction that comes in by this route."""
        late = self._board.take(FaultKind.LATE_VISIBILITY, route)
        dropped = self._board.take(FaultKind.DROPPED, route) is not None
        return Delivery(dropped, late.seconds if late else 0.0)

    def _open(self) -> World:
        chain = Chain.open(self._settings.data_dir, self._settings.slot_seconds, create_world, self._now)
        return World(
            chain,
            Market(chain.secret("market"), chain.began),
            OrderBook(chain, self._settings.order_version),
            self._settings.builds,
        )
