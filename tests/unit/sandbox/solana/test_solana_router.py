"""The program that stands in for Jupiter's: it does what its data says, with the signatures that it is given."""

import struct
from collections.abc import Sequence

import pytest
from solders.instruction import AccountMeta
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from sandbox.solana.router import ROUTE_V2, ROUTER, SHARED_ROUTE_V2, VAULT, Call, Condition, program, with_calls

SOL = 10**9
TARGET = Keypair.from_seed(bytes(32)).pubkey()


class Bench:
    """A chain with the program, and somebody who calls it."""

    def __init__(self) -> None:
        self.key = Keypair()
        self.svm = LiteSVM()
        self.svm.add_program(ROUTER, program())
        self.svm.airdrop(self.key.pubkey(), SOL)
        self.svm.airdrop(VAULT, SOL)

    def run(self, calls: Sequence[Call], discriminator: bytes = ROUTE_V2) -> bool:
        """Call the program; the value is whether it succeeded."""
        numbers = struct.pack("<QQHHH", 0, 0, 0, 0, 0)
        scalars = discriminator + (b"\0" if discriminator == SHARED_ROUTE_V2 else b"") + numbers
        step = with_calls([AccountMeta(self.key.pubkey(), True, True)], scalars, calls)
        message = MessageV0.try_compile(self.key.pubkey(), [step], [], self.svm.latest_blockhash())
        return isinstance(self.svm.send_transaction(VersionedTransaction(message, [self.key])), TransactionMetadata)


def payment(source: Pubkey, lamports: int) -> Call:
    return Call(transfer(TransferParams(from_pubkey=source, to_pubkey=TARGET, lamports=lamports)))


@pytest.mark.parametrize("discriminator", [ROUTE_V2, SHARED_ROUTE_V2])
def test_it_calls_with_the_callers_signature_and_with_its_own(discriminator: bytes) -> None:
    bench = Bench()
    assert bench.run([payment(bench.key.pubkey(), 5_000_000), payment(VAULT, 7_000_000)], discriminator)
    assert bench.svm.get_balance(TARGET) == 12_000_000


def test_it_fails_when_a_call_does() -> None:
    bench = Bench()
    assert not bench.run([payment(bench.key.pubkey(), 5_000_000), payment(VAULT, 2 * SOL)])
    assert bench.svm.get_balance(TARGET) is None


def test_a_call_can_depend_on_a_switch() -> None:
    bench, switch = Bench(), Keypair().pubkey()
    bench.svm.airdrop(switch, SOL)
    step = payment(VAULT, 5_000_000).step
    turned = Call(step, Condition(switch, (SOL + 1) & 0xFF))
    assert bench.run([turned])
    assert bench.svm.get_balance(TARGET) is None
    bench.svm.airdrop(switch, 1)
    bench.svm.expire_blockhash()
    assert bench.run([turned])
    assert bench.svm.get_balance(TARGET) == 5_000_000


def test_it_has_no_other_signatures() -> None:
    bench, stranger = Bench(), Keypair().pubkey()
    bench.svm.airdrop(stranger, SOL)
    assert not bench.run([payment(stranger, 5_000_000)])
