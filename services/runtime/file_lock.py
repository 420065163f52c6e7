"""Locks on files: held until they are given back, or the process has ended, whatever ends it."""

import fcntl
import os
import time
from pathlib import Path


def lock(path: Path, timeout_seconds: float) -> int:
    """Lock a file, which is made if need be, until the returned descriptor is closed or the process has ended.

    Blocks; raises TimeoutError when another process has it for so long.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise TimeoutError(f"another process still has {path}") from None
            time.sleep(0.02)
        else:
            return descriptor
