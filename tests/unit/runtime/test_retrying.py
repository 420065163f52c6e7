"""Repeating what failed for now."""

import asyncio

import pytest

from services.runtime.errors import NotFound, RetryLater, Unavailable
from services.runtime.retrying import retry
from tests.support.virtual_time import run


class Flaky:
    """Fails as it is told, and then works; knows when it was tried."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.attempts: list[float] = []

    async def __call__(self) -> str:
        self.attempts.append(round(asyncio.get_running_loop().time(), 3))
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def soon(count: int) -> list[Exception]:
    """Return failures after which one may try again at once."""
    return [Unavailable("busy", retry_after=0) for _ in range(count)]


def test_what_works_is_done_once() -> None:
    action = Flaky()
    assert run(retry(action, 10)) == "done"
    assert action.attempts == [0]


def test_attempts_are_further_and_further_apart_up_to_five_seconds() -> None:
    action = Flaky(*soon(8))
    assert run(retry(action, 60)) == "done"
    assert action.attempts == [0, 0.2, 0.6, 1.4, 3.0, 6.2, 11.2, 16.2, 21.2]


def test_an_attempt_is_not_made_before_the_error_says() -> None:
    action = Flaky(Unavailable("busy", retry_after=7), *soon(1))
    assert run(retry(action, 60)) == "done"
    assert action.attempts == [0, 7, 7.4]


def test_the_last_error_is_raised_when_the_next_attempt_would_be_too_late() -> None:
    action = Flaky(*soon(2), Unavailable("the last", retry_after=2))
    with pytest.raises(Unavailable, match="the last"):
        run(retry(action, 2.5))
    assert action.attempts == [0, 0.2, 0.6]


def test_what_is_not_for_now_is_raised_at_once() -> None:
    action = Flaky(*soon(1), NotFound("gone"))
    with pytest.raises(NotFound):
        run(retry(action, 60))
    assert action.attempts == [0, 0.2]


def test_every_failed_attempt_is_heard_of_the_last_one_too() -> None:
    heard: list[str] = []

    def hear(error: RetryLater) -> None:
        heard.append(error.message)

    action = Flaky(Unavailable("one", retry_after=0), Unavailable("two", retry_after=9))
    with pytest.raises(Unavailable):
        run(retry(action, 5, hear))
    assert heard == ["one", "two"]
