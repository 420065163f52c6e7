"""A replica: it acts while its lease holds, and takes up the work of others whose leases have ended."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import LlmPort, Provider, Written
from services.agents.ports.replicas import Lease, Leases, Orphans

log = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
"""How long a replica is taken to be there after its last sign of life."""
RENEW_SECONDS = 3.0
STRAYS_SECONDS = 60.0
"""How often what nobody has is looked for: of replicas without a lease, such as those of earlier versions."""
_STEADY_SECONDS = 2 * RENEW_SECONDS


def seconds_awake_or_not() -> float:
    """Return seconds since some point in the past, those included in which the machine was suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Replica:
    """This process among those that share a database. On SQLite it is the only one, and needs no lease."""

    def __init__(
        self,
        leases: Leases,
        name: str,
        *,
        is_alone: bool,
        on_lost: Callable[[], None],
        elapsed: Callable[[], float] = seconds_awake_or_not,
    ) -> None:
        """Take the name that a person knows it by, what ends this process, and a clock of this machine."""
        self._id = f"{name}/{secrets.token_hex(6)}"
        self._name = name
        self._leases = leases
        self._is_alone = is_alone
        self._on_lost = on_lost
        self._elapsed = elapsed
        self._renewed = 0.0
        self._steady_since = 0.0
        self._is_lost = False

    @property
    def replica_id(self) -> str:
        """The id of this replica."""
        return self._id

    @contextlib.asynccontextmanager
    async def joined(self, is_present: Callable[[str], bool]) -> AsyncIterator[None]:
        """Be there until the block ends; who had its name before and isn't present has its lease ended at once."""
        self._renewed = self._steady_since = self._elapsed()
        await self._leases.open(self._id, LEASE_SECONDS)
        earlier = await self._leases.named("" if self._is_alone else f"{self._name}/")
        await self._leases.end([one for one in earlier if one != self._id and not is_present(one)])
        try:
            yield
        finally:
            with contextlib.suppress(Exception):
                await self._leases.end([self._id])

    async def renew(self) -> None:
        """Give a sign of life; end the process when the lease was lost, since its work is another's now."""
        if self._is_alone or self._is_lost:
            return
        begin = self._elapsed()
        if not await self._leases.renew(self._id, LEASE_SECONDS):
            self._is_lost = True
            log.critical("this replica was taken for dead: its work is another's now", extra={"replica": self._id})
            self._on_lost()
            return
        if begin - self._renewed > _STEADY_SECONDS:
            self._steady_since = begin
        # Counted from before the database did, so that it is never later than there.
        self._renewed = begin

    async def hold(self) -> None:
        """Return while the lease holds; a replica that has lost it stands still here until its process ends."""
        while not self._is_alone:
            if self._is_lost:
                await asyncio.Event().wait()
            if self._elapsed() < self._renewed + LEASE_SECONDS:
                return
            try:
                await self.renew()
            except Exception:
                log.warning("the lease can't be renewed", exc_info=True)
                await asyncio.sleep(RENEW_SECONDS)

    async def adopt(self, orphans: Orphans) -> None:
        """Take up the work of the replicas that are gone.

        Who was away itself waits for the others to renew their leases: they were perhaps away with it, as the database.
        """
        now = self._elapsed()
        is_steady = now - self._renewed <= _STEADY_SECONDS <= now - self._steady_since
        if is_steady and not self._is_alone:
            await self._leases.end_lapsed(self._id)
        ended = [replica_id for replica_id in await self._leases.ended() if replica_id != self._id]
        if ended:
            log.warning("the work of replicas that are gone is taken up", extra={"replicas": ended})
            await orphans.adopt(ended)
            await self._leases.forget(ended)

    async def adopt_strays(self, orphans: Orphans) -> None:
        """Take up the work of whoever isn't known as a replica."""
        executors = await orphans.executors()
        strays = executors - await self._leases.known(executors) if executors else executors
        if strays:
            await orphans.adopt(strays)


class LeasedLlm:
    """The model, which is asked while the lease holds: what another replica asks meanwhile isn't paid for twice."""

    def __init__(self, llm: LlmPort, lease: Lease) -> None:
        self._llm = llm
        self._lease = lease

    async def generate(
        self,
        workflow_id: str,
        agent_id: str,
        prompt: PromptParts,
        provider: str,
        model: str,
        seed: int,
        json_schema: str = "",
        *,
        is_awaited: bool = False,
    ) -> Written:
        """Return candidates for a prompt."""
        await self._lease.hold()
        return await self._llm.generate(
            workflow_id, agent_id, prompt, provider, model, seed, json_schema, is_awaited=is_awaited
        )

    async def provider(self, name: str) -> Provider | None:
        """Return the provider of this name."""
        return await self._llm.provider(name)

    async def set_budget(self, agent_id: str, usd_per_day: Decimal | None, tokens_per_day: int | None) -> None:
        """Set what an agent may spend on models in a day."""
        await self._llm.set_budget(agent_id, usd_per_day, tokens_per_day)
