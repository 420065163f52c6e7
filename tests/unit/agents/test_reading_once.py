"""Dictionaries are read once, whoever asks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.agents.domain.lexicon.once import read_once


def test_threads_that_ask_at_once_share_what_one_of_them_reads() -> None:
    reads: list[int] = []
    together = threading.Barrier(4)

    @read_once
    def words() -> list[str]:
        reads.append(1)
        return ["fog"]

    def ask(_: int) -> list[str]:
        together.wait()
        return words()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(reads) == 1
    assert all(one is found[0] for one in found)
    assert words() is found[0]


def test_what_could_not_be_read_is_read_again() -> None:
    answers = iter([OSError("no such file"), None])

    @read_once
    def words() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "fog"

    with pytest.raises(OSError, match="no such file"):
        words()
    assert words() == "fog"
