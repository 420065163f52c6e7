"""The outbox over fakes: the clock stands still, and `finish` returns after one step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest

from services.runtime.errors import PuppetError
from services.runtime.idempotency import NO_REQUEST, RequestKey
from services.social.domain.accounts import Account, NetworkName
from services.social.domain.limits import Quota
from services.social.domain.posts import Post, PostState, Timing
from services.social.service.accounts import Accounts
from services.social.service.gate import Gate
from services.social.service.limits import Limits
from services.social.service.outbox import Outbox
from services.social.service.posts import Posts
from services.social.service.reading import Reading
from tests.fakes.clock import FixedClock
from tests.fakes.social import FakeNetwork, FakeStore, FakeVault, credentials

LEASE, VISIBILITY = 20, 30


class Replica:
    """One process of the service, without its servers."""

    def __init__(self, desk: "Desk") -> None:
        # Draining: nobody waits for what only the clock would bring.
        draining = asyncio.Event()
        draining.set()
        timing = Timing(lease=timedelta(seconds=LEASE), visibility=timedelta(seconds=VISIBILITY))
        self.limits = Limits(desk.store, desk.vault, desk.network, desk.clock, desk.quota)
        self.outbox = Outbox(desk.store, desk.vault, desk.network, self.limits, desk.clock, timing, draining)
        self.posts = Posts(desk.store, desk.network, Gate(desk.store, desk.vault), self.outbox, desk.clock, self.limits)
        self.accounts = Accounts(desk.store, desk.vault, desk.network, self.limits, desk.clock)
        self.reading = Reading(self.accounts, desk.network, self.limits, desk.clock)

    async def create(self, text: str, request_id: str = "", in_reply_to: str = "") -> Post:
        """Ask for a post of the account `acc_a`; the text names the request unless it is named."""
        key = RequestKey("agents", "CreatePost", request_id or text, text)
        return await self.posts.create("acc_a", text, in_reply_to, key, timeout_seconds=5)

    async def withdraw(self, request_id: str) -> Post:
        """Withdraw what was asked for by this request."""
        which = RequestKey("agents", "CreatePost", request_id, "")
        return await self.posts.withdraw("acc_a", which, NO_REQUEST)


class Desk:
    """One account on a network, and the replicas that post for it."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.store = FakeStore()
        self.vault = FakeVault()
        self.network = FakeNetwork(clock)
        self.quota = Quota()
        self.store.accounts["acc_a"] = Account(
            id="acc_a",
            agent_id="agt_a",
            network=NetworkName.X,
            handle="Ann",
            network_user_id="id-ann",
            sealed_credentials=self.vault.seal(credentials("Ann")),
            create_time=clock.now(),
            handle_time=clock.now(),
            handle_due_time=clock.now() + timedelta(days=1),
        )
        self._stack = AsyncExitStack()

    async def replica(self) -> Replica:
        """Start a replica."""
        replica = Replica(self)
        await self._stack.enter_async_context(replica.outbox.open())
        return replica

    async def close(self) -> None:
        """Stop every replica."""
        await self._stack.aclose()

    async def pass_time(self, replica: Replica, seconds: float) -> None:
        """Let time pass, and the replica do what is due then."""
        self.clock.advance(seconds=seconds)
        await replica.outbox.sweep()
        for post_id in list(self.store.posts):
            # What holds a post back is told to its caller, and there is none.
            with suppress(PuppetError):
                await replica.outbox.finish(self.store.posts[post_id], timeout_seconds=5)

    def states(self) -> list[PostState]:
        """Return the state of every post, in the order in which they were asked for."""
        return [post.state for post in self.store.posts.values()]


@pytest.fixture
async def desk(clock: FixedClock) -> AsyncIterator[Desk]:
    desk = Desk(clock)
    yield desk
    await desk.close()


@pytest.fixture
async def replica(desk: Desk) -> Replica:
    return await desk.replica()
