"""The program that stands in for Jupiter's: it does what its data says, with the signatures that it is given."""

import struct
from collections.abc import Iterator, Sequence

import pytest
from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import AccountMeta
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from sandbox.solana.machine import Machine, Moment
from sandbox.solana.router import ROUTE_V2, SHARED_ROUTE_V2, VAULT, Call, Condition, with_calls

SOL = 10**9
TARGET = Keypair.from_seed(bytes(32)).pubkey()


class Bench:
    """A chain with the program, and somebody who calls it."""

    def __init__(self) -> None:
        self.key = Keypair()
        self.machine = Machine()
        for account in (self.key.pubkey(), VAULT):
            self.fund(account, SOL)

    def fund(self, address: Pubkey, lamports: int) -> None:
        self.machine.set_account(address, Account(lamports, b"", SYSTEM, False, 0))

    def lamports(self, address: Pubkey) -> int:
        account = self.machine.account(address)
        return account.lamports if account else 0

    def run(self, calls: Sequence[Call], discriminator: bytes = ROUTE_V2) -> bool:
        """Call the program; the value is whether it succeeded."""
        numbers = struct.pack("<QQHHH", 0, 0, 0, 0, 0)
        scalars = discriminator + (b"\0" if discriminator == SHARED_ROUTE_V2 else b"") + numbers
        step = with_calls([AccountMeta(self.key.pubkey(), True, True)], scalars, calls)
        message = MessageV0.try_compile(self.key.pubkey(), [step], [], Hash.default())
        result = self.machine.run(VersionedTransaction(message, [self.key]), Moment(Clock(1, 0, 0, 1, 1)))
        return isinstance(result, TransactionMetadata)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.machine.close()


def payment(source: Pubkey, lamports: int) -> Call:
    return Call(transfer(TransferParams(from_pubkey=source, to_pubkey=TARGET, lamports=lamports)))


@pytest.mark.parametrize("discriminator", [ROUTE_V2, SHARED_ROUTE_V2])
def test_it_calls_with_the_callers_signature_and_with_its_own(bench: Bench, discriminator: bytes) -> None:
    assert bench.run([payment(bench.key.pubkey(), 5_000_000), payment(VAULT, 7_000_000)], discriminator)
    assert bench.lamports(TARGET) == 12_000_000


def test_it_fails_when_a_call_does(bench: Bench) -> None:
    assert not bench.run([payment(bench.key.pubkey(), 5_000_000), payment(VAULT, 2 * SOL)])
    assert bench.lamports(TARGET) == 0


def test_a_call_can_depend_on_a_switch(bench: Bench) -> None:
    switch = Keypair().pubkey()
    bench.fund(switch, SOL)
    turned = Call(payment(VAULT, 5_000_000).step, Condition(switch, (SOL + 1) & 0xFF))
    assert bench.run([turned])
    assert bench.lamports(TARGET) == 0
    bench.fund(switch, SOL + 1)
    assert bench.run([turned])
    assert bench.lamports(TARGET) == 5_000_000


def test_it_has_no_other_signatures(bench: Bench) -> None:
    stranger = Keypair().pubkey()
    bench.fund(stranger, SOL)
    assert not bench.run([payment(stranger, 5_000_000)])
