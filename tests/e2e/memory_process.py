"""The memory service as a process of its own, which is killed and started again on the same data."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from tests.conftest import ROOT
from tests.e2e.suite import clean_environment
from tests.support.channels import open_as, operator_of

# Enough for a machine that does much else.
_SECONDS = 90.0
_POLL_SECONDS = 0.02
_INDEX = "services.memory.adapters.chroma.child"


class Service:
    """One process after the other, all with the same database and folder."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        """Take the folder of data and logs, the database, an empty URL for SQLite in that folder, and more settings."""
        self._folder = folder
        self._environment = clean_environment() | {
            "PUPPET_MEMORY_PORT": "0",
            "PUPPET_MEMORY_DATA_DIR": str(folder / "data"),
            "PUPPET_MEMORY_DATABASE_URL": database_url,
            **{f"PUPPET_MEMORY_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.aio.Channel | None = None
        self._indexes: set[psutil.Process] = set()
        self._starts = 0
        self.logged: Counter[str] = Counter()
        """What ended processes logged, by message."""

    @property
    def stub(self) -> MemoryServiceStub:
        """What calls the present process."""
        return MemoryServiceStub(self.channel)

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel to the present process."""
        assert self._channel is not None
        return self._channel

    @property
    def files(self) -> Path | None:
        """Where an embedded database has its files."""
        return None if self._environment["PUPPET_MEMORY_DATABASE_URL"] else self._folder / "data"

    @property
    def is_running(self) -> bool:
        """True from its start until it is killed."""
        return self._process is not None

    def start(self) -> None:
        """Start a process, and return before it serves."""
        assert self._process is None
        self._starts += 1
        # Every other process searches by its index only, which is what repairs are seen in.
        environment = self._environment | ({"PUPPET_MEMORY_EXACT_LIMIT": "0"} if self._starts % 2 else {})
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.memory"], cwd=ROOT, env=environment, stderr=log
            )

    async def serves(self) -> None:
        """Wait until the process serves, and says so to a health check."""
        async with asyncio.timeout(_SECONDS):
            while not (served := [line["port"] for line in self._lines(self._log) if line["message"] == "serving"]):
                assert self._process is not None
                assert self._process.poll() is None, f"it ended by itself:\n{self._log.read_text()}"
                await asyncio.sleep(_POLL_SECONDS)
            self._channel = open_as(f"127.0.0.1:{served[0]}", operator_of(self._folder / "data"))
            request = health_pb2.HealthCheckRequest(service="puppet.memory.v1.MemoryService")
            answer = await health_pb2_grpc.HealthStub(self._channel).Check(request)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING

    async def is_indexed(self) -> None:
        """Wait until the index serves and has every change; one that rests is opened."""
        stats = await self.stub.GetMemoryStats(pb.GetMemoryStatsRequest(agent_id="nobody"))
        if stats.index.state == pb.INDEX_STATE_IDLE:
            await self.stub.VerifyIndex(pb.VerifyIndexRequest())
        await self._index_is(lambda index: index.state == pb.INDEX_STATE_READY and not index.pending_count)

    async def is_behind(self) -> None:
        """Wait until the index lacks something."""
        await self._index_is(lambda index: index.pending_count > 0)

    async def reindexes(self) -> None:
        """Have the index built anew, and wait until that has begun."""
        before = (await self.stub.Reindex(pb.ReindexRequest())).index.generation
        await self._index_is(lambda index: index.state == pb.INDEX_STATE_BUILDING or index.generation != before)

    async def _index_is(self, wanted: Callable[[pb.IndexStatus], bool]) -> None:
        request = pb.GetMemoryStatsRequest(agent_id="nobody")
        async with asyncio.timeout(_SECONDS):
            while not wanted((await self.stub.GetMemoryStats(request)).index):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)

    def kill(self, *victims: str) -> bool:
        """Kill `service`, `index` or both, in this order; False when there is no process of the index at the moment."""
        assert self._process is not None
        service, indexes = psutil.Process(self._process.pid), self._find_indexes()
        for victim in victims:
            for process in [service] if victim == "service" else indexes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        return bool(indexes)

    async def ended(self) -> None:
        """Wait until the killed process is gone; that of its index may still finish what is under way."""
        assert self._process is not None
        await asyncio.to_thread(self._process.wait)
        self._process = None
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
        self._read_log()

    async def close(self) -> None:
        """Kill what runs, and wait until nothing is left of it."""
        if self._process is not None:
            self.kill("service")
            await self.ended()
        _, left = await asyncio.to_thread(psutil.wait_procs, self._indexes, timeout=_SECONDS)
        for process in left:
            process.kill()
        assert not left, "a killed service left the process of its index"

    @property
    def _log(self) -> Path:
        return self._folder / f"{self._starts}.log"

    def last_lines(self) -> str:
        """Return what the last processes logged."""
        recent = range(max(1, self._starts - 2), self._starts + 1)
        return "\n".join(f"-- {start}.log\n{(self._folder / f'{start}.log').read_text()}" for start in recent)

    def _read_log(self) -> None:
        """Count what the last process logged; a fault of its own fails, and so does an index that ended by itself."""
        lines = list(self._lines(self._log))
        assert [line for line in lines if "exception" in line] == []
        assert {line["exit_code"] for line in lines if "exit_code" in line} <= {-signal.SIGKILL}
        self.logged.update(line["message"] for line in lines)

    def _lines(self, path: Path) -> Iterator[dict[str, Any]]:
        for line in path.read_text().splitlines():
            # The last one may have been cut off, and libraries of the index write what they like.
            with contextlib.suppress(json.JSONDecodeError):
                parsed = json.loads(line)
                if isinstance(parsed, dict):
                    yield parsed

    def _find_indexes(self) -> list[psutil.Process]:
        assert self._process is not None
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if _INDEX in child.cmdline():
                        found.append(child)
        self._indexes.update(found)
        return found
