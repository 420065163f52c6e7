"""Everything that workflows keep: their tasks, and what their steps returned. It stands in a database as JSON by name.

A workflow that is under way outlives the code that began it, so these types change by three rules. A new field has a
default. A field that goes is left out: readers skip what they don't know. A type that gets another name keeps its old
one in `STORED` beside the new one. `tests/data/stored` has what earlier versions wrote. No secret belongs in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from services.agents.domain.mood import OwnEvent, SocialEvent


@dataclass(frozen=True, slots=True)
class Mention:
    """A post of somebody else that mentions an agent. Its text may shape a reply and nothing else."""

    network_post_id: str
    author_handle: str
    text: str
    conversation_id: str
    create_time: datetime
    author_user_id: str = ""
    """The author's id on the network; empty in what was stored before it was known."""
    in_reply_to_user_id: str = ""
    """Whom it answers, by the id on the network; empty when it answers nobody, or it isn't known whom."""

    @property
    def begins_conversation(self) -> bool:
        """True when it answers nobody."""
        return self.conversation_id == self.network_post_id and not self.in_reply_to_user_id


@dataclass(frozen=True, slots=True)
class TradeNews:
    """A settled trade, in the words that a post about it may use, and the details that its activity shows."""

    words: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class PostTask:
    """Write a post: about the topic, about a trade, or about what the agent chooses when both are left out."""

    agent_id: str
    topic: str = ""
    news: TradeNews | None = None
    is_awaited: bool = False
    """True when somebody waits for it, and is to hear at once what keeps it from being written."""


@dataclass(frozen=True, slots=True)
class MentionsTask:
    """See who has mentioned the agent, and start a reply to each."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class ReplyTask:
    """Answer one mention, or decide not to."""

    agent_id: str
    mention: Mention


@dataclass(frozen=True, slots=True)
class TradeTask:
    """Consider a trade. It carries nothing that anybody has said."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class WithdrawTask:
    """Take back what is held back of a stopped agent's posts."""

    agent_id: str


Task: TypeAlias = PostTask | MentionsTask | ReplyTask | TradeTask | WithdrawTask
"""What a workflow is asked to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that may be published, why it is this one, and the details for the log."""

    text: str
    reason: str
    details: dict[str, str]
    is_external: bool = False
    """True when it was made from what a stranger has said, or may have."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing is to be done, and why."""

    summary: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """The mentions that an agent hasn't read, and where its cursor stands before and after them."""

    mentions: tuple[Mention, ...]
    before: str
    after: str
    is_hindered: bool = False
    """True when the look before failed, and the log says so."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The mentions that an agent will answer, of those that it has looked through."""

    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """A mention that was remembered, and its author: a fellow's id and name, or `network:user_id` and the handle."""

    memory_id: str
    counterpart: str
    author_name: str
    is_fellow: bool
    may_echo: bool = False
    """True of a fellow's words that may be a stranger's."""
    known_as: str = ""
    """The name by which the persona knows a stranger; empty when it doesn't."""

    @property
    def is_external(self) -> bool:
        """True when the words are a stranger's, or may be."""
        return self.may_echo or not self.is_fellow


@dataclass(frozen=True, slots=True)
class Feelings:
    """How what was said to an agent moved it."""

    events: tuple[SocialEvent, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A swap that was decided on: from which wallet, how many base units of what for what, and why.

    Less than `min_output_amount` must not come out of it, however long it takes until it is carried out.
    `words` say it as the examples of a persona do; `scores` are 0 to 1 by the tokens' symbols; `gain` is a fraction of
    what was paid for what is sold, and None for a purchase.
    """

    wallet_id: str
    input_mint: str
    output_mint: str
    amount: int
    min_output_amount: int
    is_buy: bool
    symbol: str
    words: str
    reason: str
    scores: dict[str, float]
    gain: Decimal | None
    event: OwnEvent

    @property
    def mint(self) -> str:
        """The token that is bought or sold."""
        return self.output_mint if self.is_buy else self.input_mint


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
    "post_task": PostTask,
    "mentions_task": MentionsTask,
    "reply_task": ReplyTask,
    "trade_task": TradeTask,
    "withdraw_task": WithdrawTask,
    "draft": Draft,
    "pass": Pass,
    "inbox": Inbox,
    "shortlist": Shortlist,
    "heard": Heard,
    "feelings": Feelings,
    "order": Order,
    "post": Post,
    "trade": Trade,
    "failure": Failure,
}
"""What may be stored, by its name. A type is written under the first of its names and read under each of them."""
