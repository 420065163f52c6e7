"""Durable workflows on DBOS itself, and on what somebody else has written into its database."""

import asyncio
import base64
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dbos as dbos_package
import pytest
import sqlalchemy as sa
from dbos import DBOS

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.adapters import dbos
from services.agents.adapters.dbos import APPLICATION_VERSION, LONGEST, DbosWorkflows
from services.agents.domain.proposals import Pass
from services.agents.domain.records import Passed, PassReason
from services.agents.domain.tasks import TradeTask, WithdrawTask
from services.agents.ports.workflows import Run
from services.agents.settings import AgentsSettings
from services.runtime.idempotency import RequestKey
from services.runtime.rpc import boundary
from services.runtime.rpc.principals import OPERATOR
from services.runtime.settings import MIN_REQUEST_DAYS
from tests.fakes.agents import FakeLease, World
from tests.integration.agents.conftest import Open, create, until
from tests.support.waits import WAIT_SECONDS

Handle = Callable[[Run, Any], Awaitable[None]]


class Bench:
    """DBOS on one database, which is opened again and again, and written to in between."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.lives = 0
        self.others: set[str] = set()
        """Replicas that are there."""
        self.done: list[str] = []
        self.held = asyncio.Event()

    @asynccontextmanager
    async def opened(self, handle: Handle, kind: type = TradeTask) -> AsyncIterator[DbosWorkflows]:
        self.lives += 1
        lease = FakeLease(f"agents/{self.lives}")
        workflows = DbosWorkflows(self._url, lease, 1.0)
        async with workflows.running({kind: handle}):
            await workflows.adopt(await workflows.executors() - {lease.replica_id, *self.others})
            yield workflows

    async def finish(self, run: Run, _task: TradeTask) -> None:
        """Take one step, and end."""
        kept = await run.step("first", self.decide)
        assert isinstance(kept, Pass)
        self.done.append(run.id)

    async def stay(self, run: Run, _task: TradeTask) -> None:
        """Take one step, and stay in the second."""
        await run.step("first", self.decide)
        self.done.append(run.id)
        await run.step("second", self._wait)

    async def decide(self) -> Pass:
        return Pass(Passed(PassReason.HOLD, details=("the market is bad",)))

    async def _wait(self) -> None:
        await self.held.wait()

    async def leave_under_way(self, *names: str) -> None:
        """Leave workflows that have taken their first step and hang in the second."""
        async with self.opened(self.stay) as workflows:
            for name in names:
                await workflows.start(name, TradeTask("wren"))
            await until(lambda: len(self.done) == len(names))
        self.done.clear()

    def write(self, table: str, workflow_id: str, **values: Any) -> None:
        """Write into DBOS's database, as somebody who has got at it."""
        with self._engine() as connection:
            schema = "dbos." if connection.dialect.name == "postgresql" else ""
            columns = ", ".join(f"{name} = :{name}" for name in values)
            statement = f"UPDATE {schema}{table} SET {columns} WHERE workflow_uuid = :workflow_id"  # noqa: S608
            assert connection.execute(sa.text(statement), {**values, "workflow_id": workflow_id}).rowcount

    def write_input(self, workflow_id: str, inputs: str, **values: Any) -> None:
        """Write what a workflow was asked to do; DBOS has it in a table of its own, and in an older place."""
        self.write("workflow_input", workflow_id, inputs=inputs)
        self.write("workflow_status", workflow_id, inputs=inputs, **values)

    def states(self) -> dict[str, str]:
        """Return how each workflow stands."""
        with self._engine() as connection:
            schema = "dbos." if connection.dialect.name == "postgresql" else ""
            rows = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {schema}workflow_status"))  # noqa: S608
            return {row[0]: row[1] for row in rows}

    def steps(self, workflow_id: str) -> list[str]:
        """Return the names of the steps that are kept of a workflow."""
        with self._engine() as connection:
            schema = "dbos." if connection.dialect.name == "postgresql" else ""
            query = f"SELECT function_name, workflow_uuid FROM {schema}operation_outputs ORDER BY function_id"  # noqa: S608
            return [name for name, whose in connection.execute(sa.text(query)) if whose == workflow_id]

    def texts(self) -> str:
        """Return everything that DBOS has stored, as text."""
        with self._engine() as connection:
            schema = "dbos." if connection.dialect.name == "postgresql" else ""
            queries = [
                f"SELECT inputs FROM {schema}workflow_input",  # noqa: S608
                f"SELECT inputs, output, error, serialization FROM {schema}workflow_status",  # noqa: S608
                f"SELECT output, error, serialization FROM {schema}operation_outputs",  # noqa: S608
            ]
            return "\n".join(str(tuple(row)) for query in queries for row in connection.execute(sa.text(query)))

    def _engine(self) -> Any:
        return sa.create_engine(self._url, poolclass=sa.NullPool).begin()


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    return Bench(AgentsSettings(data_dir=tmp_path, database_url=database_url).dbos_url())


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self._path,)


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    return tmp_path / "sprung"


@pytest.fixture
def trap(sprung: Path) -> Iterator[str]:
    """Return what makes the folder `sprung` when it is unpickled, as DBOS's own serializer writes it."""
    yield base64.b64encode(pickle.dumps(_Trap(sprung))).decode()
    assert not sprung.exists()


async def test_everything_that_ended_is_forgotten_however_much_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbos, "_DELETED_AT_ONCE", 2)
    bench = Bench(f"sqlite:///{tmp_path / 'workflows.db'}")
    async with bench.opened(bench.finish) as workflows:
        for number in range(5):
            await workflows.start(f"trade/{number}", TradeTask("wren"))
        for number in range(5):
            handle: Any = await DBOS.retrieve_workflow_async(f"trade/{number}")
            await handle.get_result(polling_interval_sec=0.01)
        await workflows.forget(datetime.now(UTC) + timedelta(minutes=1))
        assert await DBOS.list_workflows_async() == []


async def test_what_is_stored_is_json_that_anybody_can_read(bench: Bench) -> None:
    await bench.leave_under_way("trade/1")
    kept = bench.texts()
    assert '{"args":[{"type":"trade_task","value":{"agent_id":"wren","trigger":"schedule","principal":""}}]}' in kept
    assert '{"type":"pass","value":{"passed":{"reason":"hold",' in kept
    assert "py_pickle" not in kept
    async with bench.opened(bench.finish):
        await until(lambda: bench.done == ["trade/1"])


async def test_a_pickle_is_never_read_wherever_it_stands(bench: Bench, trap: str) -> None:
    await bench.leave_under_way("input", "unnamed", "step", "step error", "good")
    pickled = {"serialization": "py_pickle"}
    bench.write_input("input", trap, **pickled)
    bench.write_input("unnamed", trap, serialization=None)
    bench.write("operation_outputs", "step", output=trap, **pickled)
    bench.write("operation_outputs", "step error", output=None, error=trap, **pickled)
    async with bench.opened(bench.finish) as workflows:
        await until(lambda: bench.done == ["good"] and "PENDING" not in bench.states().values())
        for name in bench.states().keys() - {"good"}:
            handle: Any = await DBOS.retrieve_workflow_async(name)
            with pytest.raises(Exception):  # noqa: B017, PT011 - whichever it is, it was read again without harm
                await handle.get_result(polling_interval_sec=0.01)
            await workflows.start(name, TradeTask("wren"))
        assert len(await DBOS.list_workflows_async()) == 5
    assert bench.states() == {
        **dict.fromkeys(("input", "unnamed", "step", "step error"), "ERROR"),
        "good": "SUCCESS",
    }


async def test_outcomes_that_are_pickles_are_never_read(bench: Bench, trap: str) -> None:
    async with bench.opened(bench.finish) as workflows:
        for name in ("output", "error"):
            await workflows.start(name, TradeTask("wren"))
        await until(lambda: set(bench.states().values()) == {"SUCCESS"})
        bench.write("workflow_status", "output", output=trap, serialization="py_pickle")
        bench.write("workflow_status", "error", status="ERROR", error=trap, serialization="py_pickle")
        for name in ("output", "error"):
            handle: Any = await DBOS.retrieve_workflow_async(name)
            with pytest.raises(Exception, match="pickle"):
                await handle.get_result(polling_interval_sec=0.01)
        await DBOS.list_workflows_async()
        for name in ("output", "error"):
            await DBOS.list_workflow_steps_async(name)
        await workflows.forget(datetime.now(UTC) + timedelta(minutes=1))
        assert bench.states() == {}


async def test_a_row_of_another_task_or_of_nothing_known_ends_its_own_workflow_only(bench: Bench) -> None:
    await bench.leave_under_way("another", "plain", "unknown", "step", "good")
    bench.write_input("another", '{"args":[{"type":"withdraw_task","value":{"agent_id":"wren"}}]}')
    bench.write_input("plain", '{"positionalArgs":["wren"]}', serialization="portable_json")
    bench.write_input("unknown", '{"args":[{"type":"task","value":{}}]}')
    bench.write("operation_outputs", "step", output='{"type":"trade_task","value":{"agent_id":"wren"}}')
    async with bench.opened(bench.finish):
        await until(lambda: bench.done == ["good"] and "PENDING" not in bench.states().values())
    assert bench.states() == {**dict.fromkeys(("another", "plain", "unknown", "step"), "ERROR"), "good": "SUCCESS"}


async def test_what_an_older_version_left_that_cannot_be_read_is_ended_with_a_line_and_not_taken_up(
    bench: Bench, trap: str, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.leave_under_way("old", "enqueued", "elsewhere", "gone", "good")
    bench.others = {"agents-2"}
    assert APPLICATION_VERSION != "1"
    old = {"application_version": "1", "inputs": trap, "serialization": "py_pickle"}
    bench.write_input("old", **old)
    bench.write_input("enqueued", status="ENQUEUED", queue_name="_dbos_internal_queue", **old)
    bench.write_input("elsewhere", executor_id="agents-2", **old)
    bench.write("workflow_status", "gone", name="NoTask")
    async with bench.opened(bench.finish) as workflows:
        await until(lambda: bench.done == ["good"] and bench.states()["good"] == "SUCCESS")
        # The schedule may ask for it once more, when a crash came between the start and the next time.
        await workflows.start("old", TradeTask("wren"))
        assert bench.done == ["good"]
    # Another replica is still running what is its own.
    cancelled = dict.fromkeys(("old", "enqueued", "gone"), "CANCELLED")
    assert bench.states() == {**cancelled, "elsewhere": "PENDING", "good": "SUCCESS"}
    ended = {getattr(record, "workflow_id", "") for record in caplog.records if "is ended" in record.message}
    assert ended == cancelled.keys()


async def test_what_an_older_version_began_is_begun_anew_by_the_same_name_and_repeats_no_step_that_it_can_read(
    bench: Bench,
) -> None:
    await bench.leave_under_way("known", "lost")
    for name in ("known", "lost"):
        bench.write("workflow_status", name, application_version="3")
    # As a later version wouldn't understand it.
    bench.write("operation_outputs", "lost", output='{"type":"heard","value":{}}')
    decided: list[str] = []

    async def finish(run: Run, _task: TradeTask) -> None:
        async def decide() -> Pass:
            decided.append(run.id)
            return await bench.decide()

        assert isinstance(await run.step("first", decide), Pass)
        await run.step("second", decide)
        bench.done.append(run.id)

    anew = {f"{name}@v{APPLICATION_VERSION}": "SUCCESS" for name in ("known", "lost")}
    async with bench.opened(finish) as workflows:
        await until(lambda: bench.states() == {"known": "CANCELLED", "lost": "CANCELLED", **anew})
        await workflows.start("known", TradeTask("wren"))
    assert sorted(bench.done) == ["known", "lost"]
    assert sorted(decided) == ["known", "lost", "lost"]
    # Whoever comes next has nothing to do.
    async with bench.opened(finish):
        assert len(bench.states()) == 4
    assert len(bench.done) == 2


async def test_what_a_newer_version_began_waits_for_one(bench: Bench) -> None:
    await bench.leave_under_way("newer", "good")
    bench.write("workflow_status", "newer", application_version="999")
    async with bench.opened(bench.finish):
        await until(lambda: bench.done == ["good"] and bench.states()["good"] == "SUCCESS")
    assert bench.states()["newer"] == "PENDING"


async def test_the_service_starts_over_pickles_of_before_and_its_agents_go_on(
    reopen: Open,
    settings: AgentsSettings,
    world: World,
    persona: dict[str, Any],
    trap: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.social.sending = asyncio.Event()
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        posting: Any = agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="old"), timeout=30)
        await until(lambda: bool(world.social.posts))
        posting.cancel()
    bench, (old, new_id) = Bench(settings.dbos_url()), map(_triggered, ("old", "new"))
    pickled = {"serialization": "py_pickle"}
    bench.write_input(old, trap, application_version="1", **pickled)
    bench.write("operation_outputs", old, output=trap, **pickled)
    world.social.sending = None
    # A busy machine needs longer for its answer than the half second that is kept for it.
    monkeypatch.setattr(boundary, "_ANSWER_SECONDS", 25.0)
    async with reopen() as agents:
        again = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="old"), timeout=30)
        assert not again.HasField("activity")
        new = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="new"), timeout=30)
        assert new.activity.kind == log_pb.ACTIVITY_KIND_POST
        ends = {old: "CANCELLED", new_id: "SUCCESS"}
        await until(lambda: bench.states() == ends)
    assert len(world.social.posts) == 2


def _triggered(request_id: str) -> str:
    return f"trigger-post/{RequestKey.of(OPERATOR, 'puppet.agents.v1.TriggerPost', request_id, b'').digest}"


async def test_a_task_of_one_kind_is_not_run_by_the_handler_of_another(bench: Bench) -> None:
    async with bench.opened(bench.finish, WithdrawTask) as workflows:
        with pytest.raises(KeyError):
            await workflows.start("trade", TradeTask("wren"))


def test_dbos_unpickles_in_the_one_place_that_is_forbidden() -> None:
    # A new version of DBOS that reads pickles elsewhere has to be looked at.
    package = Path(dbos_package.__file__).parent
    found = {
        path.name: text.count("pickle.load") + text.count("PickleType") + text.count("Unpickler")
        for path in package.rglob("*.py")
        if "pickle" in (text := path.read_text())
    }
    assert {name: count for name, count in found.items() if count} == {"_serialization.py": 1}


async def test_what_is_older_than_any_request_is_known_for_is_ended_and_not_taken_up(bench: Bench) -> None:
    await bench.leave_under_way("old", "younger")
    for name, age in (("old", LONGEST + timedelta(hours=1)), ("younger", LONGEST - timedelta(hours=1))):
        bench.write("workflow_status", name, created_at=int((datetime.now(UTC) - age).timestamp() * 1000))
    async with bench.opened(bench.finish):
        await until(lambda: bench.done == ["younger"] and bench.states()["younger"] == "SUCCESS")
    assert bench.states() == {"old": "CANCELLED", "younger": "SUCCESS"}
    assert timedelta(days=MIN_REQUEST_DAYS) > LONGEST


async def test_what_waits_for_a_time_is_no_load(bench: Bench) -> None:
    async def rest(run: Run, _task: TradeTask) -> None:
        bench.done.append(run.id)
        await run.sleep(600)

    async with bench.opened(bench.stay) as workflows:
        await workflows.start("trade/wren/1", TradeTask("wren"))
        await until(lambda: bench.done == ["trade/wren/1"])
        assert list(workflows.under_way()) == ["trade/wren/1"]
    async with bench.opened(rest) as workflows:
        await workflows.start("trade/wren/2", TradeTask("wren"))
        await until(lambda: "trade/wren/2" in bench.done)
        assert list(workflows.under_way()) == []
        assert bench.states()["trade/wren/2"] == "PENDING"


async def test_what_may_be_repeated_is_not_kept_and_a_replay_does_it_again(bench: Bench) -> None:
    sent: list[str] = []

    async def send() -> Pass:
        sent.append("sent")
        return await bench.decide()

    async def act(run: Run, _task: TradeTask) -> None:
        await run.step("first", bench.decide)
        await run.step("send", send, may_repeat=lambda _outcome: True)
        bench.done.append(run.id)
        await asyncio.sleep(0 if bench.lives > 1 else WAIT_SECONDS)

    async with bench.opened(act) as workflows:
        await workflows.start("w1", TradeTask("wren"))
        await until(lambda: bench.done == ["w1"])
    assert bench.steps("w1") == ["first"]
    async with bench.opened(act):
        await until(lambda: bench.states() == {"w1": "SUCCESS"})
    assert len(sent) == 2
    assert bench.steps("w1") == ["first", "send"]


async def test_what_may_not_be_repeated_is_kept_and_a_replay_goes_by_it(bench: Bench) -> None:
    outcomes = [Pass(Passed(PassReason.STOPPED_BEFORE_SENDING)), Pass(Passed(PassReason.HOLD))]
    found: list[Pass] = []

    async def send() -> Pass:
        return outcomes.pop(0)

    async def act(run: Run, _task: TradeTask) -> None:
        await run.step("first", bench.decide)
        # A replay that asked itself would find that it may be repeated, and do it.
        found.append(await run.step("send", send, may_repeat=lambda one: one.passed.reason is PassReason.HOLD))
        await asyncio.sleep(0 if bench.lives > 1 else WAIT_SECONDS)

    async with bench.opened(act) as workflows:
        await workflows.start("w1", TradeTask("wren"))
        await until(lambda: len(found) == 1)
    async with bench.opened(act):
        await until(lambda: bench.states() == {"w1": "SUCCESS"})
    assert [one.passed.reason for one in found] == 2 * [PassReason.STOPPED_BEFORE_SENDING]
    assert len(outcomes) == 1
