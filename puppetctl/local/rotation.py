"""Logs of `up` that stay small: by size, a few are kept.

A program writes to the end of its log with a descriptor of its own, and so do its children. So what is full is copied
and emptied, and nobody has to open anything anew; the few lines that are written between the two are lost.
"""

import asyncio
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

MAX_BYTES = 8 * 2**20
KEPT = 3
"""How many full logs are kept beside the one that is written: `memory.log.1` is the newest."""

_LOOK_SECONDS = 5.0


async def keep_small(logs: Iterable[Path], seconds: float = _LOOK_SECONDS) -> None:
    """Look at the logs again and again, and put aside what is full."""
    while True:
        await asyncio.sleep(seconds)
        for log in logs:
            if log.exists() and log.stat().st_size > MAX_BYTES:
                await asyncio.to_thread(rotate, log)


def rotate(log: Path) -> None:
    """Put aside the end of a log, as much of it as a log may have, and empty it; the oldest one goes."""
    for number in range(KEPT - 1, 0, -1):
        if (older := _numbered(log, number)).exists():
            older.replace(_numbered(log, number + 1))
    aside = os.open(_numbered(log, 1), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(aside, "wb") as target, log.open("rb+") as source:
        source.seek(max(0, source.seek(0, os.SEEK_END) - MAX_BYTES))
        shutil.copyfileobj(source, target)
        source.truncate(0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
