"""Running transactions on LiteSVM, in a thread of its own.

The compiler for programs within it, sbpf's, keeps a pointer in an MMX register and never gives these registers back.
In a thread where it ran, what computes with long doubles gets NaN: SQLite, for one, reads `1.5` as NULL.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import SimulateResult, TransactionResult

from sandbox.solana import router


@dataclass(frozen=True, slots=True)
class Moment:
    """When a transaction runs: the clock, and recent slots' hashes, which only the lookup tables' program reads."""

    clock: Clock
    slot_hashes: Sequence[tuple[int, Hash]] = ()


class Machine:
    """The accounts as they are now, and what changes them."""

    def __init__(self) -> None:
        # The chain checks blockhashes, signatures and duplicates itself: LiteSVM's blockhash never advances.
        self._svm = LiteSVM().with_blockhash_check(False).with_sigverify(False).with_transaction_history(0)
        self._thread = ThreadPoolExecutor(1, "litesvm")
        self._svm.add_program(router.ROUTER, router.program())
        self.account = self._svm.get_account
        self.rent = self._svm.minimum_balance_for_rent_exemption
        self.owned_by = self._svm.get_program_accounts

    def set_account(self, address: Pubkey, account: Account) -> None:
        """Put an account in place of what is there."""
        self._svm.set_account(address, account)

    def simulate(self, tx: VersionedTransaction, at: Moment) -> SimulateResult:
        """Run a transaction at this moment without any effect."""
        self._set(at)
        return self._thread.submit(self._svm.simulate_transaction, tx).result()

    def run(self, tx: VersionedTransaction, at: Moment) -> TransactionResult:
        """Run a transaction at this moment."""
        self._set(at)
        return self._thread.submit(self._svm.send_transaction, tx).result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _set(self, at: Moment) -> None:
        self._svm.set_clock(at.clock)
        if at.slot_hashes:
            self._svm.set_slot_hashes(list(at.slot_hashes))
