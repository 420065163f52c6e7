"""The four other services of the suite, as the agents service uses them.

Every method raises DependencyUnavailable when the same call may succeed later, and Refused when it will not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from services.agents.domain.guard import Candidate
from services.agents.domain.memories import TrustedMemory
from services.agents.domain.persona import Trading, XSecrets
from services.agents.domain.prompts import PromptParts
from services.agents.domain.proposals import Order
from services.agents.domain.tasks import Mention
from services.agents.domain.trading import Allowance, MarketView, Portfolio
from services.agents.ports.stored import Post, Trade
from services.runtime.errors import PuppetError, Violation
from services.runtime.text.weight import TextLimit

PROVIDER_NOT_FOUND = "PROVIDER_NOT_FOUND"
"""The reason with which the llm service refuses a provider that it doesn't have."""


class Refused(PuppetError):
    """Another service refused the call; `reason` is one of its own error reasons.

    `retry_after` are the seconds until there is sense in trying again, 0 where that isn't told.
    """

    def __init__(
        self,
        dependency: str,
        reason: str,
        message: str,
        violations: Sequence[Violation] = (),
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, dependency=dependency)
        self.reason = reason  # type: ignore[misc]  # a class's own everywhere else; here it is what the other one said
        self.violations = tuple(violations)
        self.retry_after = retry_after


class Source(StrEnum):
    """Where a memory comes from, the memory service's provenance: the highest first."""

    OPERATOR = "operator"
    SELF = "self"
    AGENT = "agent"
    EXTERNAL = "external"

    @classmethod
    def lowest(cls, *sources: "Source") -> "Source":
        """Return where something comes from that was made from what came from these."""
        return max(sources, key=list(cls).index)


@dataclass(frozen=True, slots=True)
class NewMemory:
    """Something to remember. `kind` is one of the memory service's kinds, for example `post`."""

    text: str
    kind: str
    source: Source
    importance: float = 0.5
    valence: float = 0.0
    author: str = ""
    source_id: str = ""
    subject: str = ""
    conversation_id: str = ""
    occur_time: datetime | None = None
    repetition: int = 0
    """Tells apart what is the same in every other way: 0 is the first."""
    evidence: tuple[str, ...] = field(default=(), repr=False)
    """The ids of the memories that it follows from, at most 20."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """A memory that a search found, whoever it is from: for replies only."""

    id: str
    text: str
    kind: str
    source: Source
    author: str
    relevance: float


@dataclass(frozen=True, slots=True)
class Recent:
    """A memory of whatever source, to be concluded from: what comes of it is never higher than its source."""

    id: str
    text: str
    kind: str
    source: Source
    author: str
    importance: float
    create_time: datetime
    has_evidence: bool = False
    """True of a conclusion that names what it follows from."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something that an agent has said, whatever it was made from: to be compared with, and nothing is made from it."""

    text: str
    subject: str


@dataclass(frozen=True, slots=True)
class View:
    """What an agent thinks of a counterpart, or how that changes."""

    sentiment: float
    familiarity: float
    trust: float
    notes: str = ""


@dataclass(frozen=True, slots=True)
class NewView:
    """What an agent thinks of a counterpart from the start."""

    agent_id: str
    counterpart: str
    view: View


@dataclass(frozen=True, slots=True)
class HeldView(View):
    """What an agent thinks of a counterpart as it was stored, and when the two last had to do with each other."""

    last_time: datetime | None = None


class MemoryPort(Protocol):
    """What characters remember."""

    async def remember(self, agent_id: str, memory: NewMemory, request_id: str) -> str:
        """Store a memory once for every request_id, and return its id."""
        ...

    async def remember_all(self, agent_id: str, memories: Sequence[NewMemory]) -> None:
        """Store up to 1,000 memories, all or none of them; what an agent remembers already isn't stored again."""
        ...

    async def search(
        self, agent_id: str, query: str, limit: int, sources: Sequence[Source], author: str = ""
    ) -> list[Recollection]:
        """Return up to `limit` memories from these sources, of this author when one is given; most relevant first."""
        ...

    async def recent(self, agent_id: str, kinds: Sequence[str], limit: int, author: str = "") -> list[Recent]:
        """Return up to `limit` memories of these kinds, of all sources, of this author if given; newest first."""
        ...

    async def said(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[Said]:
        """Return up to `limit` of what an agent has said, in memories of these kinds; newest first."""
        ...

    async def trusted(self, agent_id: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        """Return up to `limit` SELF and OPERATOR memories of these kinds (all when empty), newest first."""
        ...

    async def trusted_about(self, agent_id: str, query: str, kinds: Sequence[str], limit: int) -> list[TrustedMemory]:
        """Return up to `limit` SELF and OPERATOR memories of these kinds (all when empty), most relevant first."""
        ...

    async def view_of(self, agent_id: str, counterpart: str) -> HeldView | None:
        """Return what an agent thinks of a counterpart; None when it doesn't know them."""
        ...

    async def set_views(self, views: Sequence[NewView]) -> None:
        """Set what agents think of counterparts: of up to 400, all or none of them.

        The violations of a Refused name each by its place: `requests[3]`.
        """
        ...

    async def forget(self, agent_id: str) -> None:
        """Delete all memories and relationships of an agent."""
        ...

    async def interacted(self, agent_id: str, counterpart: str, summary: str, change: View, request_id: str) -> None:
        """Count an interaction once for every request_id, and move what the agent thinks by the change."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, which one it was, and why there are fewer candidates than were asked for."""

    candidates: tuple[Candidate, ...]
    provider: str
    model: str
    withheld: tuple[str, ...] = ()
    background_shown: bool = False
    """Whether the model was shown the prompt's background and notes."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    note: str = ""
    """In whose place this provider writes, in words; empty when it is the one that was asked for."""
    cost_usd: str = ""
    """US dollars, as a decimal string; empty where that isn't known."""
    budget_is_low: bool = False
    """Whether little is left of the day's budget for models, so that what can wait had better not be asked."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the llm service."""

    name: str
    shows_background: bool
    """Whether its models are shown a prompt's background, notes and conversation."""


class LlmPort(Protocol):
    """Words from a model."""

    async def generate(
        self,
        workflow_id: str,
        agent_id: str,
        prompt: PromptParts,
        provider: str,
        model: str,
        seed: int,
        json_schema: str = "",
        *,
        is_awaited: bool = False,
    ) -> Written:
        """Return candidates for a prompt, each JSON that fits the schema when one is given.

        What somebody waits for is written before what nobody does, where a model is busy. An empty provider leaves the
        choice to the llm service. A workflow that asks the same again, after a crash or a failure of something else,
        gets what it got before, and it is paid for once.
        """
        ...

    async def provider(self, name: str) -> Provider | None:
        """Return the provider of this name, None when it isn't there; an empty one is the one that is asked first."""
        ...

    async def set_budget(self, agent_id: str, usd_per_day: Decimal | None, tokens_per_day: int | None) -> None:
        """Set what an agent may spend on models in a day; None is no limit."""
        ...


@dataclass(frozen=True, slots=True)
class SocialPost:
    """A post of a conversation, whoever wrote it."""

    network_post_id: str
    author_user_id: str
    """The author's id on the network; empty when it isn't known."""
    text: str
    create_time: datetime
    in_reply_to: str = ""
    """The network's id of the post that it answers; empty when it answers none."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account on a network."""

    id: str
    handle: str
    user_id: str
    """Its id on the network."""
    handle_time: datetime
    """When the network said what its handle is."""


class ReplyScope(StrEnum):
    """Whose posts an account may answer."""

    NONE = "none"
    MENTIONED = "mentioned"
    """Of those who mention it."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the network lets an account do, as far as agents go by it."""

    text_limit: TextLimit
    reply_scope: ReplyScope = ReplyScope.MENTIONED


class SocialPort(Protocol):
    """Accounts and posts."""

    async def register(self, agent_id: str, secrets: XSecrets) -> Account:
        """Register an agent's account, or replace the credentials of the one it has."""
        ...

    async def account_of(self, agent_id: str) -> Account | None:
        """Return the account that an agent has."""
        ...

    async def capabilities(self, account_id: str) -> Capabilities:
        """Return what the network lets an account do."""
        ...

    async def publish(self, account_id: str, text: str, in_reply_to: str, request_id: str) -> Post:
        """Publish a post once for every request_id; `in_reply_to` is empty for a post of its own."""
        ...

    async def post(self, post_id: str) -> Post:
        """Return a post as it is now."""
        ...

    async def withdraw(self, account_id: str, request_id: str) -> Post | None:
        """Take back what was to be published for this request_id, unless it was sent, and return it as it is then.

        None when nothing was taken for it; nothing will be any more.
        """
        ...

    async def delete_account(self, agent_id: str) -> None:
        """Delete the account that an agent has, if any, with its outbox."""
        ...

    async def withdraw_held(self, account_id: str) -> None:
        """Take back everything of an account that is held back."""
        ...

    async def conversation(
        self, account_id: str, network_post_id: str, conversation_id: str, limit: int
    ) -> list[SocialPost]:
        """Return up to `limit` posts of the conversation that a post is part of, oldest first; each may be billed."""
        ...

    async def mentions(self, account_id: str, after: str) -> list[Mention]:
        """Return the mentions after the one with this network id, or the latest when it is empty; oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class WalletKey:
    """A registered wallet: its id in the trading service, and its public key."""

    id: str
    address: str


class TradingPort(Protocol):
    """Wallets, the market, and swaps."""

    async def register(self, agent_id: str, private_key: str, limits: Trading, request_id: str) -> WalletKey:
        """Register an agent's wallet once for every request_id, with the limits that a persona gives.

        Without a key a new one is made.
        """
        ...

    async def wallet_of(self, agent_id: str) -> WalletKey | None:
        """Return the wallet that an agent has."""
        ...

    async def holdings(self, wallet_id: str) -> Mapping[str, int]:
        """Return the base units that a wallet holds, by their mints; of many the first ones."""
        ...

    async def delete_wallet(self, agent_id: str) -> None:
        """Delete the wallet that an agent has, if any. Raises Refused with WALLET_NOT_EMPTY when it holds anything."""
        ...

    async def tighten(self, wallet_id: str, limits: Trading) -> None:
        """Narrow the wallet's policy to the limits that a persona gives; none of its limits is ever widened."""
        ...

    async def portfolio(self, wallet_id: str) -> Portfolio:
        """Return the wallet's SOL, and every token that it has traded."""
        ...

    async def allowance(self, wallet_id: str, mints: Sequence[str]) -> Allowance:
        """Return what the wallet may trade now, and how much of each of these tokens it may give."""
        ...

    async def market(self, mints: Sequence[str]) -> MarketView:
        """Return the tokens in fashion, and these as far as they have a price."""
        ...

    async def quote(self, input_mint: str, output_mint: str, amount: int) -> int:
        """Return how many base units a swap of this many would give now."""
        ...

    async def holds_key(self, text: str) -> bool:
        """Say whether a text holds the key of any wallet."""
        ...

    async def swap(self, order: Order, request_id: str) -> Trade:
        """Carry out an order once for every request_id, with the slippage that the policy allows."""
        ...

    async def trade(self, trade_id: str) -> Trade:
        """Return a trade as it is now."""
        ...
