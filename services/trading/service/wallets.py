"""Registers wallets, and says what they hold and may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.trading.domain.errors import WalletExists, WalletNotFound
from services.trading.domain.market import SOL, Balance
from services.trading.domain.wallet import Halt, Policy, Wallet, lock_key_of
from services.trading.ports import Aggregator, Chain, Records, Store, Vault
from services.trading.service.symbols import known_symbols


class Wallets:
    """Registers wallets, and says what they hold and may do."""

    def __init__(self, store: Store, vault: Vault, chain: Chain, aggregator: Aggregator, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._chain = chain
        self._aggregator = aggregator
        self._clock = clock

    async def register(
        self, agent_id: str, private_key: str, key: RequestKey, limits: Mapping[str, Any] | None = None
    ) -> Wallet:
        """Register a wallet with these limits beside the default ones; one that was imported gets its key.

        Raises InvalidPrivateKey and WalletExists.
        """
        sealed = self._vault.seal(private_key) if private_key else self._vault.generate()
        now = self._clock.now()
        wallet = Wallet(
            id=new_id("wal"), agent_id=agent_id, address=sealed.address, sealed_key=sealed.sealed, create_time=now
        )
        async with self._store.writing("wallets") as records:
            if first := await records.claim(key, wallet.id):
                return await load_wallet(records, first)
            if other := await records.matching_wallet(agent_id, wallet.address):
                if other.agent_id == agent_id and other.address == wallet.address and not other.sealed_key:
                    other.sealed_key = wallet.sealed_key
                    await records.answer(key, other.id)
                    await records.save(other)
                    await records.commit()
                    return other
                whose = "this agent has a wallet" if other.agent_id == agent_id else "this key belongs to another agent"
                raise WalletExists(whose, id=other.id)
            await records.save(wallet)
            await records.save(Policy(wallet_id=wallet.id, update_time=now, **(limits or {})))
            await records.commit()
        return wallet

    async def get(self, wallet_id: str) -> Wallet:
        """Return one wallet. Raises WalletNotFound."""
        async with self._store.reading() as records:
            return await load_wallet(records, wallet_id)

    async def with_halt(self, wallet_id: str) -> tuple[Wallet, Halt | None]:
        """Return one wallet, and the halt over it if there is one. Raises WalletNotFound."""
        async with self._store.reading() as records:
            wallet = await load_wallet(records, wallet_id)
            return wallet, (await records.halts([wallet_id])).get(wallet_id)

    async def agent_of(self, resource_id: str) -> str | None:
        """Return the agent whose wallet, or whose trade, this is; None when there is no such thing."""
        async with self._store.reading() as records:
            trade = await records.trade(resource_id)
            wallet = await records.wallet(trade.wallet_id if trade else resource_id)
        return wallet.agent_id if wallet else None

    async def page(self, agent_id: str, page: Page) -> Paged[Wallet]:
        """Return a page of wallets, oldest first."""
        async with self._store.reading() as records:
            return await records.wallets(agent_id, page)

    async def halts(self, wallets: Sequence[Wallet]) -> Mapping[str, Halt]:
        """Return the halts over these wallets, by the wallet's id."""
        async with self._store.reading() as records:
            return await records.halts([wallet.id for wallet in wallets])

    async def balances(self, wallet_id: str, page: Page) -> Paged[Balance]:
        """Return a page of what a wallet holds on the chain now, SOL first, then by mint. Raises WalletNotFound."""

        def place(mint: str) -> tuple[bool, str]:
            return mint != SOL, mint

        found = await self._chain.balances((await self.get(wallet_id)).address)
        found = [one for one in found if page.after is None or place(one.mint) > place(page.after[0])]
        listed = Paged.cut(sorted(found, key=lambda one: place(one.mint)), page, lambda one: (one.mint,))
        held = listed.rows
        symbols = await known_symbols(self._aggregator, [balance.mint for balance in held])
        return listed.turned([replace(balance, symbol=symbols.get(balance.mint, "")) for balance in held])

    async def policy(self, wallet_id: str) -> Policy:
        """Return the policy of a wallet. Raises WalletNotFound."""
        async with self._store.reading() as records:
            try:
                # Each wallet has one, from its registration on.
                return await records.policy(wallet_id)
            except LookupError:
                raise WalletNotFound(wallet_id) from None

    async def update_policy(self, wallet_id: str, values: Mapping[str, Any], etag: str, key: RequestKey) -> Policy:
        """Set fields of a policy. Raises WalletNotFound, or Conflict when the etag is not the current one."""
        return await self._change(wallet_id, key, lambda policy: policy.change(values, etag, self._clock.now()))

    async def tighten_policy(self, wallet_id: str, values: Mapping[str, Any], key: RequestKey) -> Policy:
        """Narrow fields of a policy; none is ever widened by it. Raises WalletNotFound."""
        return await self._change(wallet_id, key, lambda policy: policy.tighten(values, self._clock.now()))

    async def _change(self, wallet_id: str, key: RequestKey, change: Callable[[Policy], None]) -> Policy:
        async with self._store.writing(lock_key_of(wallet_id)) as records:
            policy = await records.policy((await load_wallet(records, wallet_id)).id)
            if await records.claim(key, wallet_id) is None:
                change(policy)
                await records.save(policy)
                await records.commit()
        return policy


async def load_wallet(records: Records, wallet_id: str) -> Wallet:
    """Return a wallet. Raises WalletNotFound."""
    if wallet := await records.wallet(wallet_id):
        return wallet
    raise WalletNotFound(wallet_id)
