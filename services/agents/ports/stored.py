"""Everything that workflows keep: their tasks, and what their steps returned. It stands in a database as JSON by name.

What steps returned is read by the version of the workflows that wrote it (`APPLICATION_VERSION`), tasks by later ones
too. A new field has a default. A field that goes is left out: readers skip what they don't know. A type that gets
another name keeps its old one in `STORED` beside the new one. `tests/data/stored` has what was written. No secret
belongs in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self, TypeAlias

from services.agents.domain.mood import OwnEvent, SocialEvent
from services.agents.domain.rapport import STRANGER, Rapport
from services.agents.domain.records import NO_GROUNDS, Conclusion, Grounds, Passed, Swap
from services.agents.domain.tasks import TASKS, Heard, Mention
from services.agents.domain.trading import bought, sold


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing is to be done, and why."""

    passed: Passed
    grounds: Grounds = NO_GROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Texts of which one is to be published, the best first, and why these."""

    agent_id: str
    texts: tuple[str, ...]
    grounds: Grounds

    @property
    def text(self) -> str:
        """The best of them."""
        return self.texts[0]

    def saying(self, text: str) -> Self:
        """Return it with the text that was chosen."""
        writing = self.grounds.writing
        if writing is not None:
            chosen = tuple(replace(item, is_chosen=item.text == text) for item in writing.candidates)
            writing = replace(writing, candidates=chosen)
        return replace(self, texts=(text,), grounds=replace(self.grounds, writing=writing))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostProposal(Words):
    """A post, perhaps spoken to somebody, or telling of a swap."""

    topic: str
    addressed_handle: str = ""
    swap: Swap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyProposal(Words):
    """An answer to a mention, and how the mention moves the agent, and what it thinks of who is answered."""

    mention: Mention
    heard: Heard
    is_external: bool = False
    """True when it was made from what a stranger has said, or may have."""
    feelings: tuple[SocialEvent, ...] = ()
    change: Rapport = STRANGER


@dataclass(frozen=True, slots=True)
class Order:
    """A swap that was decided on: from which wallet, how many base units of what for what, and why.

    Less than `min_output_amount` must not come out of it, however long it takes until it is carried out.
    `scores` are 0 to 1 by the tokens' symbols; `portion` says how much of a holding is sold, and `gain` is a fraction
    of what was paid for it, None for a purchase.
    """

    agent_id: str
    wallet_id: str
    input_mint: str
    output_mint: str
    amount: int
    min_output_amount: int
    is_buy: bool
    symbol: str
    reasons: tuple[str, ...]
    scores: dict[str, float]
    gain: Decimal | None
    event: OwnEvent
    portion: str = ""

    @property
    def mint(self) -> str:
        """The token that is bought or sold."""
        return self.output_mint if self.is_buy else self.input_mint

    @property
    def words(self) -> str:
        """What it is, as the examples of a persona put it."""
        return bought(self.amount, self.symbol) if self.gain is None else sold(self.portion, self.symbol, self.gain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """Conclusions that are to be remembered."""

    agent_id: str
    conclusions: tuple[Conclusion, ...]
    grounds: Grounds


Proposal: TypeAlias = PostProposal | ReplyProposal | Order | Reflection
"""What an agent would do."""


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
    "post_proposal": PostProposal,
    "reply_proposal": ReplyProposal,
    "order": Order,
    "reflection": Reflection,
    "post": Post,
    "trade": Trade,
    "remembered": Remembered,
    "failure": Failure,
}
"""What may be stored, by its name. A type is written under the first of its names and read under each of them."""
