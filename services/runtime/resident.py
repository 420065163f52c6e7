"""What a process holds of the machine's memory while it rests: freed memory goes back, which glibc would keep."""

import ctypes

_M_TRIM_THRESHOLD = -1  # as in malloc.h


def configure() -> None:
    """Keep glibc from holding on to large buffers: it does once a few were freed, unless its threshold is set."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(_M_TRIM_THRESHOLD, 128 * 1024)


async def give_back() -> None:
    """Return what is free between what is used; it takes a millisecond or two. Without glibc nothing is done."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
