"""Deleting agents: the row itself says that it is to go, and every step can be done again.

An agent that is being deleted is stopped for good. What it had begun ends; then account, wallet and memories go, and
its own rows last: while they are there, whoever starts again goes on.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import AgentNotFound, WalletNotEmpty
from services.agents.domain.records import Lifecycle, LifecycleChange, Trigger
from services.agents.ports.neighbours import MemoryPort, Refused, SocialPort, TradingPort
from services.agents.ports.store import Records
from services.agents.ports.workflows import StoredWorkflows, Waiting
from services.agents.service.alerts import Alerts
from services.agents.service.inbox import Inbox
from services.agents.service.journal import TURN, Entry, Journal
from services.runtime import unit_of_work
from services.runtime.archive import ArchiveRecords
from services.runtime.background import detached
from services.runtime.clock import Clock
from services.runtime.errors import Conflict, PuppetError
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.waiting import Signal

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 30.0
_POLL_SECONDS = 0.5
_AT_ONCE = 500
_NOT_EMPTY = WalletNotEmpty.reason


class ArchivedRecords(Records, ArchiveRecords, Protocol):
    """Everything stored, and all of it that one agent has."""


Store: TypeAlias = unit_of_work.Store[ArchivedRecords]


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far a deletion is: where it waits, None once it is done."""

    waiting: Waiting | None = None


class _Busy(PuppetError):
    """Workflows of the agent haven't ended."""


class Deletions:
    """Deletes agents, and what they left at the other services."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        inbox: Inbox,
        alerts: Alerts,
        memory: MemoryPort,
        social: SocialPort,
        trading: TradingPort,
        workflows: StoredWorkflows,
        clock: Clock,
    ) -> None:
        self._store = store
        self._journal = journal
        self._inbox = inbox
        self._alerts = alerts
        self._memory = memory
        self._social = social
        self._trading = trading
        self._workflows = workflows
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._changed = Signal()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End what is under way when the block ends; whoever starts again goes on."""
        try:
            yield
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def poll(self) -> None:
        """Go on with each deletion that isn't under way here."""
        async with self._store.reading() as records:
            agent_ids = await records.being_deleted()
        for agent_id in agent_ids:
            self._begin(agent_id)

    async def delete(
        self,
        agent_id: str,
        etag: str,
        key: RequestKey,
        timeout_seconds: float,
        *,
        allow_missing: bool,
        keeps_wallet: bool,
    ) -> Deletion:
        """Delete an agent, and say how far that is at the timeout.

        Raises AgentNotFound, Conflict, WalletNotEmpty and DependencyUnavailable: then nothing was deleted.
        """
        async with self._store.reading() as records:
            is_claimed = await records.claimed(key) is not None
            agent = await records.agent(agent_id)
        if agent is not None and not (is_claimed or keeps_wallet or agent.delete_time):
            await self._refuse_wallet(agent)
        async with self._store.writing(TURN) as records:
            agent = await records.agent(agent_id)
            if agent is None and not allow_missing and await records.claimed(key) is None:
                raise AgentNotFound(agent_id)
            if await records.claim(key, agent_id) is None:
                if agent is not None:
                    await self._mark(records, agent, etag, keeps_wallet=keeps_wallet)
                await records.commit()
        self._journal.announce()
        if agent is None or agent.delete_time is None:
            # It was gone before, or was created again since this was asked for.
            return Deletion()
        self._begin(agent_id)
        return await self._awaited(agent, timeout_seconds)

    async def _mark(self, records: ArchivedRecords, agent: AgentRecord, etag: str, *, keeps_wallet: bool) -> None:
        if etag and etag != agent.etag:
            raise Conflict(f"agent {agent.id!r} has changed since", etag=agent.etag)
        agent.be_deleted(self._clock.now(), keeps_wallet=keeps_wallet)
        await records.save(agent)
        await records.put_schedule(agent.id, {})
        await records.unplan_events(agent.id)

    async def _refuse_wallet(self, agent: AgentRecord) -> None:
        wallet = await self._trading.wallet_of(agent.id) if agent.wallet_id else None
        if wallet is not None and (held := await self._trading.holdings(wallet.id)):
            raise WalletNotEmpty(wallet.id, held)

    async def _awaited(self, agent: AgentRecord, timeout_seconds: float) -> Deletion:
        async def load() -> AgentRecord | None:
            async with self._store.reading() as records:
                return await records.agent(agent.id)

        def is_gone(found: AgentRecord | None) -> bool:
            return found is None or found.create_time != agent.create_time

        found = await self._changed.until(load, is_gone, timeout_seconds=timeout_seconds, poll_seconds=_POLL_SECONDS)
        if is_gone(found):
            return Deletion()
        return Deletion(self._waiting.get(agent.id, Waiting("", agent.delete_time or agent.update_time)))

    def _begin(self, agent_id: str) -> None:
        if agent_id not in self._tasks:
            task = self._tasks[agent_id] = detached(self._run(agent_id), f"delete {agent_id}")
            task.add_done_callback(lambda _done: self._tasks.pop(agent_id, None))

    async def _run(self, agent_id: str) -> None:
        pause = _FIRST_PAUSE_SECONDS
        try:
            while not await self._is_gone(agent_id):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        except Exception:
            # `poll` takes it up again.
            log.exception("an agent could not be deleted", extra={"agent_id": agent_id})
        finally:
            self._waiting.pop(agent_id, None)
            self._changed.notify()

    async def _is_gone(self, agent_id: str) -> bool:
        """Take the steps; False when one of them has to be tried again."""
        async with self._store.reading() as records:
            agent = await records.agent(agent_id)
        if agent is None or agent.delete_time is None:
            return True
        steps: Sequence[tuple[str, Callable[[AgentRecord], Awaitable[None]]]] = (
            ("workflows", self._end_workflows),
            ("account", self._delete_account),
            ("wallet", self._delete_wallet),
            ("memories", lambda agent: self._memory.forget(agent.id)),
            ("records", self._erase),
        )
        for name, step in steps:
            before, now = self._waiting.get(agent_id), self._clock.now()
            begin_time = before.begin_time if before and before.step == name else now
            waiting = self._waiting[agent_id] = Waiting(name, begin_time)
            try:
                await step(agent)
            except PuppetError as error:
                # Also what is refused: whoever mends that finds it going on.
                self._waiting[agent_id] = replace(waiting, reason=error.reason, message=error.message)
                told = {"agent_id": agent_id, "step": name, "reason": error.reason, "error": error.message}
                log.warning("a deletion waits", extra=told)
                return False
        return True

    async def _end_workflows(self, agent: AgentRecord) -> None:
        # What is held back would be waited for by its workflow.
        if agent.account_id:
            with contextlib.suppress(Refused):
                await self._social.withdraw_held(agent.account_id)
        # Neither a look begins any more, nor a workflow that has an effect.
        await self._inbox.rest(agent.id)
        if left := await self._workflows.unfinished(agent.id):
            raise _Busy(f"{len(left)} of its workflows haven't ended, {left[0]} among them")

    async def _delete_account(self, agent: AgentRecord) -> None:
        # Where there is none, there may be no social service either.
        if agent.account_id:
            await self._social.delete_account(agent.id)

    async def _delete_wallet(self, agent: AgentRecord) -> None:
        if agent.keeps_wallet or not agent.wallet_id:
            return
        try:
            await self._trading.delete_wallet(agent.id)
        except Refused as refused:
            if refused.reason != _NOT_EMPTY:
                raise
            log.warning("a wallet stays: something came in", extra={"agent_id": agent.id, "error": refused.message})

    async def _erase(self, agent: AgentRecord) -> None:
        kept = await self._trading.wallet_of(agent.id) if agent.wallet_id else None
        after = ""
        while True:
            async with self._store.reading() as records:
                some = await records.workflow_ids(agent.id, after, _AT_ONCE)
            await self._workflows.remove(some)
            if len(some) < _AT_ONCE:
                break
            after = some[-1]
        async with self._store.writing(TURN) as records:
            present = await records.agent(agent.id)
            if present is not None and present.create_time == agent.create_time:
                await self._alerts.forget(records, agent)
                await records.erase(agent.id)
                stays = f"its wallet {kept.id} stays" if kept else ""
                entry = Entry(Lifecycle(LifecycleChange.DELETED, "", stays), trigger=Trigger.REQUEST)
                await self._journal.add(records, agent, new_id("lifecycle"), "end", entry)
                await records.commit()
        self._journal.announce()
