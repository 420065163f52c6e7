"""One transaction of a database, for statements and, when it is asked for, for objects."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from services.runtime.sqlite_file import Connection


class Transaction:
    """What isn't committed by the end of its block is rolled back."""

    def __init__(self, connection: AsyncConnection, driver: Connection | None, *, writes: bool = False) -> None:
        """Take a connection, on SQLite with the one to the file below it."""
        self.connection = connection
        """For statements that need no session."""
        self.driver = driver
        """None on Postgres."""
        self._writes = writes
        self._session: AsyncSession | None = None

    async def __aenter__(self) -> Self:
        if self.driver is not None:
            await self.driver.begin(writes=self._writes)
        return self

    @property
    def is_read_only(self) -> bool:
        """Whether nothing is to be written in it."""
        return not self._writes

    @property
    def is_sqlite(self) -> bool:
        """True on SQLite, False on Postgres."""
        return self.driver is not None

    @property
    def session(self) -> AsyncSession:
        """For what is read and written as objects; made when it is first used, which takes a tenth of a millisecond."""
        if self._session is None:
            self._session = AsyncSession(self.connection, expire_on_commit=False, join_transaction_mode="control_fully")
        return self._session

    async def commit(self) -> None:
        """Make durable what was done so far."""
        if self._session is not None:
            await self._session.commit()
        # What was done beside the session, which knows nothing of it; and below SQLAlchemy.
        if self.connection.in_transaction():
            await self.connection.commit()
        elif self.driver is not None:
            await self.driver.commit()

    async def __aexit__(self, *_error: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self.connection.invalidated:
            return  # it broke, or its caller was cancelled within a statement
        # Also after a commit that failed, which it must be told of. It has begun nothing where all went below it.
        if self.connection.get_transaction() is not None:
            await self.connection.rollback()
        if self.driver is not None:
            self.driver.undo()
