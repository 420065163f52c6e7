"""What a process holds of the machine's memory while it rests: no more than it uses.

Two things stay resident that nobody uses: what glibc keeps of freed memory, and the code of libraries that only the
start has run. Of a megabyte that is used now and then, the pages of a file come back in microseconds: the kernel has
them, once for all processes that have the file loaded.
"""

import ctypes
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_M_TRIM_THRESHOLD = -1  # as in malloc.h
_MADV_DONTNEED = 4  # as in mman.h
_REST = 0.05
"""Of a core: who uses less of it than that is at rest."""


def configure() -> None:
    """Keep glibc from holding on to large buffers: it does once a few were freed, unless its threshold is set."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(_M_TRIM_THRESHOLD, 128 * 1024)


class GivingBack:
    """Gives back what isn't used, each time it is asked; looking takes a millisecond or two."""

    def __init__(self) -> None:
        self._looked, self._worked = time.monotonic(), time.process_time()

    async def __call__(self) -> None:
        """Return what is free between what is used, and at rest the code of libraries, to be loaded as it is run."""
        library = ctypes.CDLL(None)
        if trim := getattr(library, "malloc_trim", None):
            trim(0)
        if sys.platform == "linux" and self._is_at_rest():
            for begin, end in _code():
                library.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)

    def _is_at_rest(self) -> bool:
        passed, worked = time.monotonic() - self._looked, time.process_time() - self._worked
        self._looked, self._worked = self._looked + passed, self._worked + worked
        return worked < passed * _REST


def _code() -> Iterator[tuple[int, int]]:
    """Yield where files are mapped to be run, from which address to which: nothing is ever written there."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, permissions, _, _, inode, *_ = line.split(maxsplit=5)
        if permissions == "r-xp" and inode != "0":
            begin, _, end = place.partition("-")
            yield int(begin, 16), int(end, 16)
