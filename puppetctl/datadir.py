"""The data folder of an embedded suite: used by one suite at a time."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from puppetctl.suite import SuiteError, folder_of, prefix
from sandbox.data_folder import TOKEN_FILE
from services.runtime.private import make_folder, tighten

_LOCK_TIMEOUT_SECONDS = 1.0


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[int]:
    """Keep every other suite out of the folder; the value is the lock's file descriptor.

    The lock goes with the descriptor: children that inherit it hold it too, so the folder is free only when the last
    process that may write to it has ended. Raises SuiteError when the folder is in use or can't be written to.
    """
    try:
        make_folder(data_dir)
        tighten(data_dir)
        descriptor = os.open(data_dir / "puppetctl.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SuiteError(f"{data_dir} can't be used as the data folder: {error.strerror}") from None
    try:
        _acquire(descriptor, data_dir)
        # A suite that was killed has left its own state behind.
        write_state(descriptor, {})
        yield descriptor
        write_state(descriptor, {})
    finally:
        os.close(descriptor)


def write_state(descriptor: int, state: dict[str, object]) -> None:
    """Write into the lock file who runs here and where, for people and scripts."""
    content = json.dumps({"pid": os.getpid(), **state}, indent=1).encode() + b"\n"
    # Over the whole of the old state at once: whoever reads meanwhile finds one of them, if with blanks behind it.
    os.pwrite(descriptor, content.ljust(os.fstat(descriptor).st_size), 0)
    os.truncate(descriptor, len(content))


def running_addresses(data_dir: Path) -> dict[str, str]:
    """Return where the suite that runs on this folder listens, as `host:port` by name; nothing when none does."""
    try:
        descriptor = os.open(data_dir / "puppetctl.lock", os.O_RDONLY)
    except OSError:
        return {}
    try:
        # Whoever gets the lock may believe nothing of what stands there: nobody runs.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _addresses(_state(descriptor))
    finally:
        os.close(descriptor)
    return {}


def sandbox_token(name: str, data_dir: Path, environment: Mapping[str, str]) -> str:
    """Return what opens a sandbox's own routes: the environment's, else its folder's; empty when it has made none."""
    if given := environment.get(f"{prefix(name)}ADMIN_TOKEN"):
        return given
    try:
        return (folder_of(name, data_dir) / TOKEN_FILE).read_text().strip()
    except OSError:
        return ""


def _acquire(descriptor: int, data_dir: Path) -> None:
    # The children of a suite that was killed need a moment to end.
    until = time.monotonic() + _LOCK_TIMEOUT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise SuiteError(
                    f"{data_dir} is in use by {_owner(descriptor)}: stop it, or give another --data"
                ) from None
            time.sleep(0.05)
        else:
            return


def _owner(descriptor: int) -> str:
    pid = _state(descriptor).get("pid")
    return f"another puppetctl (pid {pid})" if pid else "another puppetctl"


def _state(descriptor: int) -> dict[str, Any]:
    """Return what stands in the lock file; nothing when that isn't readable."""
    try:
        state = json.loads(os.pread(descriptor, 65_536, 0))
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _addresses(state: Mapping[str, Any]) -> dict[str, str]:
    try:
        return {str(name): str(program["address"]) for name, program in state["programs"].items()}
    except (LookupError, TypeError, AttributeError):
        return {}
