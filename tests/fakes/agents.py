"""The four other services as the agents service sees them, in memory: they outlive a restart of the service."""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.guard import Candidate
from services.agents.domain.memories import TrustedMemory, TrustedProvenance
from services.agents.domain.persona import Trading, XSecrets
from services.agents.domain.prompts import PromptParts
from services.agents.domain.trading import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Holding,
    MarketView,
    PastTrade,
    Policy,
    TokenView,
    Wallet,
)
from services.agents.ports.neighbours import (
    Account,
    NewMemory,
    Recollection,
    Refused,
    Said,
    Source,
    View,
    WalletKey,
    Written,
)
from services.agents.ports.stored import Mention, Order, Post, Progress, Trade

_TRUSTED = {Source.SELF: TrustedProvenance.SELF, Source.OPERATOR: TrustedProvenance.OPERATOR}


class Line:
    """What connects to a fake; each call that goes through it may fail."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.failures = 0
        self.calls = 0

    def pass_through(self) -> None:
        """Count a call, or fail it while failures are left."""
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise DependencyUnavailable(self._name, 0.01)


@dataclass
class Stored:
    """A memory of an agent."""

    id: str
    agent_id: str
    memory: NewMemory


class FakeMemory:
    """Remembers, and finds by common words."""

    def __init__(self) -> None:
        self.line = Line("memory")
        self.stored: dict[str, Stored] = {}
        self.views: dict[tuple[str, str], View] = {}
        self.interactions: dict[str, tuple[str, str, str]] = {}
        self.forgets: set[str] = set()
        """The kinds of memory that are kept and don't come to mind."""
        self.holding: asyncio.Event | None = None
        """When set, everything after the first `held_after` memories waits for this."""
        self.held_after = 0
        self.refused_text = ""
        """When set, what holds this is refused."""

    def of(self, agent_id: str) -> list[NewMemory]:
        """Return what an agent remembers, oldest first."""
        return [item.memory for item in self.stored.values() if item.agent_id == agent_id]

    async def remember(self, agent_id: str, memory: NewMemory, request_id: str) -> str:
        self.line.pass_through()
        if self.refused_text and self.refused_text in memory.text:
            raise Refused("memory", "INVALID_REQUEST", "INVALID_REQUEST: text: is refused")
        if self.holding is not None and len(self.stored) >= self.held_after:
            await self.holding.wait()
        item = self.stored.setdefault(request_id, Stored(f"mem_{len(self.stored)}", agent_id, memory))
        if item.memory != memory:
            raise Refused("memory", "REQUEST_ID_REUSED", f"REQUEST_ID_REUSED: {request_id} had another body")
        return item.id

    async def search(
        self, agent_id: str, query: str, most: int, sources: Sequence[Source], author: str = ""
    ) -> list[Recollection]:
        return [
            Recollection(item.id, memory.text, memory.kind, memory.source, memory.author, 0.5)
            for item in self._near(agent_id, query)
            if (memory := item.memory).source in sources and author in ("", memory.author)
        ][:most]

    async def said(self, agent_id: str, kinds: Sequence[str], most: int) -> list[Said]:
        self.line.pass_through()
        own = [
            Said(memory.text, memory.subject)
            for memory in reversed(self.of(agent_id))
            if memory.source in _TRUSTED or memory.author == agent_id
            if memory.kind in kinds and memory.kind not in self.forgets
        ]
        return own[:most]

    async def trusted(self, agent_id: str, kinds: Sequence[str], most: int) -> list[TrustedMemory]:
        self.line.pass_through()
        mine = [item for item in reversed(self.stored.values()) if item.agent_id == agent_id]
        return [told for told in _trusted(mine, kinds) if told.kind not in self.forgets][:most]

    async def trusted_about(self, agent_id: str, query: str, kinds: Sequence[str], most: int) -> list[TrustedMemory]:
        return _trusted(self._near(agent_id, query), kinds)[:most]

    async def view_of(self, agent_id: str, counterpart: str) -> View | None:
        return self.views.get((agent_id, counterpart))

    async def set_view(self, agent_id: str, counterpart: str, view: View, request_id: str) -> None:
        self.views[agent_id, counterpart] = view

    async def interacted(self, agent_id: str, counterpart: str, summary: str, change: View, request_id: str) -> None:
        self.interactions[request_id] = (agent_id, counterpart, summary)

    def _near(self, agent_id: str, query: str) -> list[Stored]:
        words = set(query.casefold().split())
        shared = {
            key: len(words & set(item.memory.text.casefold().split()))
            for key, item in self.stored.items()
            if item.agent_id == agent_id
        }
        return [self.stored[key] for key in sorted(shared, key=lambda key: -shared[key]) if shared[key]]


def _trusted(stored: Sequence[Stored], kinds: Sequence[str]) -> list[TrustedMemory]:
    return [
        TrustedMemory(item.id, memory.text, _TRUSTED[memory.source], memory.kind, memory.valence, memory.subject)
        for item in stored
        if (memory := item.memory).source in _TRUSTED and (not kinds or memory.kind in kinds)
    ]


_NOUNS = (
    *("harbour", "lantern", "ladder", "kettle", "orchard", "pigeon", "bridge", "candle", "cellar", "meadow"),
    *("window", "ferry", "button", "attic", "comet"),
)
_ENDS = ("before breakfast", "under the stairs", "behind the mill", "in late autumn", "without a hat", "at low tide")


class FakeLlm:
    """Writes plain sentences with the words of what it is asked; the same seed writes the same."""

    def __init__(self) -> None:
        self.line = Line("llm")
        self.prompts: list[PromptParts] = []
        self.providers: list[str] = []
        self.unknown_providers: set[str] = set()
        self.speak: Callable[[PromptParts, random.Random], str] = _sentence
        self.withholds = False
        """Whether its provider withholds judgements."""
        self.is_told = True
        """Whether it is shown a prompt's background and notes."""
        self.judge: Callable[[PromptParts], str] = lambda _: '{"harms": []}'
        self.thinking: asyncio.Event | None = None
        """When set, the words wait for this."""

    async def generate(
        self, agent_id: str, prompt: PromptParts, provider: str, model: str, seed: int, json_schema: str = ""
    ) -> Written:
        self.line.pass_through()
        self.providers.append(provider)
        if provider in self.unknown_providers:
            raise Refused("llm", "PROVIDER_NOT_FOUND", f"no provider {provider!r}")
        if json_schema and self.withholds:
            return Written((), "fake/second", ("the provider withheld it",))
        if json_schema:
            return Written((Candidate(self.judge(prompt)),), "fake/second")
        self.prompts.append(prompt)
        if self.thinking is not None:
            await self.thinking.wait()
        rng = random.Random(seed)
        texts = [self.speak(prompt, rng) for _ in range(prompt.candidate_count)]
        return Written(tuple(Candidate(text) for text in texts), "fake/words", background_shown=self.is_told)

    async def has_provider(self, name: str) -> bool:
        self.line.pass_through()
        return name not in self.unknown_providers


def _sentence(prompt: PromptParts, rng: random.Random) -> str:
    # Nothing is taken from what somebody else has said.
    told = [] if prompt.input_label == "to" else [prompt.input]
    told += [part.text for part in prompt.context if part.label == "memory"]
    words = [word.strip('.,:;!?"“”') for word in " ".join(told).split()] or ["quiet", "company"]
    first, second, third = rng.sample(_NOUNS, 3)
    if prompt.input_label == "trade":
        return f"I {words[0]} some {words[-1]} and put it beside the {first} and the {second}."
    telling = " ".join(word for word in words if len(word) > 3 and word.isalpha())[:60]
    return f"The {first} keeps {telling} beside a {second} and one {third} {rng.choice(_ENDS)}."


class FakeSocial:
    """A network on which every post is published once for its request_id."""

    def __init__(self) -> None:
        self.line = Line("social")
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, XSecrets] = {}
        self.refused_keys: set[str] = set()
        self.posts: dict[str, tuple[str, str, str, Post]] = {}
        self.inbox: dict[str, list[Mention]] = {}
        self.deleted: set[str] = set()
        """The posts that are gone by the time that somebody answers them."""
        self.replies_left: int | None = None
        """How many replies the network's limit leaves; None when it isn't known."""
        self.looks_until_settled = 0
        self.held = 0
        """How many sends are taken, and answered with a limit that ends in a quarter of an hour."""
        self.withheld: Refused | None = None
        """What holds posts back until something is done about it."""
        self.withdrawals = 0
        """How often a post was asked back, whether or not it could be had."""
        self.holding: set[str] = set()
        """The requests whose posts are held back."""
        self.blind: Refused | DependencyUnavailable | None = None
        """What every look for mentions is refused with."""
        self.looks = 0
        """How often somebody has looked for mentions."""
        self.sending: asyncio.Event | None = None
        """When set, a post is published, and its answer waits for this."""
        self._ids = itertools.count(1)

    def published(self, account_id: str) -> list[str]:
        """Return what an account published, oldest first."""
        return [
            text
            for request_id, (account, text, _, post) in self.posts.items()
            if account == account_id and post.progress is not Progress.FAILED and request_id not in self.holding
        ]

    def settle(self) -> None:
        """Let every post settle that is under way."""
        self.looks_until_settled = 0
        for request_id, (*rest, post) in self.posts.items():
            self.posts[request_id] = (rest[0], rest[1], rest[2], replace(post, progress=Progress.SETTLED))

    def answers(self) -> list[tuple[str, str]]:
        """Return the replies, and the ids of the posts that they answer, oldest first."""
        return [(text, in_reply_to) for _, text, in_reply_to, _ in self.posts.values() if in_reply_to]

    def mention(
        self,
        agent_id: str,
        author: str,
        text: str,
        conversation_id: str = "",
        time: datetime | None = None,
        user_id: str = "",
        answers: str = "",
    ) -> str:
        """Let somebody mention an agent, perhaps in answer to a user id; the value is the post's id.

        Without a user id the handle makes one.
        """
        post_id = str(1000 + next(self._ids))
        self.inbox.setdefault(f"acc_{agent_id}", []).append(
            Mention(
                post_id,
                author,
                text,
                conversation_id or post_id,
                time or datetime.now(UTC),
                user_id or f"id-{author}",
                answers,
            )
        )
        return post_id

    def rename(self, agent_id: str, handle: str) -> str:
        """Let the network call an agent's account something else, and return that."""
        self.accounts[agent_id] = replace(self.accounts[agent_id], handle=handle, handle_time=datetime.now(UTC))
        return handle

    async def register(self, agent_id: str, secrets: XSecrets) -> Account:
        self.line.pass_through()
        if secrets.api_key in self.refused_keys:
            raise Refused("social", "CREDENTIALS_REFUSED", "CREDENTIALS_REFUSED: the network refused the credentials")
        self.secrets[agent_id] = secrets
        return self.accounts.setdefault(
            agent_id,
            Account(f"acc_{agent_id}", f"{agent_id}_handle", f"id-{agent_id}_handle", datetime.now(UTC)),
        )

    async def account_of(self, agent_id: str) -> Account | None:
        self.line.pass_through()
        return self.accounts.get(agent_id)

    async def publish(self, account_id: str, text: str, in_reply_to: str, request_id: str) -> Post:
        self.line.pass_through()
        if request_id not in self.posts:
            self._share(in_reply_to)
            number = next(self._ids)
            progress = Progress.UNDER_WAY if self.looks_until_settled else Progress.SETTLED
            if in_reply_to in self.deleted:
                progress = Progress.FAILED
            self.posts[request_id] = (account_id, text, in_reply_to, Post(f"pst_{number}", progress, str(number), ""))
        if self.posts[request_id][3].progress is Progress.FAILED:
            return self.posts[request_id][3]
        if self.held or self.withheld:
            self.held = max(0, self.held - 1)
            self.holding.add(request_id)
            raise self.withheld or DependencyUnavailable("social", 900, "has to wait: the network's limit is used up")
        self.holding.discard(request_id)
        if self.sending is not None:
            await self.sending.wait()
        return self.posts[request_id][3]

    def _share(self, in_reply_to: str) -> None:
        if in_reply_to and self.replies_left is not None:
            if self.replies_left == 0:
                raise Refused("social", "REPLY_SHARE_USED_UP", "REPLY_SHARE_USED_UP: no replies are left today")
            self.replies_left -= 1

    async def post(self, post_id: str) -> Post:
        self.line.pass_through()
        key, found = next((key, item) for key, item in self.posts.items() if item[3].id == post_id)
        self.looks_until_settled = max(0, self.looks_until_settled - 1)
        if not self.looks_until_settled:
            self.posts[key] = found = (*found[:3], replace(found[3], progress=Progress.SETTLED))
        return found[3]

    async def withdraw(self, account_id: str, request_id: str) -> Post | None:
        self.line.pass_through()
        self.withdrawals += 1
        if request_id not in self.posts:
            return None
        *rest, post = self.posts[request_id]
        if request_id in self.holding:
            self.holding.discard(request_id)
            post = replace(post, progress=Progress.FAILED, reason="withdrawn before it was sent")
            self.posts[request_id] = (rest[0], rest[1], rest[2], post)
        return post

    async def withdraw_held(self, account_id: str) -> None:
        self.line.pass_through()
        for request_id in [name for name in self.holding if self.posts[name][0] == account_id]:
            await self.withdraw(account_id, request_id)

    async def mentions(self, account_id: str, after: str) -> list[Mention]:
        self.line.pass_through()
        self.looks += 1
        if self.blind is not None:
            raise self.blind
        inbox = self.inbox.get(account_id, [])
        return [mention for mention in inbox if not after or int(mention.network_post_id) > int(after)]


MOSS = TokenView(
    mint="MossMossMossMossMossMossMossMossMossMossMoss",
    symbol="MOSS",
    decimals=6,
    usd=Decimal("0.01"),
    change_24h=Decimal("0.12"),
    liquidity_usd=Decimal(9_000_000),
    is_verified=True,
)


@dataclass
class FakeTrading:
    """A market with one good token, and wallets with some SOL."""

    line: Line = field(default_factory=lambda: Line("trading"))
    wallets: dict[str, WalletKey] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Trading] = field(default_factory=dict)
    """The limits with which each wallet was registered."""
    tightened: list[tuple[str, Trading]] = field(default_factory=list)
    tokens: tuple[TokenView, ...] = (MOSS,)
    swaps: dict[str, Trade] = field(default_factory=dict)
    requests: dict[str, Trading] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    """The orders that were given, those that were refused too."""
    generosity: Decimal = Decimal(1)
    """What the aggregator quotes, as a part of what the prices give."""
    quoting: asyncio.Event | None = None
    """When set, a quote waits for this."""
    registering: Refused | None = None
    """Why no wallet can be registered."""
    refusal: Refused | None = None
    lamports: int = 2 * LAMPORTS_PER_SOL
    dust: tuple[Holding, ...] = ()
    """What somebody has sent."""
    asked: list[str] = field(default_factory=list)
    """The mints whose prices were last asked for."""

    async def register(self, agent_id: str, private_key: str, limits: Trading, request_id: str) -> WalletKey:
        self.line.pass_through()
        if self.registering is not None:
            raise self.registering
        if self.requests.setdefault(request_id, limits) != limits:
            raise Refused("trading", "REQUEST_ID_REUSED", "REQUEST_ID_REUSED: another body")
        if agent_id in self.wallets and self.keys[agent_id] != private_key:
            raise Refused("trading", "WALLET_EXISTS", "WALLET_EXISTS: this agent has a wallet")
        self.keys[agent_id] = private_key
        self.limits.setdefault(f"wal_{agent_id}", limits)
        return self.wallets.setdefault(agent_id, WalletKey(f"wal_{agent_id}", "address"))

    async def wallet_of(self, agent_id: str) -> WalletKey | None:
        self.line.pass_through()
        return self.wallets.get(agent_id)

    async def tighten(self, wallet_id: str, limits: Trading) -> None:
        self.line.pass_through()
        self.tightened.append((wallet_id, limits))

    async def policy(self, wallet_id: str) -> Policy:
        return Policy(LAMPORTS_PER_SOL // 10, LAMPORTS_PER_SOL // 20, 300, 10, LAMPORTS_PER_SOL)

    async def wallet(self, wallet_id: str) -> Wallet:
        self.line.pass_through()
        bought = sum(trade.output_amount for trade in self.swaps.values() if trade.input_mint == WRAPPED_SOL)
        holdings = (Holding(MOSS.mint, MOSS.symbol, bought, 6),) if bought else ()
        past = tuple(
            PastTrade(trade.output_mint, True, trade.input_amount, trade.output_amount, datetime.now(UTC))
            for trade in self.swaps.values()
        )
        return Wallet(self.lamports, holdings + self.dust, past)

    async def market(self, mints: Sequence[str]) -> MarketView:
        self.asked = list(mints)
        return MarketView(Decimal(150), self.tokens)

    async def quote(self, input_mint: str, output_mint: str, amount: int) -> int:
        self.line.pass_through()
        # By the prices of the market above, a lamport is 15 base units of MOSS.
        fair = amount * 15 if input_mint == WRAPPED_SOL else amount // 15
        if self.quoting is not None:
            await self.quoting.wait()
        return int(fair * self.generosity)

    async def holds_key(self, text: str) -> bool:
        self.line.pass_through()
        return any(key in text for key in self.keys.values() if key)

    async def swap(self, order: Order, request_id: str) -> Trade:
        self.line.pass_through()
        self.orders.append(order)
        if self.refusal is not None:
            raise self.refusal
        number = len(self.swaps)
        trade = Trade(
            id=f"trd_{number}",
            progress=Progress.SETTLED,
            input_mint=order.input_mint,
            output_mint=order.output_mint,
            input_amount=order.amount,
            output_amount=order.amount * 15,
            signature=f"signature{number}",
            reason="",
        )
        return self.swaps.setdefault(request_id, trade)

    async def trade(self, trade_id: str) -> Trade:
        return next(trade for trade in self.swaps.values() if trade.id == trade_id)


@dataclass
class World:
    """All four."""

    memory: FakeMemory = field(default_factory=FakeMemory)
    llm: FakeLlm = field(default_factory=FakeLlm)
    social: FakeSocial = field(default_factory=FakeSocial)
    trading: FakeTrading = field(default_factory=FakeTrading)
