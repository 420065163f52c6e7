"""Stops trading and lets it go on: durable, and obeyed in the transaction that stores a signature."""

from datetime import datetime

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.trading.domain.errors import TradingHalted
from services.trading.domain.wallet import ALL_WALLETS, Halt, lock_key_of
from services.trading.ports import Records, Store
from services.trading.service.wallets import load_wallet


class Halts:
    """Halts one wallet, or all of them and those to come."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def halt(self, wallet_id: str, reason: str, key: RequestKey) -> Halt | None:
        """Halt trading; when this returns no later signature can be stored. Raises WalletNotFound.

        The value is the halt that holds: the first one when there was one, None when a repeated call was resumed since.
        """
        async with self._store.writing(lock_key_of(wallet_id)) as records:
            await _check(records, wallet_id)
            if await records.claim(key, wallet_id) is None:
                found = await halt_if_not(records, wallet_id, reason, self._clock.now())
                await records.commit()
                return found
            return await records.halt(wallet_id) or (await records.halts([wallet_id])).get(wallet_id)

    async def resume(self, wallet_id: str, key: RequestKey) -> Halt | None:
        """Lift a halt; the value is the one that still holds for this wallet. Raises WalletNotFound."""
        async with self._store.writing(lock_key_of(wallet_id)) as records:
            await _check(records, wallet_id)
            if await records.claim(key, wallet_id) is None and (found := await records.halt(wallet_id)):
                await records.delete(found)
            left = (await records.halts([wallet_id])).get(wallet_id)
            await records.commit()
            return left


async def refuse_halted(records: Records, wallet_id: str, *, held: bool = False) -> None:
    """Raise TradingHalted while this wallet, or all trading, is halted; `held` as in `Records.halts`."""
    if halt := (await records.halts([wallet_id], held=held)).get(wallet_id):
        raise TradingHalted(halt.reason, halt.create_time.isoformat(timespec="seconds"))


async def halt_if_not(records: Records, wallet_id: str, reason: str, now: datetime) -> Halt:
    """Halt a wallet under the lock of this transaction, unless it is; the value is the halt that holds."""
    found = await records.halt(wallet_id)
    if found is None:
        found = Halt(wallet_id=wallet_id, reason=reason, create_time=now)
        await records.save(found)
    return found


async def _check(records: Records, wallet_id: str) -> None:
    if wallet_id != ALL_WALLETS:
        await load_wallet(records, wallet_id)
