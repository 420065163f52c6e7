"""The secrets that a service keeps, known by their fingerprints, so that no text gives one away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from services.runtime.pages import Page, Paged
from services.runtime.text.fingerprints import Fingerprints

_PAGE = 500
_LATEST_COMMIT = timedelta(minutes=1)
"""How much later than another a row may be committed that was made before it."""


class Kept(Protocol):
    """A row with a sealed secret."""

    id: str
    create_time: datetime


RowT = TypeVar("RowT", bound=Kept)


class KnownSecrets(Generic[RowT]):
    """Knows the secrets of all rows that a service keeps, those included that come while it runs."""

    def __init__(
        self,
        known: Fingerprints,
        page: Callable[[Page], Awaitable[Paged[RowT]]],
        sealed: Callable[[RowT], str],
        writings: Callable[[RowT], Iterable[str]],
    ) -> None:
        """Take how to read rows by `(create_time, id)`, the sealed secret of each, and the ways to write it."""
        self._known = known
        self._page = page
        self._sealed = sealed
        self._writings = writings
        self._seen: set[str] = set()
        self._after: tuple[Any, ...] | None = None

    async def are_in(self, text: str, *rows: RowT) -> bool:
        """Say whether a text holds a secret of any row, and of these rows as they are now."""
        await self._learn(rows)
        # Twelve ways to read a long text take a while.
        return await asyncio.to_thread(self._known.are_in, text)

    async def _learn(self, rows: Sequence[RowT]) -> None:
        while True:
            page = await self._page(Page(_PAGE, self._after))
            new = [row for row in (*page.rows, *rows) if self._sealed(row) not in self._seen]
            await asyncio.to_thread(self._add, new)
            if page.next_key is None:
                break
            self._after = page.next_key
        if page.rows:
            self._after = (page.rows[-1].create_time - _LATEST_COMMIT, "")

    def _add(self, rows: Sequence[RowT]) -> None:
        for row in rows:
            self._known.add(self._writings(row))
            self._seen.add(self._sealed(row))
