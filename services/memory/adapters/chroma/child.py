"""The process that holds an embedded index: `python -m services.memory.adapters.chroma.child FOLDER`.

Chroma keeps the interpreter to itself while it writes, may end the process that opens a damaged folder, and can't be
closed within a process. Requests `(number, method, arguments)` come on stdin, and answers `(number, error, value)` go
to stdout; the first one, number 0, tells that the folder is open or why it isn't.
"""

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from services.memory.adapters.chroma import frames
from services.memory.adapters.chroma.folder_lock import lock

if TYPE_CHECKING:
    from services.memory.adapters.chroma.shards import Shards

Send = Callable[[int, str | None, Any], None]

_LOCK_SECONDS = 20.0
_READERS = 4
# Chroma loses writes when more collections are in use than a fifth of the files that may be open.
_OPEN_FILES = 4096


def main(folder: Path) -> None:
    """Serve until stdin ends, then finish what is under way."""
    # Nothing but the end of stdin ends it, so that it never ends within a write: signals often go to a whole group.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    _allow_open_files()
    send = _sender(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever a library prints stays out of the answers
    try:
        lock(folder, _LOCK_SECONDS)
        shards = _open(folder)
    except BaseException as error:  # noqa: BLE001 - a panic in Chroma's Rust is no Exception
        send(0, _text(error), None)
    else:
        send(0, None, None)
        _serve(shards, send)


def _open(folder: Path) -> "Shards":
    # Imported only now: it takes a second, in which signals must be ignored already.
    import chromadb
    from chromadb.config import Settings

    from services.memory.adapters.chroma.shards import Shards

    return Shards(chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False)), "memories")


def _serve(shards: "Shards", send: Send) -> None:
    def answer(number: int, method: str, arguments: Sequence[Any]) -> None:
        try:
            value = getattr(shards, method)(*arguments)
        except BaseException as error:  # noqa: BLE001 - as above
            send(number, _text(error), None)
        else:
            send(number, None, value)

    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(_READERS) as readers:
        while request := frames.read(sys.stdin.buffer):
            pool = writer if request[1] in ("put", "remove") else readers
            pool.submit(answer, *request)
        for pool in (writer, readers):
            pool.shutdown(wait=False, cancel_futures=True)


def _sender(stream: BinaryIO) -> Send:
    turn = threading.Lock()

    def send(number: int, error: str | None, value: Any) -> None:
        try:
            with turn:
                stream.write(frames.pack((number, error, value)))
                stream.flush()
        except BrokenPipeError:  # the service is gone, and stdin will end
            pass

    return send


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
