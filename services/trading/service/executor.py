"""Brings claimed trades to their end: one at a time for each wallet, and from wherever a crash left them.

Every step first makes durable what it is about to do. The bytes of a signed trade are stored before they are sent, so
that whoever comes later sends the same bytes. Several replicas may follow one trade: who signs first, wins.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.runtime.background import detached
from services.runtime.clock import Clock
from services.runtime.errors import RetryLater, WrongState
from services.runtime.telemetry import Counter
from services.runtime.waiting import Signal
from services.trading.domain.errors import AccessRefused, TradeNotFound
from services.trading.domain.trade import (
    MAX_CLAIM_AGE,
    OPEN_STATES,
    Cause,
    Draft,
    Sight,
    Sighting,
    Trade,
    TradeState,
    Unsafe,
)
from services.trading.domain.wallet import POLICY_WINDOW, Wallet, lock_key_of
from services.trading.ports import Aggregator, Chain, Records, Store, Vault
from services.trading.service.halts import halt_if_not, refuse_halted
from services.trading.service.offers import Offer, Offers
from services.trading.service.sender import Sender
from services.trading.service.wallets import load_wallet

log = logging.getLogger(__name__)

TRADES = Counter("puppet.trades", "{trade}", "How trades moved on, by their new state.")
_OFFER_SECONDS = 2.0
"""How long an offer that was taken for the claim may wait for its signature; after that a new one is asked for."""

_READ_PATIENCE = timedelta(minutes=10)
"""How long after its signature a trade that is on the chain may wait for what it did there to be read."""

_POLL_SECONDS = 0.5
_MAX_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How often the chain is asked about a sent trade, and how long it may go unconfirmed to be OUTCOME_UNKNOWN."""

    poll_seconds: float
    confirm_seconds: float

    @property
    def resend_seconds(self) -> float:
        """How long after it was sent a trade that nobody has seen is sent again."""
        return 4 * self.poll_seconds


class Executor:
    """One task for each wallet that has open trades."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        chain: Chain,
        aggregator: Aggregator,
        offers: Offers,
        clock: Clock,
        timing: Timing,
        draining: asyncio.Event,
    ) -> None:
        """Take what it works with; callers that wait are let go when `draining` is set."""
        self._store = store
        self._vault = vault
        self._chain = chain
        self._offers = offers
        self._clock = clock
        self._timing = timing
        self._draining = draining
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._woken: set[str] = set()
        self._taken: dict[str, tuple[float, Offer]] = {}
        self._sender = Sender(chain, aggregator)
        self._changed = Signal()

    async def resume(self) -> None:
        """Take up every open trade that nobody in this process follows."""
        async with self._store.reading() as records:
            wallet_ids = await records.wallets_with_open_trades()
        for wallet_id in wallet_ids:
            self.wake(wallet_id)

    def wake(self, wallet_id: str, offers: Mapping[str, Offer] | None = None) -> None:
        """See to it that a wallet's open trades are followed; `offers` are fresh ones, by the trade they are for."""
        now = time.monotonic()
        # Another replica may sign the trade first, and then nobody here takes its offer.
        self._taken = {key: held for key, held in self._taken.items() if now - held[0] < _OFFER_SECONDS}
        self._taken |= {trade_id: (now, offer) for trade_id, offer in (offers or {}).items()}
        self._woken.add(wallet_id)
        if wallet_id not in self._tasks:
            self._tasks[wallet_id] = detached(self._run(wallet_id), f"trades of {wallet_id}")

    async def wait(self, trade_id: str, timeout_seconds: float) -> Trade:
        """Return a trade when it is SETTLED, FAILED or OUTCOME_UNKNOWN, or as it is at the timeout."""

        async def load() -> Trade:
            async with self._store.reading() as records:
                trade = await records.trade(trade_id)
            if trade is None:
                raise TradeNotFound(trade_id)
            return trade

        def is_enough(trade: Trade) -> bool:
            return trade.is_final or trade.state == TradeState.OUTCOME_UNKNOWN or self._draining.is_set()

        return await self._changed.until(load, is_enough, timeout_seconds=timeout_seconds, poll_seconds=_POLL_SECONDS)

    async def close(self) -> None:
        """Stop at once: every line is one at which a crash may happen, too."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, wallet_id: str) -> None:
        try:
            while wallet_id in self._woken:
                self._woken.discard(wallet_id)
                while trade := await self._oldest_open(wallet_id):
                    await self._advance(trade)
        except Exception:
            # `resume` takes it up again.
            log.exception("trades not followed", extra={"wallet": wallet_id})
        finally:
            self._tasks.pop(wallet_id, None)
            self._sender.forget(wallet_id)

    async def _oldest_open(self, wallet_id: str) -> Trade | None:
        async with self._store.reading() as records:
            return await records.oldest_open(wallet_id)

    async def _advance(self, trade: Trade) -> None:
        """Take one step with a trade, or pause when that isn't possible now."""
        try:
            if trade.state == TradeState.CLAIMED:
                await self._sign(trade)
            else:
                await self._follow(trade)
        except RetryLater as error:
            log.warning("trade delayed", extra={"trade": trade.id, "reason": error.reason, "error": error.message})
            await asyncio.sleep(min(error.retry_after, _MAX_PAUSE_SECONDS))
        except AccessRefused as error:
            log.error("trade delayed", extra={"trade": trade.id, "reason": error.reason, "error": error.message})
            await asyncio.sleep(_MAX_PAUSE_SECONDS)

    async def _sign(self, trade: Trade) -> None:
        """Take an offer, examine it, sign it, store the bytes, and send them; or end the trade unsigned."""
        taken_at, taken = self._taken.pop(trade.id, (float("-inf"), None))
        fresh = taken if time.monotonic() - taken_at < _OFFER_SECONDS else None
        if self._clock.now() - trade.create_time > MAX_CLAIM_AGE:
            await self._end(trade, Cause.LATE, "it was not signed in time")
            return
        async with self._store.reading() as records:
            wallet = await load_wallet(records, trade.wallet_id)
        try:
            # Nobody is asked for what can't be signed anyway: whether it can is decided with the signature.
            async with self._store.reading() as records:
                await refuse_halted(records, wallet.id)
                policy = await records.policy(wallet.id)
                used = await records.usage(wallet.id, self._clock.now() - POLICY_WINDOW, besides=trade.id)
                since_slot = await records.newest_slot(wallet.id)
            policy.check_pair(trade.pair)
            policy.check_worth(trade.worth_lamports, used)
            offer = fresh or await self._offers.take(trade.pair, wallet.address, trade.min_output_amount)
            trade.demand(offer.order.quote)
            draft = await self._chain.prepare(offer.order, trade.terms(wallet.address, since_slot))
            trade.check(offer.order.quote, draft)
            signed = await self._store_signature(trade, wallet, offer, draft)
        except Unsafe as error:
            log.warning("order refused", extra={"trade": trade.id, "error": str(error)})
            await self._end(trade, Cause.UNSAFE_ORDER, f"the order was not signed: {error}")
            return
        except WrongState as error:
            log.warning("trade refused", extra={"trade": trade.id, "reason": error.reason, "error": error.message})
            await self._end(trade, Cause(error.reason), error.message)
            return
        if signed is not None:
            self._changed.notify()
            await self._sender.send(signed)

    async def _store_signature(self, trade: Trade, wallet: Wallet, offer: Offer, draft: Draft) -> Trade | None:
        """Sign and store what the policy still allows, in one transaction; None when another replica was quicker.

        Raises Unsafe, TradingHalted, PolicyViolation and InsufficientBalance: then nobody ever gets the signature.
        """
        async with self._store.writing(lock_key_of(wallet.id)) as records:
            current = await records.oldest_open(wallet.id)
            if current is None or current.id != trade.id or current.state != TradeState.CLAIMED:
                return None
            await refuse_halted(records, wallet.id, held=True)
            policy = await records.policy(wallet.id)
            now = self._clock.now()
            if now - current.create_time > MAX_CLAIM_AGE:
                raise Unsafe("its claim is too old")
            used = await records.usage(wallet.id, now - POLICY_WINDOW, besides=trade.id)
            current.worth_lamports = policy.check(current.pair, offer.value, used, draft.lamports_left)
            policy.check_worth(current.worth_lamports + draft.exposed_lamports, used)
            current.demand(offer.order.quote)
            signed = self._vault.sign(wallet, draft.transaction)
            if await records.signed(signed.signature) is not None:
                raise Unsafe("it is the transaction of an earlier trade")
            current.sign(signed, draft, now)
            await records.save(current)
            await records.commit()
        return current

    async def _follow(self, trade: Trade) -> None:
        """Look for a signed trade on the chain; send it again while it may land, and end it when it can't."""
        await self._doubt_when_late(trade)
        sight = await self._chain.sighting(trade.signature)
        has_expired = False
        if sight.sighting is Sighting.ABSENT:
            # The tip is read before the second look, and by a node that isn't behind it: what isn't there then was in
            # no block up to it. Behind one address there may be several nodes.
            tip = await self._chain.tip()
            sight = await self._chain.sighting(trade.signature)
            is_absent = sight.sighting is Sighting.ABSENT and sight.slot >= tip.slot
            has_expired = is_absent and tip.height > trade.last_valid_block_height
        if (has_expired or sight.sighting is Sighting.CONFIRMED) and await self._conclude(trade, sight):
            return
        if has_expired:
            await self._end(trade, Cause.EXPIRED, "it expired: it is in no block, and can't get into one any more")
            return
        if sight.sighting is Sighting.ABSENT and self._sender.seconds_since(trade) > self._timing.resend_seconds:
            await self._sender.send(trade)
        await asyncio.sleep(self._timing.poll_seconds)

    async def _doubt_when_late(self, trade: Trade) -> None:
        limit = timedelta(seconds=self._timing.confirm_seconds)
        if trade.state == TradeState.SIGNED and trade.sign_time and self._clock.now() - trade.sign_time > limit:
            error = self._sender.last_error(trade)
            reason = f"no confirmation within {self._timing.confirm_seconds:g} s" + (f"; {error}" if error else "")
            async with self._changing(trade) as (_records, current):
                if current is not None:
                    current.doubt(reason)

    async def _conclude(self, trade: Trade, sight: Sight) -> bool:
        """End a trade by what it did, or by its status alone once that couldn't be read for long enough."""
        async with self._store.reading() as records:
            wallet = await load_wallet(records, trade.wallet_id)
        now = self._clock.now()
        is_overdue = trade.sign_time is not None and now - trade.sign_time > _READ_PATIENCE
        goes_by_status = is_overdue and sight.sighting is Sighting.CONFIRMED
        outcome = None
        try:
            outcome = await self._chain.outcome(trade.signature, wallet.address)
        except RetryLater as error:
            if not goes_by_status:
                raise
            log.warning("outcome unread", extra={"trade": trade.id, "error": error.message})
        if outcome is None and not goes_by_status:
            return False
        async with self._changing(trade) as (records, current):
            if current is not None and outcome is None:
                current.conclude_unread(sight, now)
            elif current is not None and outcome is not None and (wrong := current.conclude(outcome, now)):
                log.error("wallet halted", extra={"trade": trade.id, "wallet": trade.wallet_id, "error": wrong})
                await halt_if_not(records, trade.wallet_id, f"of the trade {trade.id}: {wrong}", now)
        return True

    async def _end(self, trade: Trade, cause: Cause, reason: str) -> None:
        async with self._changing(trade) as (_records, current):
            # Only from the state in which it was seen: another replica may have signed it meanwhile.
            if current is not None and current.state == trade.state:
                current.fail(cause, reason, self._clock.now())

    @contextlib.asynccontextmanager
    async def _changing(self, trade: Trade) -> AsyncIterator[tuple[Records, Trade | None]]:
        """Open the transaction in which a trade changes, which is stored; None when it has ended meanwhile."""
        async with self._store.writing(lock_key_of(trade.wallet_id)) as records:
            current = await records.trade(trade.id)
            if current is None or current.state not in OPEN_STATES:
                yield records, None
            else:
                yield records, current
                await records.save(current)
                await records.commit()
                TRADES.add(state=current.state.value)
                log.info("trade", extra={"trade": trade.id, "state": current.state, "error": current.state_reason})
        self._changed.notify()
