"""Exports as they come over the wire, and imports made of them."""

from collections.abc import AsyncIterable, Iterator, Sequence
from typing import Any


async def rows_of(export: AsyncIterable[Any]) -> list[Any]:
    """Return the messages of an export."""
    return [row async for row in export]


def imported(kind: type[Any], agent_id: str, rows: Sequence[Any], request_id: str, **fields: Any) -> Iterator[Any]:
    """Return the messages of an import of what was exported; the fields stand in the first."""
    for number, row in enumerate(rows):
        first = {"agent_id": agent_id, "request_id": request_id, **fields} if number == 0 else {}
        yield kind(**{"format": row.format, "kind": row.kind, "row": row.row} | first)
