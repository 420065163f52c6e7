"""A chain without a server, whose clock is moved by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.genesis import airdrop, create_world
from tests.fakes.clock import FixedClock

OpenChain = Callable[[], Chain]
SOL = 1_000_000_000


@pytest.fixture
def open_chain(tmp_path: Path, clock: FixedClock) -> Iterator[OpenChain]:
    """Open the chain of this test, as often as the test likes; what was open before is closed."""
    opened: list[Chain] = []

    def open_one() -> Chain:
        for chain in opened:
            chain.close()
        opened.append(Chain.open(tmp_path, 0.4, create_world, lambda: clock.now().timestamp()))
        return opened[-1]

    yield open_one
    for chain in opened:
        chain.close()


@pytest.fixture
def chain(open_chain: OpenChain) -> Chain:
    return open_chain()


@pytest.fixture
def wallet(chain: Chain) -> Keypair:
    """Return a wallet with 10 SOL."""
    key = Keypair()
    airdrop(chain, key.pubkey(), 10 * SOL, Delivery())
    return key


def payment(
    chain: Chain, sender: Keypair, receiver: Pubkey, lamports: int, blockhash: Hash | None = None
) -> VersionedTransaction:
    """Return a signed transfer with the newest blockhash, or the given one."""
    step = transfer(TransferParams(from_pubkey=sender.pubkey(), to_pubkey=receiver, lamports=lamports))
    newest = chain.clock.blockhash(chain.clock.height())
    return VersionedTransaction(MessageV0.try_compile(sender.pubkey(), [step], [], blockhash or newest), [sender])
