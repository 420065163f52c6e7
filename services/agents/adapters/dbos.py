"""Durable workflows on DBOS, which keeps them in SQLite or Postgres.

DBOS is one per process, and its registry of workflows is global: it is built when the service opens, and torn down
when it closes.
"""

import asyncio
import contextlib
import logging
import re
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from services.agents.adapters.dbos_json import StoredJson, UnreadableRecord, forbid_pickle
from services.agents.adapters.dbos_package import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus, dbos_instance
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.tasks import Task
from services.agents.ports.neighbours import Refused
from services.agents.ports.replicas import Lease
from services.agents.ports.stored import STORED, Failure, Post, Progress, Trade
from services.agents.ports.workflows import TOLD_SECONDS, Run, StepFailed, Waiting
from services.runtime import telemetry
from services.runtime.background import leave_call
from services.runtime.errors import PuppetError, RetryLater
from services.runtime.retrying import retry
from services.runtime.settings import MIN_REQUEST_DAYS
from services.runtime.telemetry import Histogram

log = logging.getLogger(__name__)
T = TypeVar("T")

# A number. What an older version left unfinished is begun anew. Change it when the steps of a workflow change.
APPLICATION_VERSION = "5"
WORKFLOWS = Histogram(
    "puppet.workflow.duration",
    "s",
    "How long workflows took, waiting included.",
    (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1200),
)
_DELETED_AT_ONCE = 500
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]

LONGEST = timedelta(days=MIN_REQUEST_DAYS - 1)
"""How old a workflow may be to be taken up: what it repeats is known to the other services by its request ids."""

_ANEW = re.compile(r"@v\d+$")
"""What is added to the id of a workflow that is begun anew by another version."""

Handler: TypeAlias = Callable[[Run, Any], Awaitable[None]]
Results: TypeAlias = Mapping[tuple[str, int], Any]
"""What steps returned, by their names and how often there was one of this name before."""


class DbosRun:
    """The workflow that is running in this task."""

    def __init__(
        self,
        workflow_id: str,
        lease: Lease,
        patience_seconds: float,
        start: Callable[[str, Task], Awaitable[None]],
        earlier: Results,
    ) -> None:
        """Take what an older version's steps returned, which aren't done again."""
        self._id = workflow_id
        self._lease = lease
        self._patience = patience_seconds
        self._start = start
        self._earlier = earlier
        self._taken: Counter[str] = Counter()
        self.waiting: Waiting | None = None
        """What it is doing."""
        self.is_asleep = False
        self._is_ahead = False
        """Whether it has got further than in earlier lives, if there were any."""

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self._id

    async def step(
        self,
        name: str,
        action: Callable[[], Awaitable[T]],
        patience_seconds: float | None = None,
        *,
        may_repeat: Callable[[T], bool] | None = None,
    ) -> T:
        """Do this and keep what it returns, unless it may be repeated. Raises StepFailed."""
        patience = self._patience if patience_seconds is None else min(self._patience, patience_seconds)
        place = name, self._taken[name]
        self._taken[name] += 1
        # A replay asks first for what was kept: only behind a step that was done in this life is there nothing.
        if may_repeat is not None and self._is_ahead:
            told = await self._attempt(place, action, patience)
            if isinstance(told, Failure) or not may_repeat(told):
                await DBOS.run_step_async({"name": name}, _same, told)
        else:
            told = await DBOS.run_step_async({"name": name}, self._attempt, place, action, patience)
        outcome = _done(told)
        if isinstance(outcome, Post | Trade) and outcome.progress is Progress.UNDER_WAY and self.waiting:
            self.waiting = replace(self.waiting, message=outcome.reason)
        return outcome

    async def repeat(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        """Do this, and keep nothing. Raises StepFailed."""
        _done(await self._attempt((name, -1), action, self._patience))

    async def _attempt(
        self, place: tuple[str, int], action: Callable[[], Awaitable[T]], patience_seconds: float
    ) -> T | Failure:
        if place in self._earlier:
            known: T | Failure = self._earlier[place]
            return known
        self._is_ahead = True

        async def leased() -> T:
            await self._lease.hold()
            return await action()

        name, _ = place
        self.waiting = Waiting(name, datetime.now(UTC))
        with telemetry.span(f"step {name}") as span:
            outcome = await _attempted(name, leased, patience_seconds, self._note)
            if isinstance(outcome, Failure):
                span.fail(outcome.reason)
            return outcome

    def _note(self, error: RetryLater) -> None:
        if self.waiting is not None:
            self.waiting = replace(self.waiting, reason=error.reason, message=error.message)

    async def sleep(self, seconds: float) -> None:
        """Wait; what is left of it outlives a crash."""
        self.is_asleep = True
        try:
            await DBOS.sleep_async(seconds)
        finally:
            self.is_asleep = False

    async def start(self, workflow_id: str, task: Task) -> None:
        """Start another workflow, unless there is one with this id."""
        await self._start(workflow_id, task)


class DbosWorkflows:
    """Runs workflows while `running` is open; the ones that were cut short go on when somebody adopts them."""

    def __init__(self, url: str, lease: Lease, patience_seconds: float) -> None:
        """Take DBOS's database, the lease of this replica, and how long a step repeats a transient failure."""
        self._config = DBOSConfig(
            name="puppet-agents",
            system_database_url=url,
            executor_id=lease.replica_id,
            application_version=APPLICATION_VERSION,
            serializer=StoredJson(),
            log_level="ERROR",
            # Nothing here waits for another workflow's events; the listener's interval is only how long closing takes.
            use_listen_notify=False,
            notification_listener_polling_interval_sec=0.2,
            # Postgres has a hundred connections unless it is told otherwise, for all replicas of all services.
            sys_db_pool_size=5,
        )
        self._lease = lease
        self._patience = patience_seconds
        self._functions: dict[type, Any] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self._runs: dict[str, DbosRun] = {}

    @contextlib.asynccontextmanager
    async def running(self, handlers: Mapping[type, Handler]) -> AsyncIterator[None]:
        """Run workflows until the block ends; `handlers` says which function does which kind of task."""
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            # DBOS gives its logger a console of its own unless it finds a handler.
            logger.addHandler(logging.NullHandler())
        sa.event.listen(sa.Engine, "connect", _tell_subseconds)
        forbid_pickle()
        DBOS(config=self._config)
        try:
            self._functions = {kind: self._registered(kind, handler) for kind, handler in handlers.items()}
            DBOS.launch()
            yield
        finally:
            await self._close()
            sa.event.remove(sa.Engine, "connect", _tell_subseconds)

    async def start(self, workflow_id: str, task: Task) -> None:
        """Start a workflow durably, unless there is one with this id."""
        starting = asyncio.ensure_future(self._start(workflow_id, task))
        self._under_way.add(starting)
        starting.add_done_callback(self._under_way.discard)
        # A caller that gives up between the row and its execution would leave a workflow that nobody runs.
        await asyncio.shield(starting)

    def waiting(self, workflow_id: str) -> Waiting | None:
        """Return where a workflow is that runs here."""
        run = self._runs.get(workflow_id)
        return None if run is None else run.waiting

    def under_way(self) -> Collection[str]:
        """Return the ids of the workflows that run here and aren't asleep."""
        return [name for name, run in self._runs.items() if not run.is_asleep]

    async def forget(self, before: datetime) -> None:
        """Delete what DBOS keeps of workflows that ended before this time."""
        is_full = True
        while is_full:
            ended = await DBOS.list_workflows_async(
                completed_before=before.isoformat(), limit=_DELETED_AT_ONCE, load_input=False, load_output=False
            )
            if ended:
                await DBOS.delete_workflows_async([workflow.workflow_id for workflow in ended])
            is_full = len(ended) == _DELETED_AT_ONCE

    async def unfinished(self, agent_id: str) -> list[str]:
        """Return the workflows of an agent that haven't ended, in any replica, but for those of other versions."""
        found = await DBOS.list_workflows_async(
            status=_UNFINISHED, app_version=APPLICATION_VERSION, name=list(self._names), load_output=False
        )
        return [workflow.workflow_id for workflow in found if _agent_of(workflow.input) == agent_id]

    async def remove(self, workflow_ids: Sequence[str]) -> None:
        """Delete what DBOS keeps of workflows that have ended."""
        if workflow_ids:
            await DBOS.delete_workflows_async(list(workflow_ids))

    async def executors(self) -> set[str]:
        """Return the ids of the replicas, of now or before, that have unfinished workflows."""
        unfinished = await self._unfinished()
        return {workflow.executor_id for workflow in unfinished if workflow.executor_id}

    async def adopt(self, executor_ids: Collection[str]) -> None:
        """Take up what replicas left unfinished that are gone for ever; any number may do this at once.

        DBOS gives each workflow to one replica of the version that began it. One of an older version is begun anew
        under the same name, with what its steps returned as far as it can be read. What is too old, or a kind of task
        that is gone, is ended: what it had sent is finished by the service that owns the effect.
        """
        oldest = (datetime.now(UTC) - LONGEST).timestamp() * 1000
        names = {kind.__name__ for kind in self._functions}
        ended = []
        for workflow in await self._unfinished(list(executor_ids)):
            version = workflow.app_version or ""
            if version.isdigit() and int(version) > int(APPLICATION_VERSION):
                continue
            is_known = workflow.name in names and (workflow.created_at or 0) >= oldest
            if is_known and version == APPLICATION_VERSION:
                continue
            told = {"workflow_id": workflow.workflow_id, "version": version}
            if is_known and await self._begin_anew(workflow.workflow_id):
                log.info("a workflow of an older version is begun anew", extra=told)
            else:
                log.warning("a workflow of another version, or of long ago, is ended", extra=told)
            ended.append(workflow.workflow_id)
        await DBOS.cancel_workflows_async(ended)
        await asyncio.to_thread(DBOS._recover_pending_workflows, list(executor_ids))

    async def _unfinished(self, executor_ids: list[str] | None = None) -> list[WorkflowStatus]:
        return await DBOS.list_workflows_async(
            status=_UNFINISHED, executor_id=executor_ids, load_input=False, load_output=False
        )

    async def _begin_anew(self, workflow_id: str) -> bool:
        """Begin a workflow of an older version again, as it was asked for; False when that can't be read."""
        [found] = await DBOS.list_workflows_async(workflow_ids=[workflow_id], load_output=False)
        inputs: Any = found.input
        arguments: Sequence[Any] = inputs["args"] if isinstance(inputs, dict) else ()
        if len(arguments) != 1 or type(arguments[0]) not in self._functions:
            return False
        await self._start(f"{_name_of(workflow_id)}@v{APPLICATION_VERSION}", arguments[0])
        return True

    @property
    def _names(self) -> set[str]:
        return {kind.__name__ for kind in self._functions}

    async def _start(self, workflow_id: str, task: Task) -> None:
        with SetWorkflowID(workflow_id):
            await DBOS.start_workflow_async(self._functions[type(task)], task)

    def _registered(self, kind: type, handler: Handler) -> Any:
        async def run(task: Task) -> None:
            workflow_id = DBOS.workflow_id or ""
            here = asyncio.current_task()
            assert here is not None  # noqa: S101 - a coroutine that runs has a task
            self._under_way.add(here)
            here.add_done_callback(self._under_way.discard)
            # The task was started within somebody's call, whose deadline, trace and rights are not its own.
            leave_call()
            telemetry.begin_trace(_name_of(workflow_id))
            if not isinstance(task, kind):
                raise UnreadableRecord(f"a {kind.__name__} was to be stored, and a {type(task).__name__} was found")
            run_id = _name_of(workflow_id)
            earlier = {} if run_id == workflow_id else await asyncio.to_thread(_results, run_id)
            made = self._runs[run_id] = DbosRun(run_id, self._lease, self._patience, self._start, earlier)
            name = kind.__name__
            try:
                with (
                    telemetry.span(f"workflow {name}", puppet__workflow__id=run_id, puppet__agent__id=task.agent_id),
                    WORKFLOWS.time(kind=name),
                ):
                    await handler(made, task)
            finally:
                self._runs.pop(run_id, None)

        return DBOS.workflow(name=kind.__name__)(run)

    async def _close(self) -> None:
        # Cancelled workflows stay pending. DBOS itself would wait for them a whole second at least.
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        # DBOS has made its threads the loop's, and has now ended them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def _agent_of(given: Any) -> str:
    """Return the agent of a workflow's task, by what DBOS keeps that it was called with."""
    [task] = given["args"]
    return str(task.agent_id)


def _name_of(workflow_id: str) -> str:
    """Return the name of what a workflow does: its id, without what says that it was begun anew."""
    return _ANEW.sub("", workflow_id)


def _results(name: str) -> Results:
    """Return what the steps of older versions of a workflow returned, as far as it can be read."""
    kept: dict[tuple[str, int], Any] = {}
    system = dbos_instance()._sys_db
    versions = range(1, int(APPLICATION_VERSION))
    for workflow_id in (name, *(f"{name}@v{version}" for version in versions)):
        places: Counter[str] = Counter()
        for step in system.list_workflow_steps(workflow_id):
            place = step["function_name"], places[step["function_name"]]
            places[step["function_name"]] += 1
            output = step["output"]
            if step["error"] is None and (output is None or isinstance(output, tuple(STORED.values()))):
                kept[place] = output
    return kept


def _tell_subseconds(connection: Any, _record: object) -> None:
    """Teach an older SQLite `unixepoch('subsec')`: DBOS asks for it on Python 3.12, SQLite has it since 3.42."""
    if isinstance(connection, sqlite3.Connection) and sqlite3.sqlite_version_info < (3, 42):
        connection.create_function("unixepoch", 1, lambda _modifier: time.time())


async def _same(outcome: T) -> T:
    return outcome


def _done(outcome: T | Failure) -> T:
    """Return what an attempt returned. Raises StepFailed."""
    if isinstance(outcome, Failure):
        raise StepFailed(outcome.reason, outcome.message, outcome.cause, outcome.retry_time)
    return outcome


async def _attempted(
    name: str, action: Callable[[], Awaitable[T]], timeout_seconds: float, note: Callable[[RetryLater], None]
) -> T | Failure:
    """Do this; repeat transient failures until the timeout."""
    try:
        return await retry(action, timeout_seconds, note)
    except (RetryLater, Refused) as error:
        return _failure(error, error.retry_after)
    except PuppetError as error:
        return Failure(error.reason, error.message)
    except Exception:
        error_id = secrets.token_hex(8)
        log.exception("step failed", extra={"step": name, "error_id": error_id})
        return Failure("INTERNAL", f"internal error {error_id}")


def _failure(error: PuppetError, retry_after: float) -> Failure:
    retry_time = datetime.now(UTC) + timedelta(seconds=retry_after) if retry_after >= TOLD_SECONDS else None
    cause = error.because if isinstance(error, DependencyUnavailable) else ""
    return Failure(error.reason, error.message, cause, retry_time)
