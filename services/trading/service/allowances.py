"""Says what a wallet may still trade, by its policy, what is reserved, the halts, and its balance."""

from collections.abc import Mapping, Sequence

from services.runtime.clock import Clock
from services.trading.domain.allowance import Allowance, MintAllowance
from services.trading.domain.market import SOL, SOL_DECIMALS, Price
from services.trading.domain.wallet import POLICY_WINDOW
from services.trading.ports import Chain, Store
from services.trading.service.prices import Prices
from services.trading.service.wallets import load_wallet


class Allowances:
    """Says what wallets may still trade."""

    def __init__(self, store: Store, chain: Chain, prices: Prices, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._prices = prices
        self._clock = clock

    async def of(self, wallet_id: str, mints: Sequence[str]) -> tuple[Allowance, list[MintAllowance]]:
        """Return what a wallet may still trade, and what of each of these mints, in their order.

        Raises WalletNotFound, ChainRateLimited, ChainUnavailable and AccessRefused.
        """
        async with self._store.reading() as records:
            wallet = await load_wallet(records, wallet_id)
        lamports, reserve = await self._chain.lamports(wallet.address), await self._chain.fee_reserve()
        amounts = await self._amounts(wallet.address, mints)
        prices = await self._worths(amounts)
        # Read last: what is reserved meanwhile counts.
        async with self._store.reading() as records:
            policy = await records.policy(wallet.id)
            halt = (await records.halts([wallet.id])).get(wallet.id)
            used = await records.usage(wallet.id, self._clock.now() - POLICY_WINDOW)
        allowance = Allowance(policy, halt, used, lamports, reserve)
        return allowance, [allowance.of_mint(mint, amounts.get(mint, 0), prices) for mint in mints]

    async def _amounts(self, address: str, mints: Sequence[str]) -> Mapping[str, int]:
        """Return what a wallet has of these tokens."""
        if not any(mint != SOL for mint in mints):
            return {}
        held = await self._chain.balances(address)
        return {balance.mint: balance.amount for balance in held if balance.mint in mints and balance.mint != SOL}

    async def _worths(self, amounts: Mapping[str, int]) -> Sequence[Mapping[str, Price]]:
        if not amounts:
            return []
        return await self._prices.opinions({**await self._chain.decimals(list(amounts)), SOL: SOL_DECIMALS})
