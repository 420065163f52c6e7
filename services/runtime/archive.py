"""What an archive has of one agent: rows of a service's own tables, which nobody else reads."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlmodel import SQLModel

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ArchivedRow:
    """A row of an archive in JSON, and what it is a row of."""

    kind: str
    row: str


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be imported of an agent, the key that opens the secrets in it, and the request that asks for it."""

    agent_id: str
    rows: Sequence[ArchivedRow]
    sealing_key: str
    key: RequestKey


class ArchiveRecords(UnitOfWork, Protocol):
    """The rows of one agent, within one transaction."""

    def archived(self, agent_id: str, turned: Callable[[Any], SQLModel]) -> AsyncIterator[ArchivedRow]:
        """Go through the rows of an agent, each as it was turned for the archive."""
        ...

    def from_archive(self, row: ArchivedRow) -> SQLModel:
        """Return a row of an archive. Raises ValueError."""
        ...

    async def unarchive(self, rows: Sequence[SQLModel]) -> None:
        """Store rows, in their order; what may be there already is left as it is."""
        ...

    async def erase(self, agent_id: str) -> dict[str, int]:
        """Delete the rows of an agent, and return how many those were, by their tables."""
        ...


def read_rows(records: ArchiveRecords, given: Import) -> list[SQLModel]:
    """Return the rows of an import. Raises InvalidRequest, which names the message of the first that is none."""
    rows = []
    for number, row in enumerate(given.rows, 1):
        try:
            rows.append(records.from_archive(row))
        except ValueError as error:
            raise foreign(number, str(error)) from None
    return rows


def foreign(number: int, words: str) -> InvalidRequest:
    """Return the refusal of the row in this message of an import."""
    return InvalidRequest([Violation(f"row (of message {number})", words)])
