"""Answers that every caller can read: a list ends early when its next item would make the message too large.

Clients of most languages read messages of up to 4 MiB unless they are told otherwise, so what is sent has the same
limit as what is received.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.runtime.pages import Page, Paged, next_token
from services.runtime.rpc.bounds import MAX_BYTES

T = TypeVar("T")
AnswerT = TypeVar("AnswerT", bound=Message)

_BESIDE = 64 * 2**10
"""What is left for the rest of a message: a page's token, and what somebody puts around it to send it back."""

_HEAD = 8
"""The most bytes that a message within a message takes beside its own: its field's number, and its length."""

_FIRST = 50
"""How many rows are read before it is known what they weigh."""


class Room:
    """What may still be put into an answer of which so many bytes are taken."""

    def __init__(self, taken: int = 0) -> None:
        self._whole = self.left = MAX_BYTES - _BESIDE - taken

    def take(self, item: Message) -> bool:
        """Take an item's bytes; False, and nothing is taken, when there isn't room for it."""
        size = item.ByteSize() + _HEAD
        if size > self.left:
            return False
        self.left -= size
        return True

    def room_for(self, number: int) -> int:
        """Return how many items there is room for that weigh what these took that are in it; one is always tried."""
        return max(1, self.left * number // max(1, self._whole - self.left))


def fill(answer: AnswerT, found: Paged[T], write: Callable[[T], Message], filters: Sequence[object]) -> AnswerT:
    """Put a page's rows into the lists of an answer, by their kinds, as far as it can be read; and the next token."""
    filling: _Filling[T] = _Filling(answer, write)
    filling.add(found)
    filling.end(filters)
    return answer


async def fill_from(
    answer: AnswerT,
    page: Page,
    read: Callable[[Page], Awaitable[Paged[T]]],
    write: Callable[[T], Message],
    filters: Sequence[object],
    *,
    first: int = _FIRST,
) -> AnswerT:
    """Fill an answer as `fill` does, with what is read for it: `first` rows, then about as many as have room."""
    filling: _Filling[T] = _Filling(answer, write)
    left, after, number = page.size, page.after, min(page.size, first)
    while True:
        found = await read(Page(number, after))
        left -= len(found.rows)
        if not filling.add(found) or filling.key is None or left <= 0:
            filling.end(filters)
            return answer
        after, number = filling.key, min(left, filling.room_for())


class _Filling(Generic[T]):
    def __init__(self, answer: Any, write: Callable[[T], Message]) -> None:
        self._answer = answer
        self._count = 0
        self._write = write
        self._room = Room()
        self.key: tuple[Any, ...] | None = None
        """After which row the next page begins; None when there are no more."""

    def add(self, found: Paged[T]) -> bool:
        """Take rows; False when there wasn't room for all of them."""
        for at, row in enumerate(found.rows):
            item = self._write(row)
            # A page without any item would be followed by the same page.
            if not self._room.take(item) and self._count:
                self.key = found.key_at(at - 1) if at else self.key
                return False
            getattr(self._answer, _lists_of(self._answer.DESCRIPTOR)[item.DESCRIPTOR.full_name]).append(item)
            self._count += 1
        self.key = found.next_key
        return True

    def room_for(self) -> int:
        return self._room.room_for(self._count)

    def end(self, filters: Sequence[object]) -> None:
        self._answer.next_page_token = next_token(self.key, filters)


@functools.cache
def _lists_of(answer: Descriptor) -> dict[str, str]:
    """Return the names of an answer's lists, by the kind of their items."""
    return {kind.full_name: field.name for field in answer.fields if field.is_repeated and (kind := field.message_type)}
