"""The chain: LiteSVM runs the transactions; what a cluster adds around them is done here.

That is: signatures, blockhashes that expire, duplicates, preflight, slots and commitments, and survival of a restart.
A chain is not thread-safe: one thread owns it.
"""

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from solders.account import Account
from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.clock import Clock
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import SimulateResult

from sandbox.solana import parsed
from sandbox.solana.clock import FIRST_SLOT, SLOTS_BEHIND, SLOTS_WITHOUT_BLOCK, Commitment, Origin, SlotClock
from sandbox.solana.journal import Journal, Landed
from sandbox.solana.lookups import Named, named_by
from sandbox.solana.machine import Machine, Moment
from sandbox.solana.refusals import BAD_SIGNATURE, RefusedError

SLOTS_PER_EPOCH = 432_000
_SLOT_HASHES = 300
GONE = Account(0, b"", SYSTEM_PROGRAM)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of an acknowledged transaction: it may get lost, or be hidden for some seconds after it landed."""

    dropped: bool = False
    hidden_seconds: float = 0.0


AT_ONCE = Delivery()
"""A transaction that lands and is seen."""


class Chain:
    """A cluster of one node, with its state in one directory."""

    def __init__(self, journal: Journal, clock: SlotClock, seed: bytes, began: float) -> None:
        self._journal = journal
        self._seed = seed
        self.clock = clock
        self.began = began
        self._machine = Machine()
        self._earlier: dict[Pubkey, deque[tuple[int, Account | None]]] = {}
        self._token_accounts: dict[Pubkey, dict[Pubkey, None]] = {}
        for address, account in journal.accounts():
            self._machine.set_account(address, account)
            self._index(address, account)

    @classmethod
    def open(
        cls,
        data_dir: Path,
        slot_seconds: float,
        genesis: Callable[["Chain"], None],
        now: Callable[[], float] = time.time,
    ) -> "Chain":
        """Open the chain in a directory, or begin a new one, which `genesis` fills wholly or not at all.

        Raises sqlite3.OperationalError when another process has it open.
        """
        journal = Journal(data_dir / "chain.sqlite3")
        try:
            with journal.atomic():
                stored = journal.meta()
                meta = stored or {"seed": secrets.token_hex(32), "began": repr(now()), "slot": str(FIRST_SLOT)}
                seed, began = bytes.fromhex(meta["seed"]), float(meta["began"])
                pace = float(meta.get("slot_seconds", slot_seconds))
                origin = Origin(int(meta["slot"]), float(meta.get("slot_time", began)), pace)
                clock = SlotClock(seed, origin, now, journal.newest_slot())
                if pace != slot_seconds:
                    origin = Origin(clock.slot(), now(), slot_seconds)
                    clock = SlotClock(seed, origin, now)
                pace_facts = {"slot_time": repr(origin.time), "slot_seconds": repr(origin.slot_seconds)}
                journal.set_meta({**meta, "slot": str(origin.slot), **pace_facts})
                chain = cls(journal, clock, seed, began)
                if not stored:
                    genesis(chain)
                    # Nobody saw the chain without its first accounts: at every commitment they were always there.
                    chain._earlier.clear()
        except BaseException:
            journal.close()
            raise
        return chain

    @property
    def journal(self) -> Journal:
        """The durable record, for what has to be kept along with the chain."""
        return self._journal

    @property
    def genesis_hash(self) -> Hash:
        """The hash that tells this chain from any other one."""
        return Hash(self.secret("genesis"))

    def secret(self, name: str) -> bytes:
        """Return 32 bytes that are always the same for this chain and this name."""
        return hashlib.sha256(self._seed + name.encode()).digest()

    def key(self, name: str) -> Keypair:
        """Return the key of a wallet that belongs to the sandbox itself."""
        return Keypair.from_seed(self.secret(f"wallet {name}"))

    def close(self) -> None:
        """Stop the machine, and close the durable record."""
        self._machine.close()
        self._journal.close()

    # Reading

    def account(self, address: Pubkey, commitment: Commitment = Commitment.PROCESSED) -> Account | None:
        """Return an account as of this commitment (what was before a restart counts as finalized)."""
        slot = self.clock.slot(commitment)
        for changed_at, earlier in self._earlier.get(address, ()):
            if changed_at > slot:
                return earlier
        return self._machine.account(address)

    def balance(self, address: Pubkey, commitment: Commitment = Commitment.PROCESSED) -> int:
        """Return a wallet's lamports."""
        account = self.account(address, commitment)
        return 0 if account is None else account.lamports

    def token_accounts(self, owner: Pubkey, commitment: Commitment) -> Iterator[tuple[Pubkey, Account]]:
        """Return the token accounts of a wallet, oldest first."""
        for address in self._token_accounts.get(owner, ()):
            account = self.account(address, commitment)
            held = parsed.token_account(account)
            if account is not None and held is not None and held.owner == owner:
                yield address, account

    def decimals_of(self, mint: Pubkey) -> int | None:
        """Return the decimals of a mint; None for what is none, or none any more."""
        found = parsed.mint(self._machine.account(mint))
        return None if found is None else found.decimals

    def rent(self, size: int) -> int:
        """Return the lamports an account with `size` bytes of data has to hold."""
        return self._machine.rent(size)

    def landed(self, signature: str, commitment: Commitment) -> Landed | None:
        """Return a transaction that has reached this commitment and is visible."""
        landed = self._journal.landed(signature)
        return landed if landed is not None and self._is_visible(landed, commitment) else None

    def fee_of(self, tx: VersionedTransaction) -> int:
        """Return what a transaction costs in lamports, whether it succeeds or not."""
        return self.simulate(tx).meta().fee()

    def simulate(self, tx: VersionedTransaction) -> SimulateResult:
        """Run a transaction on the newest state without any effect, whatever its signatures and blockhash."""
        return self._machine.simulate(tx, self._moment(tx))

    def named_by(self, tx: VersionedTransaction) -> Named:
        """Return the accounts that a transaction names, those of lookup tables too."""
        return named_by(tx, self._machine.account)

    def owned_by(self, program: Pubkey, commitment: Commitment) -> Iterator[tuple[Pubkey, Account]]:
        """Return the accounts of a program."""
        for address in {*(key for key, _account in self._machine.owned_by(program)), *self._earlier}:
            account = self.account(address, commitment)
            if account is not None and account.owner == program:
                yield address, account

    # Writing

    def submit(
        self, tx: VersionedTransaction, preflight: Commitment | None = None, delivery: Delivery = AT_ONCE
    ) -> str:
        """Take a transaction, and return its signature; the effect is durable when this returns.

        With a preflight commitment a transaction that can't land raises RefusedError. Without one
        it is acknowledged and never heard of again, as by a real node. Sending the same bytes again has no effect.
        """
        signature = str(tx.signatures[0])
        before = self._journal.landed(signature)
        if preflight is not None:
            self._check(tx, preflight, before)
        if before is None and not delivery.dropped and self._can_land(tx):
            self._land(tx, delivery.hidden_seconds)
        return signature

    def set_account(self, address: Pubkey, account: Account) -> None:
        """Put an account into a new chain without a transaction."""
        self._journal.save_accounts({address: account})
        self._machine.set_account(address, account)
        self._index(address, account)

    def _check(self, tx: VersionedTransaction, commitment: Commitment, before: Landed | None) -> None:
        """Refuse what can't land, as preflight does at this commitment; `before` is the same transaction, landed."""
        if not all(tx.verify_with_results()):
            raise RefusedError(BAD_SIGNATURE)
        if self.clock.last_valid_height(tx.message.recent_blockhash, self.clock.height(commitment)) is None:
            raise RefusedError("BlockhashNotFound")
        if before is not None:
            if self._is_visible(before, commitment):
                raise RefusedError("AlreadyProcessed")
            # A state in which it has not landed yet is one in which it would land.
            return
        meta, err = parsed.outcome_of(self.simulate(tx))
        if err is not None:
            raise RefusedError(err, meta.logs(), meta.compute_units_consumed())

    def _can_land(self, tx: VersionedTransaction) -> bool:
        alive = self.clock.last_valid_height(tx.message.recent_blockhash, self.clock.height())
        return alive is not None and all(tx.verify_with_results())

    def _moment(self, tx: VersionedTransaction) -> Moment:
        slot = self.clock.slot()
        epoch = slot // SLOTS_PER_EPOCH
        clock = Clock(slot, 0, epoch, epoch + 1, int(self.clock.now()))
        if LOOKUP_TABLES not in tx.message.account_keys:
            return Moment(clock)
        recent = range(slot - 1, slot - _SLOT_HASHES, -1)
        return Moment(clock, [(at, self.clock.blockhash(at - SLOTS_WITHOUT_BLOCK)) for at in recent])

    def _land(self, tx: VersionedTransaction, hidden_seconds: float) -> None:
        named = self.named_by(tx)
        keys, at, now = named.keys, self._moment(tx), self.clock.now()
        slot = at.clock.slot
        before = {key: self._machine.account(key) for key in keys}
        result = self._machine.run(tx, at)
        after = {key: self._machine.account(key) for key in keys}
        changed = {key: after[key] for key in keys if after[key] != before[key]}
        if not changed:
            # Even a transaction that fails pays its fee when it lands. This one couldn't: it is in no block.
            return
        try:
            meta = parsed.transaction_meta(named, result, before, after, self.decimals_of)
            landed = Landed(str(tx.signatures[0]), slot, int(now), now + hidden_seconds, bytes(tx), meta)
            with self._journal.atomic():
                self._journal.save_accounts(changed)
                self._journal.save_landed(landed, keys)
        except BaseException:
            for key in changed:
                self._machine.set_account(key, before[key] or GONE)
            raise
        for key, account in changed.items():
            self._remember(key, before[key], slot)
            self._index(key, account)

    def _remember(self, address: Pubkey, account: Account | None, slot: int) -> None:
        """Keep what an account was before `slot` for as long as a commitment still shows it."""
        earlier = self._earlier.setdefault(address, deque())
        while earlier and earlier[0][0] <= slot - max(SLOTS_BEHIND.values()):
            earlier.popleft()
        earlier.append((slot, account))

    def _index(self, address: Pubkey, account: Account | None) -> None:
        if (held := parsed.token_account(account)) is not None:
            self._token_accounts.setdefault(held.owner, {})[address] = None

    def _is_visible(self, landed: Landed, commitment: Commitment) -> bool:
        return landed.slot <= self.clock.slot(commitment) and landed.visible_at <= self.clock.now()
