"""The embedded index: a process of its own for each build, with its files in a folder named after the build."""

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from typing_extensions import override

from services.memory.adapters.chroma import frames
from services.memory.adapters.chroma.folder_lock import lock
from services.memory.adapters.chroma.generation import ANSWER_SECONDS, ShardedGeneration
from services.memory.domain.vectors import IndexDown
from services.memory.ports.index import Index
from services.runtime.environment import inherited

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 10.0
_LOCK_SECONDS = 10.0
_BUFFER = 2**20


class EmbeddedIndex(Index):
    """Opens builds below one folder, which belongs to the index alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    async def open(self, generation: int) -> "EmbeddedGeneration":
        command = (sys.executable, "-m", "services.memory.adapters.chroma.child", str(self._folder / str(generation)))
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=inherited(os.environ), stdin=pipe, stdout=pipe, limit=_BUFFER
            )
        except OSError as error:
            raise IndexDown("the process of the vector index can't be started", problem=str(error)) from error
        opened = EmbeddedGeneration(process)
        try:
            await opened.wait_open()
        except BaseException:
            await opened.close()
            raise
        return opened

    @override
    async def drop_others(self, generation: int) -> None:
        """Delete every build but this one, and whatever else lies in the folder. Raises IndexDown."""
        try:
            await asyncio.to_thread(self._drop_others, str(generation))
        except OSError as error:
            raise IndexDown("old builds of the vector index can't be deleted", problem=str(error)) from error

    def _drop_others(self, kept: str) -> None:
        for entry in list(self._folder.glob("*")):
            if entry.name == kept:
                continue
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink()
                continue
            # The process of a service that was killed may still be writing there.
            descriptor = lock(entry, _LOCK_SECONDS)
            try:
                shutil.rmtree(entry)
            finally:
                os.close(descriptor)


class EmbeddedGeneration(ShardedGeneration):
    """Sends numbered requests to the process, which answers them in any order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        self._process, self._requests, self._answers = process, process.stdin, process.stdout
        self._waiting: dict[int, asyncio.Future[tuple[str | None, Any]]] = {}
        self._numbers = itertools.count()
        self._closing = False
        self._ended = ""
        # The process answers number 0 by itself.
        self._opening = self._expect(next(self._numbers))
        self._reading = asyncio.create_task(self._read(), name="vector index")

    async def wait_open(self) -> None:
        """Return when the process has its folder open. Raises IndexDown."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                error, _ = await self._opening
        except TimeoutError:
            error = f"no answer within {ANSWER_SECONDS:g} seconds"
        if error is not None:
            raise IndexDown("the vector index can't be opened", problem=error)

    @override
    async def close(self) -> None:
        """End the process: by itself after the write under way, or by force when that takes too many seconds."""
        self._closing = True
        self._end("it is closed")
        self._requests.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.warning("the vector index had to be killed")
        finally:
            if self._process.returncode is None:
                self._process.kill()
        await self._reading
        with contextlib.suppress(ConnectionError):
            await self._requests.wait_closed()

    async def _call(self, method: str, *arguments: Any) -> Any:
        if self._ended:
            raise IndexDown("the vector index can't be used", problem=self._ended)
        number = next(self._numbers)
        answer = self._expect(number)
        try:
            # A request is handed over whole, so that a caller who is cancelled leaves no half of one behind.
            self._requests.write(frames.pack((number, method, arguments)))
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._requests.drain()
                error, value = await answer
        except TimeoutError:
            error, value = f"no answer within {ANSWER_SECONDS:g} seconds", None
        except ConnectionError:
            error, value = "its process takes no requests", None
        finally:
            del self._waiting[number]
        if error is not None:
            raise IndexDown("the vector index can't be used", problem=error)
        return value

    def _expect(self, number: int) -> asyncio.Future[tuple[str | None, Any]]:
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        return answer

    async def _read(self) -> None:
        try:
            while True:
                number, error, value = await frames.receive(self._answers)
                answer = self._waiting.get(number)
                if answer is not None and not answer.done():
                    answer.set_result((error, value))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._end("its process has ended")
        code = await self._process.wait()
        if not self._closing:
            log.error("the process of the vector index has ended", extra={"exit_code": code})

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result((self._ended, None))
