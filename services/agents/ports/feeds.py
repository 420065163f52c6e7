"""Feeds and pages that news are read from. All that stands in them is a stranger's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An item of a feed: what names it, its words without markup, and where it leads."""

    id: str
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server named a version by: a request with these is answered only when there is another."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The items, newest first, or none when nothing has changed; and what names this version."""

    items: Sequence[FeedItem]
    validators: Validators


class FeedError(Exception):
    """A source could not be read, and that in words."""


class FeedPort(Protocol):
    """Reads feeds and pages."""

    async def fetch(self, url: str, known: Validators) -> Fetched:
        """Return what a source has, unless that is known. Raises FeedError."""
        ...
