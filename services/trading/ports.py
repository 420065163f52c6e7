"""What the trading service needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from services.runtime import unit_of_work
from services.runtime.pages import Page, Paged
from services.runtime.unit_of_work import UnitOfWork
from services.trading.domain.market import Balance, Order, Pair, Price, Quote, Route, Token
from services.trading.domain.portfolio import LandedTrade
from services.trading.domain.trade import Draft, Outcome, Sight, Signed, Terms, Tip, Trade, TradeState
from services.trading.domain.wallet import Halt, Policy, SealedKey, Usage, Wallet


class Records(UnitOfWork, Protocol):
    """Wallets, policies and trades."""

    async def wallet(self, wallet_id: str) -> Wallet | None:
        """Return a wallet."""
        ...

    async def matching_wallet(self, agent_id: str, address: str) -> Wallet | None:
        """Return a wallet that has this agent or this address."""
        ...

    async def wallets(self, agent_id: str, page: Page) -> Paged[Wallet]:
        """Return a page of an agent's wallets, or of all, oldest first; the key is `(create_time, id)`."""
        ...

    async def policy(self, wallet_id: str) -> Policy:
        """Return the policy of a wallet. Raises LookupError when there is no such wallet."""
        ...

    async def halts(self, wallet_ids: Sequence[str], *, held: bool = False) -> dict[str, Halt]:
        """Return the halts over these wallets, by wallet: the one over all before a wallet's own.

        With `held` none over all can begin until this transaction ends.
        """
        ...

    async def halt(self, wallet_id: str) -> Halt | None:
        """Return the halt of this wallet alone, or the one over all for ALL_WALLETS."""
        ...

    async def delete(self, row: Halt) -> None:
        """Remove a row."""
        ...

    async def usage(self, wallet_id: str, since: datetime, besides: str = "") -> Usage:
        """Return what a wallet's trades since then add up to, without the trade `besides`.

        One that FAILED counts only when it landed, with its fee.
        """
        ...

    async def newest_slot(self, wallet_id: str) -> int:
        """Return the slot in which a wallet's latest trade landed; 0 when none has."""
        ...

    async def signed(self, signature: str) -> Trade | None:
        """Return the trade that has this signature."""
        ...

    async def trade(self, trade_id: str) -> Trade | None:
        """Return a trade."""
        ...

    async def trades(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        """Return a page of a wallet's trades, newest first; the key is `(create_time, id)`."""
        ...

    async def landed(self, wallet_id: str, page: Page, mints: Collection[str] = ()) -> Paged[LandedTrade]:
        """Return a page of what a wallet's trades did that are on the chain, oldest first; key `(create_time, id)`.

        With `mints` only those that gave or brought one of them.
        """
        ...

    async def oldest_open(self, wallet_id: str) -> Trade | None:
        """Return a wallet's oldest trade that isn't final."""
        ...

    async def wallets_with_open_trades(self) -> list[str]:
        """Return the ids of the wallets that have a trade that isn't final."""
        ...

    async def save(self, row: Wallet | Policy | Halt | Trade) -> None:
        """Add a row, or write its changes."""
        ...


Store: TypeAlias = unit_of_work.Store[Records]
"""The truth about what was asked, allowed and signed."""


class Vault(Protocol):
    """Keeps private keys: they go in, and only signatures come out."""

    def generate(self) -> SealedKey:
        """Make a new key."""
        ...

    def seal(self, private_key: str) -> SealedKey:
        """Seal a key in base58, JSON or hex. Raises InvalidPrivateKey."""
        ...

    def encodings(self, wallet: Wallet) -> Sequence[str]:
        """Return a wallet's key in the ways in which keys are written; none when it was sealed under another key."""
        ...

    def sign(self, wallet: Wallet, transaction: bytes) -> Signed:
        """Add the wallet's signature to a transaction, and leave the others as they are."""
        ...


class Chain(Protocol):
    """The chain, through one of its nodes. Every method raises ChainRateLimited and ChainUnavailable."""

    async def lamports(self, address: str) -> int:
        """Return what a wallet can spend."""
        ...

    async def spendable(self, address: str, mint: str) -> int:
        """Return what a wallet can spend of a token, in base units."""
        ...

    async def decimals(self, mints: Sequence[str]) -> Mapping[str, int]:
        """Return how many base units are a whole token, as a power of ten; what is no mint is left out."""
        ...

    async def balances(self, address: str) -> list[Balance]:
        """Return what a wallet can spend, without symbols: SOL first, then tokens by mint; nothing it has none of."""
        ...

    async def fee_reserve(self) -> int:
        """Return the lamports that an ordinary trade takes at most beside its amount: fees, and new accounts' rent."""
        ...

    async def prepare(self, offered: Order | Route, terms: Terms) -> Draft:
        """Make a transaction of a route, or justify every step of an order's, and run it for trial.

        Raises Unsafe for what must not be signed.
        """
        ...

    async def send(self, transaction: bytes) -> str:
        """Broadcast a signed transaction; the value is why the node refused it, or empty. Neither is proof."""
        ...

    async def sighting(self, signature: str) -> Sight:
        """Return what the chain knows of a signature, its whole history searched."""
        ...

    async def outcome(self, signature: str, address: str) -> Outcome | None:
        """Return what a confirmed transaction did to this wallet; None when the node can't tell yet."""
        ...

    async def tip(self) -> Tip:
        """Return the newest block that no fork can undo."""
        ...


class PriceFeed(Protocol):
    """Somebody else who knows what tokens cost. Every method raises ChainRateLimited and ChainUnavailable."""

    async def usd_prices(self, mints: Sequence[str]) -> Mapping[str, Decimal]:
        """Return what whole tokens cost in US dollars; those that have no price are left out."""
        ...


class Aggregator(Protocol):
    """Where swaps are found. Every method raises ChainRateLimited and ChainUnavailable."""

    async def quote(self, pair: Pair) -> Quote:
        """Return what a swap would give. Raises NoRoute."""
        ...

    async def order(self, pair: Pair, address: str) -> Order | Route:
        """Return a swap that this wallet can have, as a route if there is one. Raises NoRoute, InsufficientBalance."""
        ...

    async def execute(self, order_id: str, transaction: bytes) -> str:
        """Have a signed order sent; the value is why it was refused, or empty. Neither is proof."""
        ...

    async def prices(self, mints: Sequence[str]) -> Mapping[str, Price]:
        """Return the prices of up to 50 mints; those that have none are left out."""
        ...

    async def trending(self) -> list[Token]:
        """Return up to 100 tokens that trend now, first the most; without those the aggregator calls suspicious."""
        ...

    async def symbols(self, mints: Sequence[str]) -> Mapping[str, str]:
        """Return the symbols of those of these mints that have one."""
        ...
