"""What agents would do: as data, kept until it is carried out, by a workflow or in a draft that waits for a person.

Like tasks, these types change so that what was kept can still be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self, TypeAlias

from typing_extensions import override

from services.agents.domain.mood import OwnEvent, SocialEvent
from services.agents.domain.rapport import STRANGER, Rapport
from services.agents.domain.records import NO_GROUNDS, Conclusion, Grounds, Passed, Swap
from services.agents.domain.tasks import Heard, Mention
from services.agents.domain.trading import bought, sold


@dataclass(frozen=True, slots=True)
class Kept:
    """A proposal that waits for a person, as a draft."""

    draft_id: str


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

    @property
    def words(self) -> str:
        """What is published: the text, and whatever code puts in front of it."""
        return self.prefix + self.text

    @property
    def prefix(self) -> str:
        """What code puts in front of the text."""
        return ""

    def saying(self, text: str) -> Self:
        """Return it with the text that was chosen; what is told of a memory is known of the first one only."""
        writing, memories = self.grounds.writing, self.grounds.memories if text == self.text else ()
        if writing is not None:
            chosen = tuple(replace(item, is_chosen=item.text == text) for item in writing.candidates)
            writing = replace(writing, candidates=chosen)
        return replace(self, texts=(text,), grounds=replace(self.grounds, writing=writing, memories=memories))

    def edited(self, text: str) -> Self:
        """Return it with the words of a person, who may have begun with what stands in front of them."""
        said = self.saying(text.removeprefix(self.prefix))
        return replace(said, grounds=replace(said.grounds, is_edited=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostProposal(Words):
    """A post, perhaps spoken to somebody, or telling of a swap, or a remark on news of others."""

    topic: str
    addressed_handle: str = ""
    swap: Swap | None = None
    event_id: str = ""
    news_text: str = ""

    @property
    @override
    def prefix(self) -> str:
        return f"@{self.addressed_handle} " if self.addressed_handle else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyProposal(Words):
    """An answer to a mention, how the mention moves the agent, and what it thinks of who is answered."""

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
    grounds: Grounds = NO_GROUNDS

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

    @property
    def words(self) -> str:
        """What they say."""
        return " ".join(conclusion.text for conclusion in self.conclusions)


Proposal: TypeAlias = PostProposal | ReplyProposal | Order | Reflection
"""What an agent would do."""

PROPOSALS: Mapping[str, type] = {
    "post_proposal": PostProposal,
    "reply_proposal": ReplyProposal,
    "order": Order,
    "reflection": Reflection,
}
"""Every proposal by its name in a database."""
