"""Durable workflows on DBOS, which keeps them in SQLite or Postgres.

DBOS is one per process, and its registry of workflows is global: it is built when the service opens, and torn down
when it closes.
"""

import asyncio
import contextlib
import logging
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from services.agents.adapters.dbos_json import StoredJson, UnreadableRecord, forbid_pickle
from services.agents.adapters.dbos_package import DBOS, DBOSConfig, SetWorkflowID
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.tasks import Task
from services.agents.ports.neighbours import Refused
from services.agents.ports.stored import Failure, Post, Progress, Trade
from services.agents.ports.workflows import TOLD_SECONDS, Run, StepFailed, Waiting
from services.runtime import telemetry
from services.runtime.errors import PuppetError, RetryLater
from services.runtime.retrying import retry
from services.runtime.rpc import identity
from services.runtime.rpc.boundary import deadline
from services.runtime.settings import LEAST_REQUEST_DAYS
from services.runtime.telemetry import Histogram

log = logging.getLogger(__name__)
T = TypeVar("T")

# What another version left unfinished is ended, not taken up. Change it when the steps of a workflow change.
APPLICATION_VERSION = "4"
WORKFLOWS = Histogram(
    "puppet.workflow.duration",
    "s",
    "How long workflows took, waiting included.",
    (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1200),
)
_DELETED_AT_ONCE = 500
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]

LONGEST = timedelta(days=LEAST_REQUEST_DAYS - 1)
"""How old a workflow may be to be taken up: what it repeats is known to the other services by its request ids."""

Handler: TypeAlias = Callable[[Run, Any], Awaitable[None]]


class DbosRun:
    """The workflow that is running in this task."""

    def __init__(
        self, workflow_id: str, patience_seconds: float, start: Callable[[str, Task], Awaitable[None]]
    ) -> None:
        self._id = workflow_id
        self._patience = patience_seconds
        self._start = start
        self.waiting: Waiting | None = None
        """What it is doing."""

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self._id

    async def step(self, name: str, action: Callable[[], Awaitable[T]], patience_seconds: float | None = None) -> T:
        """Do this and keep what it returns. Raises StepFailed."""
        patience = self._patience if patience_seconds is None else min(self._patience, patience_seconds)
        outcome = _done(await DBOS.run_step_async({"name": name}, self._attempt, name, action, patience))
        if isinstance(outcome, Post | Trade) and outcome.progress is Progress.UNDER_WAY and self.waiting:
            self.waiting = replace(self.waiting, message=outcome.reason)
        return outcome

    async def repeat(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        """Do this, and keep nothing. Raises StepFailed."""
        _done(await self._attempt(name, action, self._patience))

    async def _attempt(self, name: str, action: Callable[[], Awaitable[T]], patience_seconds: float) -> T | Failure:
        self.waiting = Waiting(name, datetime.now(UTC))
        with telemetry.span(f"step {name}") as span:
            outcome = await _attempted(name, action, patience_seconds, self._note)
            if isinstance(outcome, Failure):
                span.fail(outcome.reason)
            return outcome

    def _note(self, error: RetryLater) -> None:
        if self.waiting is not None:
            self.waiting = replace(self.waiting, reason=error.reason, message=error.message)

    async def sleep(self, seconds: float) -> None:
        """Wait; what is left of it outlives a crash."""
        await DBOS.sleep_async(seconds)

    async def start(self, workflow_id: str, task: Task) -> None:
        """Start another workflow, unless there is one with this id."""
        await self._start(workflow_id, task)


class DbosWorkflows:
    """Runs workflows while `running` is open; the ones that were cut short go on when it is opened again."""

    def __init__(self, url: str, executor_id: str, patience_seconds: float) -> None:
        """Take DBOS's database, the name of this replica, and how long a step repeats a transient failure."""
        self._config = DBOSConfig(
            name="puppet-agents",
            system_database_url=url,
            executor_id=executor_id,
            application_version=APPLICATION_VERSION,
            serializer=StoredJson(),
            log_level="ERROR",
            # Nothing here waits for another workflow's events; the listener's interval is only how long closing takes.
            use_listen_notify=False,
            notification_listener_polling_interval_sec=0.2,
        )
        self._executor_id = executor_id
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
            await self._end_what_cannot_go_on()
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

    async def _end_what_cannot_go_on(self) -> None:
        """End what this replica left unfinished long ago, under another version, or as a kind of task that is gone.

        DBOS would keep it pending for ever. What it had sent is finished by the service that owns the effect, and what
        it had not done comes up again by the schedule.
        """
        try:
            unfinished = await DBOS.list_workflows_async(
                status=_UNFINISHED, executor_id=self._executor_id, load_input=False, load_output=False
            )
            names = self._names
            oldest = datetime.now(UTC) - LONGEST
            left = [
                workflow
                for workflow in unfinished
                if workflow.app_version != APPLICATION_VERSION
                or workflow.name not in names
                or (workflow.created_at or 0) < oldest.timestamp() * 1000
            ]
            for workflow in left:
                told = {"workflow_id": workflow.workflow_id, "version": workflow.app_version}
                log.warning("a workflow of another version, or of long ago, is ended", extra=told)
            await DBOS.cancel_workflows_async([workflow.workflow_id for workflow in left])
        except Exception:
            # Whatever stands in those rows, the service itself has to start.
            log.exception("could not end the workflows of another version")

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
            deadline.set(None)
            identity.act_as(None)
            telemetry.begin_trace(workflow_id)
            if not isinstance(task, kind):
                raise UnreadableRecord(f"a {kind.__name__} was to be stored, and a {type(task).__name__} was found")
            made = self._runs[workflow_id] = DbosRun(workflow_id, self._patience, self._start)
            name = kind.__name__
            try:
                with (
                    telemetry.span(
                        f"workflow {name}", puppet__workflow__id=workflow_id, puppet__agent__id=task.agent_id
                    ),
                    WORKFLOWS.time(kind=name),
                ):
                    await handler(made, task)
            finally:
                self._runs.pop(workflow_id, None)

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


def _tell_subseconds(connection: Any, _record: object) -> None:
    """Teach an older SQLite `unixepoch('subsec')`: DBOS asks for it on Python 3.12, SQLite has it since 3.42."""
    if isinstance(connection, sqlite3.Connection) and sqlite3.sqlite_version_info < (3, 42):
        connection.create_function("unixepoch", 1, lambda _modifier: time.time())


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
