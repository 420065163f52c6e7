"""A store with a clock that stands still until it is moved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.x.accounts import Accounts, User
from sandbox.x.database import Database
from sandbox.x.posts import Posts


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(tmp_path: Path, clock: HandClock) -> Iterator[Database]:
    database = Database(tmp_path / "x.sqlite3", clock)
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


@pytest.fixture
def posts(database: Database, accounts: Accounts) -> Posts:
    return Posts(database, accounts)


@pytest.fixture
def ann(accounts: Accounts) -> User:
    return accounts.create("ann", "Ann", "")[0]


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.create("bob", "Bob", "")[0]
