"""What takes seconds to read is read once, also when several threads ask for it at the same time."""

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def read_once(read: Callable[[], T]) -> Callable[[], T]:
    """Return a function that reads at its first call, and returns the same to whoever asks then or meanwhile.

    `functools.cache` alone would read as often as threads ask before the first of them is done.
    """
    lock, kept = threading.Lock(), functools.cache(read)

    @functools.wraps(read)
    def reading() -> T:
        # What is there already is returned without the lock.
        if kept.cache_info().currsize:
            return kept()
        with lock:
            return kept()

    return reading
