"""One process at a time in a folder: several with the same Chroma folder open lose vectors without a word."""

import fcntl
import os
import time
from pathlib import Path

NAME = "lock"


def lock(folder: Path, seconds: float) -> int:
    """Lock a folder, which is made if need be, until the returned descriptor is closed or the process has ended.

    Raises TimeoutError when another process has it for so long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise TimeoutError(f"another process still uses {folder}") from None
            time.sleep(0.02)
        else:
            return descriptor
