"""Claims trades within policy, and hands them to the executor."""

from collections.abc import Sequence
from dataclasses import replace

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.trading.domain.errors import InsufficientBalance, TradeNotFound
from services.trading.domain.market import SOL, Pair
from services.trading.domain.trade import Trade, TradeState
from services.trading.domain.wallet import POLICY_WINDOW, Wallet, lock_key_of
from services.trading.ports import Chain, Store
from services.trading.service.executor import Executor
from services.trading.service.halts import refuse_halted
from services.trading.service.offers import Offer, Offers
from services.trading.service.wallets import load_wallet


class Trades:
    """Claims trades within policy."""

    def __init__(self, store: Store, chain: Chain, offers: Offers, executor: Executor, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._offers = offers
        self._executor = executor
        self._clock = clock

    async def execute(
        self, wallet_id: str, pair: Pair, least_output: int, key: RequestKey, timeout_seconds: float
    ) -> Trade:
        """Swap once for every key, and wait for the end until the timeout; the value is the present state.

        `least_output` is what must come out whatever is quoted; 0 leaves it to quote and slippage. Raises
        WalletNotFound, TradingHalted, PolicyViolation, InsufficientBalance and NoRoute: then nothing was claimed.
        """
        async with self._store.reading() as records:
            # A repeated call finds its trade, and a hopeless one ends here without asking anybody.
            first = await records.claimed(key)
            if first is None:
                wallet = await load_wallet(records, wallet_id)
                await refuse_halted(records, wallet_id)
                policy = await records.policy(wallet_id)
                pair = replace(pair, slippage_bps=pair.slippage_bps or policy.max_slippage_bps)
                policy.check_pair(pair)
                used = await records.usage(wallet_id, self._clock.now() - POLICY_WINDOW)
                policy.check_worth(pair.amount if pair.input_mint == SOL else 0, used)
        if first is None:
            offer = await self._offers.take(pair, wallet.address, least_output)
            first = await self._claim(wallet, pair, offer, least_output, key)
        return await self._executor.wait(first, timeout_seconds)

    async def get(self, trade_id: str) -> Trade:
        """Return one trade. Raises TradeNotFound."""
        async with self._store.reading() as records:
            if trade := await records.trade(trade_id):
                return trade
        raise TradeNotFound(trade_id)

    async def page(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        """Return a page of a wallet's trades, newest first. Raises WalletNotFound."""
        async with self._store.reading() as records:
            await load_wallet(records, wallet_id)
            return await records.trades(wallet_id, states, page)

    async def _claim(self, wallet: Wallet, pair: Pair, offer: Offer, least_output: int, key: RequestKey) -> str:
        """Check the policy and reserve in one transaction; the value is the trade's id."""
        if pair.input_mint != SOL:
            held = await self._chain.spendable(wallet.address, pair.input_mint)
            if held < pair.amount:
                raise InsufficientBalance(f"the wallet can spend {held} of {pair.input_mint}")
        lamports = await self._chain.lamports(wallet.address)
        async with self._store.writing(lock_key_of(wallet.id)) as records:
            # Made under the lock: its time is its place among the wallet's trades.
            trade = Trade(
                id=new_id("trd"),
                wallet_id=wallet.id,
                request_id=key.request_id,
                input_mint=pair.input_mint,
                output_mint=pair.output_mint,
                input_amount=pair.amount,
                min_output_amount=max(least_output, offer.order.quote.least_output(pair.slippage_bps)),
                worth_lamports=0,
                slippage_bps=pair.slippage_bps,
                create_time=self._clock.now(),
            )
            if first := await records.claim(key, trade.id):
                return first
            await refuse_halted(records, wallet.id)
            policy = await records.policy(wallet.id)
            used = await records.usage(wallet.id, self._clock.now() - POLICY_WINDOW)
            left = lamports - used.pending_lamports - offer.order.upkeep_lamports + trade.least_gain(SOL)
            trade.worth_lamports = policy.check(trade.pair, offer.value, used, left)
            await records.save(trade)
            await records.commit()
        self._executor.wake(wallet.id, {trade.id: offer})
        return trade.id
