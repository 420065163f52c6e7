"""Vectors, the changes that an index is told of, and its builds."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.runtime import errors


class IndexDown(errors.Unavailable):
    """The vector index can't be read or written, or what it holds is damaged.

    `problem` is for the log: it may be in the words of a library, with its names and paths.
    """

    def __init__(self, message: str, retry_after: float = 1.0, *, problem: str = "") -> None:
        super().__init__(message, retry_after)
        self.problem = problem or message


class EmbedderDown(errors.Unavailable):
    """No vectors can be made now: what makes them doesn't answer, refuses whatever is asked, or may not spend more.

    Where it is only one agent that may not spend more, `agent_id` says whose vectors can't be made.
    """

    def __init__(self, message: str, retry_after: float = 1.0, *, agent_id: str = "") -> None:
        super().__init__(message, retry_after)
        self.agent_id = agent_id


class TextsRefused(errors.WrongState):
    """No vectors are made of these texts; of some of them alone there may be."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vector stands: the number of its memory in the store, and the agent it belongs to."""

    seq: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class Vector(Place):
    """The embedding of a memory: little-endian float32, of unit length."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Text(Place):
    """The text of a memory that is to be embedded."""

    text: str


class Change(NamedTuple):
    """A memory that the index doesn't have as it is: its vector now, or None when it is forgotten or has none yet."""

    seq: int
    agent_id: str
    number: int
    data: bytes | None


def vectors_of(changes: Iterable[Change]) -> list[Vector]:
    """Return the vectors of changed memories that are there, each once."""
    found = {change.seq: change for change in changes}.values()
    return [Vector(change.seq, change.agent_id, change.data) for change in found if change.data is not None]


@dataclass(frozen=True, slots=True)
class Build:
    """A complete index of the vectors of one model."""

    number: int
    model: str


@dataclass(frozen=True, slots=True)
class Flaws:
    """Numbers of vectors that a build holds otherwise than the store, and of those that it holds and doesn't find."""

    different: list[int]
    unreached: list[int]


class IndexState(StrEnum):
    """What the index does."""

    READY = "ready"
    OPENING = "opening"
    BUILDING = "building"
    DOWN = "down"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How far the index is; `built` and `total` count vectors of the build that is under way."""

    state: IndexState
    generation: int
    model: str
    built: int
    total: int
    pending: int
    vectorless: int
    """How many memories have no vector yet of the model that is searched with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing the index with the store showed, in vectors."""

    checked: int
    missing: int
    left_over: int
    different: int
    unreached: int

    @property
    def is_consistent(self) -> bool:
        """True when both hold the same, and the index finds it: of a sound one, a few vectors may not be found."""
        is_whole = self.unreached <= max(1, self.checked // 100)
        return is_whole and not (self.missing or self.left_over or self.different)
