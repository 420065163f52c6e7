"""Everything that workflows keep: their tasks, and what their steps returned. It stands in a database as JSON by name.

What steps returned is read by the version of the workflows that wrote it (`APPLICATION_VERSION`), tasks by later ones
too. A new field has a default. A field that goes is left out: readers skip what they don't know. A type that gets
another name keeps its old one in `STORED` beside the new one. `tests/data/stored` has what was written. No secret
belongs in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from services.agents.domain.proposals import PROPOSALS, Kept, Pass
from services.agents.domain.tasks import TASKS


class Progress(StrEnum):
    """How far an effect in the world has come."""

    UNDER_WAY = "under way"
    SETTLED = "settled"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """Whether it happened isn't known, and nobody tries to find out any more."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the outbox."""

    id: str
    progress: Progress
    network_post_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trade:
    """A swap; amounts are base units, as on the chain once it is settled."""

    id: str
    progress: Progress
    input_mint: str
    output_mint: str
    input_amount: int
    output_amount: int
    signature: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """New memories, by their ids."""

    memory_ids: tuple[str, ...]


Effect: TypeAlias = Post | Trade | Remembered
"""What came of a proposal that was carried out."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that could not be done: the refusing service's reason, and its words.

    `cause` is the reason of whatever kept that service from it, empty when it is `reason` itself; `retry_time` is when
    there is sense in trying again, where that is told.
    """

    reason: str
    message: str
    cause: str = ""
    retry_time: datetime | None = None


STORED: Mapping[str, type] = {
    **TASKS,
    "pass": Pass,
    "kept": Kept,
    **PROPOSALS,
    "post": Post,
    "trade": Trade,
    "remembered": Remembered,
    "failure": Failure,
}
"""What may be stored, by its name. A type is written under the first of its names and read under each of them."""
