"""Drafts: transactions made or justified, run for trial, and compared with what the wallet had."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.address_lookup_table_account import AddressLookupTable, AddressLookupTableAccount
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from services.trading.adapters.answers import MAX_U64, mapping, sequence, text, whole
from services.trading.adapters.solana import fees
from services.trading.adapters.solana.accounts import accounts, read_account
from services.trading.adapters.solana.compose import MAX_BYTES, Plan, compose
from services.trading.adapters.solana.justify import justify
from services.trading.adapters.solana.mints import LARGEST_ACCOUNT_BYTES, read_mint
from services.trading.adapters.solana.programs import TOKEN_ACCOUNT_BYTES
from services.trading.adapters.solana.purse import Accounts, Purse
from services.trading.adapters.solana.route import swap_step
from services.trading.adapters.solana.rpc import (
    CONFIRMED,
    PROCESSED,
    Node,
    Refused,
    check_slot,
    countable,
    in_context,
    in_words,
    translate_node_errors,
    without_panics,
)
from services.trading.domain.market import SOL, Order, Route
from services.trading.domain.trade import MAX_AMOUNT, Draft, Terms, Unsafe

_NEWEST_VERSION = 1
_IS_VERSIONED = 0x80
_SIGNATURE_BYTES = 64
_MAX_BYTES_OF_VERSION_1 = 4_096
_MAX_ACCOUNTS, _MAX_TABLES = 64, 10
_MAX_BLOCKS = 1_000


@dataclass(frozen=True, slots=True)
class _Simulation:
    """What a node says of a transaction that it has run for trial: the compute units, and the wallet's accounts."""

    units: int
    after: Accounts


class Drafter:
    """Asks a node for what it needs to know; every method raises ChainRateLimited and ChainUnavailable."""

    def __init__(self, node: Node, max_priority_lamports: int) -> None:
        """Take the node, and the most that a transaction may pay beside its signatures."""
        self._node = node
        self._max_priority = max_priority_lamports

    async def of_order(self, order: Order, terms: Terms) -> Draft:
        """Justify every step of an order's transaction. Raises Unsafe."""
        tx = _read(order.transaction)
        purse, _tables = await self._purse(terms, [])
        found = justify(tx.message, purse)
        if found.given > terms.amount:
            raise Unsafe(f"it would take {found.given} of {terms.input_mint}, and {terms.amount} at most is right")
        if found.gained < terms.least_output:
            raise Unsafe(f"it would give {found.gained}, and {terms.least_output} at least is right")
        signatures = found.signatures * fees.SIGNATURE_LAMPORTS
        # While the chain is idle nothing has to be paid beside the signatures; then they may be doubled.
        going = fees.priority_lamports(found.units, fees.going_price(await self._recent(found.writable)))
        if found.priority_lamports > max(signatures, min(2 * going, self._max_priority)):
            raise Unsafe(f"its priority would cost {found.priority_lamports} lamports, and the chain asks {going} now")
        before = await self._accounts(purse.looked_at(tx.message.account_keys, found.writable), terms)
        purse.check_untouched(before)
        after = (await self._simulate(order.transaction, purse)).after
        height = await self._height()
        fee = signatures + found.priority_lamports
        return _draft(
            purse, before, after, order.transaction, order.order_id, fee, height, order.last_valid_block_height
        )

    async def of_route(self, route: Route, terms: Terms) -> Draft:
        """Make a transaction around a route's swap, with guards behind it. Raises Unsafe."""
        if len(route.step.accounts) > _MAX_ACCOUNTS or len(route.tables) > _MAX_TABLES:
            raise Unsafe("its route has too many accounts")
        purse, tables = await self._purse(terms, [Pubkey.from_string(table) for table in route.tables])
        swap = swap_step(route, purse)
        writable = [meta.pubkey for meta in swap.accounts if meta.is_writable]
        before = await self._accounts(purse.looked_at((meta.pubkey for meta in swap.accounts), writable), terms)
        purse.check_untouched(before)
        rents = await self._rents(purse, before)
        missing = {key: rent for key, rent in rents.items() if (there := before[key]) is None or not there.data}
        plan = Plan(purse, swap, before, missing, 0)
        blockhash, last_valid_height = await self._blockhash()
        height = await self._height()
        trial = await self._simulate(compose(plan, fees.MAX_UNITS, tables, blockhash), purse)
        limit = min(fees.MAX_UNITS, (trial.units or fees.MAX_UNITS) * 6 // 5 + 1_000)
        price = fees.affordable(fees.going_price(await self._recent(writable)), limit, self._max_priority)
        plan = replace(plan, unit_price=price)
        transaction = compose(plan, limit, tables, blockhash)
        after = (await self._simulate(transaction, purse)).after
        fee = fees.SIGNATURE_LAMPORTS + fees.priority_lamports(limit, price)
        draft = _draft(purse, before, after, transaction, "", fee, height, last_valid_height)
        # A token account can be closed and made anew, and what SOL it had beyond its rent is then somebody else's.
        tokens = [key for key, mint in purse.mints.items() if mint != SOL and before[key] is not None]
        exposed = sum(max(0, there.lamports - rents[key]) for key in tokens if (there := before[key]) is not None)
        left = min(draft.lamports_left, plan.lamports_left(limit))
        return replace(draft, lamports_left=left, exposed_lamports=exposed)

    async def fee_reserve(self) -> int:
        """Return what a transaction of our own takes at most beside the amount, in lamports.

        That is the signature, the priority, and the rent of the account for what is bought, and of the one that wraps
        SOL, which comes back.
        """
        rent = await self._rent(LARGEST_ACCOUNT_BYTES) + await self._rent(TOKEN_ACCOUNT_BYTES)
        return min(MAX_AMOUNT, fees.SIGNATURE_LAMPORTS + self._max_priority + rent)

    async def _purse(self, terms: Terms, tables: Sequence[Pubkey]) -> tuple[Purse, list[AddressLookupTableAccount]]:
        """Return the wallet's accounts for these terms, and the lookup tables as they are on the chain."""
        given, wanted = Pubkey.from_string(terms.input_mint), Pubkey.from_string(terms.output_mint)
        found = await accounts(self._node, [given, wanted, *tables], CONFIRMED, 0)
        purse = Purse(Pubkey.from_string(terms.address), terms, read_mint(given, found[0]), read_mint(wanted, found[1]))
        purse.output.check_bought()
        read = []
        for key, account in zip(tables, found[2:], strict=True):
            if account is None or account.owner != LOOKUP_TABLES:
                raise Unsafe(f"there is no lookup table {key}")
            try:
                with without_panics():
                    addresses = AddressLookupTable.deserialize(account.data).addresses
            except ValueError:
                raise Unsafe(f"the lookup table {key} can't be read") from None
            read.append(AddressLookupTableAccount(key, addresses))
        return purse, read

    async def _accounts(self, keys: Sequence[Pubkey], terms: Terms) -> Accounts:
        found = await accounts(self._node, keys, PROCESSED, terms.since_slot)
        return dict(zip(keys, found, strict=True))

    async def _rents(self, purse: Purse, before: Accounts) -> dict[Pubkey, int]:
        """Return the lamports that the wallet's own accounts have to hold, or will when they are made, by account."""
        sizes = {
            purse.input_account: purse.input.account_bytes,
            purse.output_account: purse.output.account_bytes,
            purse.wrapped_account: TOKEN_ACCOUNT_BYTES,
        }
        sizes |= {key: len(there.data) for key in sizes if (there := before[key]) is not None and there.data}
        rents = {size: await self._rent(size) for size in set(sizes.values())}
        return {key: rents[size] for key, size in sizes.items()}

    async def _rent(self, size: int) -> int:
        answer = await self._node.ask("getMinimumBalanceForRentExemption", size)
        with translate_node_errors():
            return whole(answer, MAX_U64)

    async def _height(self) -> int:
        answer = await self._node.ask("getBlockHeight", {"commitment": CONFIRMED})
        with translate_node_errors():
            return countable(answer)

    async def _blockhash(self) -> tuple[Hash, int]:
        """Return the newest blockhash, and the last height at which it may be named."""
        answer = await self._node.ask("getLatestBlockhash", {"commitment": CONFIRMED})
        with translate_node_errors():
            latest = mapping(in_context(answer)[1])
            return Hash.from_string(text(latest["blockhash"])), countable(latest["lastValidBlockHeight"])

    async def _recent(self, writable: Sequence[Pubkey]) -> list[int]:
        """Return what recent blocks took for a unit in transactions that change these accounts."""
        try:
            answer = await self._node.ask("getRecentPrioritizationFees", [str(key) for key in writable])
        except Refused:
            # A node that doesn't know is a chain that asks for nothing.
            return []
        with translate_node_errors():
            blocks = sequence(answer, _MAX_BLOCKS)
            return [whole(mapping(block)["prioritizationFee"], MAX_U64) for block in blocks]

    async def _simulate(self, transaction: bytes, purse: Purse) -> _Simulation:
        """Run a transaction for trial. Raises Unsafe when it fails."""
        keys = purse.accounts
        # With a blockhash of the node's own: the aggregator's node may be some blocks ahead of this one.
        options = {
            "encoding": "base64",
            "commitment": PROCESSED,
            "replaceRecentBlockhash": True,
            "accounts": {"encoding": "base64", "addresses": [str(key) for key in keys]},
        }
        answer = await self._node.ask("simulateTransaction", base64.b64encode(transaction).decode(), options)
        with translate_node_errors():
            slot, value = in_context(answer)
            found = mapping(value)
            failure = in_words(found.get("err"))
        check_slot(slot, purse.terms.since_slot)
        if failure:
            raise Unsafe(f"its trial run failed: {failure}")
        with translate_node_errors():
            shown = sequence(found.get("accounts") or [None] * len(keys), len(keys))
            after = {key: read_account(account) for key, account in zip(keys, shown, strict=True)}
            return _Simulation(whole(found.get("unitsConsumed") or "0", MAX_U64), after)


def _read(transaction: bytes) -> VersionedTransaction:
    """Read somebody's transaction. Raises Unsafe, which names what isn't understood of it."""
    version = version_of(transaction)
    if version > _NEWEST_VERSION:
        raise Unsafe(f"it is of version {version}, and no version above {_NEWEST_VERSION} is understood")
    limit = MAX_BYTES if version < 1 else _MAX_BYTES_OF_VERSION_1
    if len(transaction) > limit:
        raise Unsafe(f"it is too long for a transaction: {len(transaction)} bytes, and {limit} at most are right")
    try:
        with without_panics():
            tx = VersionedTransaction.from_bytes(transaction)
            tx.sanitize()
    except Exception as error:
        raise Unsafe("it is none that can be read") from error
    return tx


def version_of(transaction: bytes) -> int:
    """Return a transaction's version by its bytes, -1 for those of before there were any, or when they are too few.

    From version 1 on it is in the first byte; before, the signatures are in front, less than 128 of them.
    """
    first = transaction[:1]
    if first and not first[0] & _IS_VERSIONED:
        at = 1 + first[0] * _SIGNATURE_BYTES
        first = transaction[at : at + 1]
    return first[0] & ~_IS_VERSIONED if first and first[0] & _IS_VERSIONED else -1


def _draft(
    purse: Purse,
    before: Accounts,
    after: Accounts,
    transaction: bytes,
    order_id: str,
    fee: int,
    height: int,
    last_valid_height: int,
) -> Draft:
    had, has = purse.holdings(before), purse.holdings(after)
    wallet = after[purse.wallet]
    gains = {mint: has[mint] - had[mint] for mint in has}
    return Draft(transaction, order_id, gains, wallet.lamports if wallet else 0, fee, height, last_valid_height)
