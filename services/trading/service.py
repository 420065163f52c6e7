"""The use cases of the trading service."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.runtime.clock import Clock
from services.runtime.errors import RetryLater
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.trading.domain.errors import NoRoute, PolicyViolation, TradeNotFound, WalletExists, WalletNotFound
from services.trading.domain.market import SOL, Balance, Order, Pair, Price, Quote, Token, worth_in_lamports
from services.trading.domain.trade import MAX_AMOUNT, Trade, TradeState
from services.trading.domain.wallet import POLICY_WINDOW, Policy, Wallet
from services.trading.executor import Executor, turn_of
from services.trading.ports import Aggregator, Chain, Records, Store, Vault


class Wallets:
    """Registers wallets, and says what they hold and may do."""

    def __init__(self, store: Store, vault: Vault, chain: Chain, aggregator: Aggregator, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._chain = chain
        self._aggregator = aggregator
        self._clock = clock

    async def register(self, agent_id: str, private_key: str, key: RequestKey) -> Wallet:
        """Register a wallet with the default policy. Raises InvalidPrivateKey and WalletExists."""
        sealed = self._vault.seal(private_key) if private_key else self._vault.generate()
        now = self._clock.now()
        wallet = Wallet(
            id=new_id("wal"), agent_id=agent_id, address=sealed.address, sealed_key=sealed.sealed, create_time=now
        )
        async with self._store.writing("wallets") as records:
            if first := await records.claim(key, wallet.id):
                return await known_wallet(records, first)
            if other := await records.wallet_like(agent_id, wallet.address):
                whose = "this agent has a wallet" if other.agent_id == agent_id else "this key belongs to another agent"
                raise WalletExists(whose, id=other.id)
            await records.save(wallet)
            await records.save(Policy(wallet_id=wallet.id, update_time=now))
            await records.commit()
        return wallet

    async def get(self, wallet_id: str) -> Wallet:
        """Return one wallet. Raises WalletNotFound."""
        async with self._store.reading() as records:
            return await known_wallet(records, wallet_id)

    async def page(self, agent_id: str, page: Page) -> Paged[Wallet]:
        """Return a page of wallets, oldest first."""
        async with self._store.reading() as records:
            return await records.wallets(agent_id, page)

    async def balances(self, wallet_id: str) -> list[Balance]:
        """Return what a wallet holds on the chain now. Raises WalletNotFound."""
        held = await self._chain.balances((await self.get(wallet_id)).address)
        symbols: Mapping[str, str] = {}
        # A balance without its symbol is still the balance.
        with contextlib.suppress(RetryLater):
            symbols = await self._aggregator.symbols([balance.mint for balance in held])
        return [replace(balance, symbol=symbols.get(balance.mint, "")) for balance in held]

    async def policy(self, wallet_id: str) -> Policy:
        """Return the policy of a wallet. Raises WalletNotFound."""
        async with self._store.reading() as records:
            return await records.policy((await known_wallet(records, wallet_id)).id)

    async def set_policy(self, wallet_id: str, values: Mapping[str, Any], etag: str, key: RequestKey) -> Policy:
        """Set fields of a policy. Raises WalletNotFound, or Conflict when the etag is not the current one."""
        async with self._store.writing(turn_of(wallet_id)) as records:
            policy = await records.policy((await known_wallet(records, wallet_id)).id)
            if await records.claim(key, wallet_id) is None:
                policy.change(values, etag, self._clock.now())
                await records.save(policy)
                await records.commit()
        return policy


class Market:
    """Says what swaps and tokens cost."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def quote(self, pair: Pair) -> Quote:
        """Return what a swap would give now. Raises NoRoute."""
        return await self._aggregator.quote(pair)

    async def prices(self, mints: Sequence[str]) -> list[Price]:
        """Return the prices of these mints in their order; those that have none are left out."""
        found = await self._aggregator.prices(mints)
        return [found[mint] for mint in dict.fromkeys(mints) if mint in found]

    async def trending(self, page: Page) -> Paged[Token]:
        """Return a page of the tokens that trend now; the key is `(how many came before,)`."""
        start = int(page.after[0]) if page.after else 0
        tokens = (await self._aggregator.trending())[start:]
        return Paged.cut(tokens, page, lambda _token: (start + page.size,))


class Trades:
    """Claims trades within policy, and hands them to the executor."""

    def __init__(self, store: Store, chain: Chain, aggregator: Aggregator, executor: Executor, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._aggregator = aggregator
        self._executor = executor
        self._clock = clock

    async def execute(self, wallet_id: str, pair: Pair, key: RequestKey, patience: float) -> Trade:
        """Swap once for every key, and wait up to `patience` seconds for the end; the value is the present state.

        Raises WalletNotFound, PolicyViolation, InsufficientBalance and NoRoute: then nothing was claimed.
        """
        async with self._store.writing(turn_of(wallet_id)) as records:
            # Never committed: a repeated call finds its trade, and a hopeless one ends here without asking anybody.
            first = await records.claim(key, "")
            if first is None:
                wallet = await known_wallet(records, wallet_id)
                pair = await self._allowed(records, wallet, pair, pair.amount if pair.input_mint == SOL else 0)
        if first is None:
            order = await self._aggregator.order(pair, wallet.address)
            first = await self._claim(wallet, pair, order, key)
        return await self._executor.wait(first, patience)

    async def get(self, trade_id: str) -> Trade:
        """Return one trade. Raises TradeNotFound."""
        async with self._store.reading() as records:
            if trade := await records.trade(trade_id):
                return trade
        raise TradeNotFound(trade_id)

    async def page(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        """Return a page of a wallet's trades, newest first. Raises WalletNotFound."""
        async with self._store.reading() as records:
            await known_wallet(records, wallet_id)
            return await records.trades(wallet_id, states, page)

    async def _claim(self, wallet: Wallet, pair: Pair, order: Order, key: RequestKey) -> str:
        """Check the policy and reserve in one transaction; the value is the trade's id."""
        worth = await self._worth(pair, order)
        lamports = await self._chain.lamports(wallet.address) if pair.input_mint == SOL else 0
        trade = Trade(
            id=new_id("trd"),
            wallet_id=wallet.id,
            request_id=key.request_id,
            input_mint=pair.input_mint,
            output_mint=pair.output_mint,
            input_amount=pair.amount,
            min_output_amount=order.quote.least_output(pair.slippage_bps),
            worth_lamports=worth,
            slippage_bps=pair.slippage_bps,
            create_time=self._clock.now(),
        )
        async with self._store.writing(turn_of(wallet.id)) as records:
            if first := await records.claim(key, trade.id):
                return first
            await self._allowed(records, wallet, pair, worth, lamports - order.upkeep_lamports)
            await records.save(trade)
            await records.commit()
        self._executor.wake(wallet.id, {trade.id: order})
        return trade.id

    async def _allowed(
        self, records: Records, wallet: Wallet, pair: Pair, worth: int, lamports: int | None = None
    ) -> Pair:
        """Check a trade against the policy, and the `lamports` it may use if they are known; fill its slippage in."""
        policy = await records.policy(wallet.id)
        pair = replace(pair, slippage_bps=pair.slippage_bps or policy.max_slippage_bps)
        policy.check_pair(pair)
        used = await records.usage(wallet.id, self._clock.now() - POLICY_WINDOW)
        policy.check_worth(worth, used)
        if pair.input_mint == SOL and lamports is not None:
            policy.check_left(lamports - used.pending_lamports - pair.amount)
        return pair

    async def _worth(self, pair: Pair, order: Order) -> int:
        """Return what a trade is worth in lamports: the SOL that it gives or gets, else what it gives by its price."""
        if pair.input_mint == SOL:
            return pair.amount
        if pair.output_mint == SOL:
            worth = order.quote.output_amount
        else:
            prices = await self._aggregator.prices([pair.input_mint, SOL])
            if pair.input_mint not in prices or SOL not in prices:
                raise PolicyViolation(
                    "max_trade_lamports", "", "unknown", f"{pair.input_mint} has no price to measure it by"
                )
            worth = worth_in_lamports(pair.amount, prices[pair.input_mint], prices[SOL])
        if worth > MAX_AMOUNT:
            raise NoRoute("the amount is worth more than all SOL there is")
        return worth


async def known_wallet(records: Records, wallet_id: str) -> Wallet:
    """Return a wallet. Raises WalletNotFound."""
    if wallet := await records.wallet(wallet_id):
        return wallet
    raise WalletNotFound(wallet_id)
