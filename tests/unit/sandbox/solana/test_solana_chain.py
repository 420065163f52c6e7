"""What the chain adds to LiteSVM: expiry, duplicates, commitments, and survival."""

import itertools
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.clock import Commitment
from sandbox.solana.genesis import airdrop, create_world
from sandbox.solana.journal import Journal
from sandbox.solana.refusals import RefusedError
from sandbox.solana.tokens import TOKENS
from tests.fakes.clock import FixedClock
from tests.unit.sandbox.solana.conftest import SOL, OpenChain, payment

RECEIVER = Pubkey.from_string("3n6eUuLPx3BbRDXaVSyzMLTTYXFHNKEqS8cKBbG4mCzH")


def landed(chain: Chain, signature: str) -> Any:
    return chain.landed(signature, Commitment.PROCESSED)


def test_a_payment_moves_lamports_and_costs_its_fee(chain: Chain, wallet: Keypair) -> None:
    signature = chain.submit(payment(chain, wallet, RECEIVER, SOL), Commitment.PROCESSED)
    assert chain.balance(RECEIVER) == SOL
    assert chain.balance(wallet.pubkey()) == 9 * SOL - 5_000
    meta = landed(chain, signature).meta
    assert (meta["err"], meta["fee"], meta["preBalances"][0], meta["postBalances"][0]) == (
        None,
        5_000,
        10 * SOL,
        9 * SOL - 5_000,
    )


def test_the_same_bytes_twice_have_one_effect(chain: Chain, wallet: Keypair) -> None:
    tx = payment(chain, wallet, RECEIVER, SOL)
    assert chain.submit(tx) == chain.submit(tx)
    assert chain.balance(RECEIVER) == SOL


def test_preflight_knows_a_processed_transaction_once_it_has_its_commitment(
    chain: Chain, wallet: Keypair, clock: FixedClock
) -> None:
    clock.advance(seconds=0.5)
    tx = payment(chain, wallet, RECEIVER, 6 * SOL, chain.clock.blockhash(chain.clock.height(Commitment.CONFIRMED)))
    first = chain.submit(tx, Commitment.CONFIRMED)
    assert chain.submit(tx, Commitment.CONFIRMED) == first
    clock.advance(seconds=0.5)
    with pytest.raises(RefusedError, match="already been processed") as refused:
        chain.submit(tx, Commitment.CONFIRMED)
    assert refused.value.err == "AlreadyProcessed"
    assert chain.submit(tx) == first
    assert chain.balance(RECEIVER) == 6 * SOL


def test_an_expired_blockhash_is_refused_and_without_preflight_nothing_happens(
    chain: Chain, wallet: Keypair, clock: FixedClock
) -> None:
    tx = payment(chain, wallet, RECEIVER, SOL)
    clock.advance(seconds=0.4 * 151)
    with pytest.raises(RefusedError) as refused:
        chain.submit(tx, Commitment.PROCESSED)
    assert refused.value.err == "BlockhashNotFound"
    assert landed(chain, chain.submit(tx)) is None
    assert chain.balance(RECEIVER) == 0


def test_a_blockhash_newer_than_the_preflight_commitment_is_not_found(chain: Chain, wallet: Keypair) -> None:
    with pytest.raises(RefusedError) as refused:
        chain.submit(payment(chain, wallet, RECEIVER, SOL), Commitment.FINALIZED)
    assert refused.value.err == "BlockhashNotFound"


def test_a_missing_signature_is_refused_and_never_lands(chain: Chain, wallet: Keypair) -> None:
    tx = VersionedTransaction.populate(payment(chain, wallet, RECEIVER, SOL).message, [Signature.default()])
    with pytest.raises(RefusedError, match="signature verification"):
        chain.submit(tx, Commitment.PROCESSED)
    chain.submit(tx)
    assert chain.balance(RECEIVER) == 0


def test_preflight_keeps_a_failing_transaction_out_and_without_it_the_fee_is_lost(
    chain: Chain, wallet: Keypair
) -> None:
    tx = payment(chain, wallet, RECEIVER, 100 * SOL)
    with pytest.raises(RefusedError, match="custom program error: 0x1") as refused:
        chain.submit(tx, Commitment.PROCESSED)
    assert refused.value.err == {"InstructionError": [0, {"Custom": 1}]}
    assert chain.balance(wallet.pubkey()) == 10 * SOL
    signature = chain.submit(tx)
    assert landed(chain, signature).meta["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert chain.balance(wallet.pubkey()) == 10 * SOL - 5_000


def test_who_cannot_pay_the_fee_gets_into_no_block(chain: Chain) -> None:
    signature = chain.submit(payment(chain, Keypair(), RECEIVER, 1))
    assert landed(chain, signature) is None


def test_older_commitments_show_older_balances(chain: Chain, wallet: Keypair, clock: FixedClock) -> None:
    clock.advance(seconds=20)
    chain.submit(payment(chain, wallet, RECEIVER, SOL), Commitment.PROCESSED)
    clock.advance(seconds=2)
    chain.submit(payment(chain, wallet, RECEIVER, 2 * SOL), Commitment.PROCESSED)

    def seen() -> list[int]:
        return [chain.balance(RECEIVER, commitment) // SOL for commitment in Commitment]

    assert seen() == [3, 1, 0]
    clock.advance(seconds=1)
    assert seen() == [3, 3, 0]
    clock.advance(seconds=10)
    assert seen() == [3, 3, 1]
    clock.advance(seconds=10)
    assert seen() == [3, 3, 3]


def test_the_first_accounts_are_there_at_every_commitment(chain: Chain) -> None:
    assert all(chain.account(token.mint, Commitment.FINALIZED) is not None for token in TOKENS)


def test_a_dropped_transaction_is_acknowledged_and_can_still_be_sent_again(chain: Chain, wallet: Keypair) -> None:
    tx = payment(chain, wallet, RECEIVER, SOL)
    signature = chain.submit(tx, Commitment.PROCESSED, Delivery(dropped=True))
    assert landed(chain, signature) is None
    chain.submit(tx, Commitment.PROCESSED)
    assert chain.balance(RECEIVER) == SOL


def test_a_hidden_transaction_has_its_effect_and_is_known_later(
    chain: Chain, wallet: Keypair, clock: FixedClock
) -> None:
    tx = payment(chain, wallet, RECEIVER, 6 * SOL)
    signature = chain.submit(tx, Commitment.PROCESSED, Delivery(hidden_seconds=20))
    assert landed(chain, signature) is None
    assert chain.submit(tx, Commitment.PROCESSED) == signature
    assert chain.balance(RECEIVER) == 6 * SOL
    clock.advance(seconds=21)
    assert landed(chain, signature) is not None


def test_equal_airdrops_in_one_block_are_two_airdrops(chain: Chain) -> None:
    first, second = (airdrop(chain, RECEIVER, SOL, Delivery()) for _ in range(2))
    assert first != second
    assert chain.balance(RECEIVER) == 2 * SOL


def test_a_restart_keeps_balances_history_keys_and_blockhashes(
    chain: Chain, wallet: Keypair, open_chain: OpenChain
) -> None:
    tx = payment(chain, wallet, RECEIVER, SOL)
    later = payment(chain, wallet, RECEIVER, 2 * SOL)
    signature = chain.submit(tx, Commitment.PROCESSED)
    again = open_chain()
    assert again.genesis_hash == chain.genesis_hash
    assert again.key("maker") == chain.key("maker")
    assert again.balance(RECEIVER) == SOL
    assert landed(again, signature).meta["fee"] == 5_000
    again.submit(tx)
    again.submit(later, Commitment.PROCESSED)
    assert again.balance(RECEIVER) == 3 * SOL


def test_another_pace_of_slots_goes_on_where_the_old_one_was(tmp_path: Path, clock: FixedClock) -> None:
    slots = []
    for slot_seconds in (0.4, 0.1, 0.4):
        chain = Chain.open(tmp_path, slot_seconds, create_world, lambda: clock.now().timestamp())
        slots.append(chain.clock.slot())
        clock.advance(seconds=10)
        slots.append(chain.clock.slot())
        chain.close()
    steps = [after - before for before, after in itertools.pairwise(slots)]
    # While it is closed no time passes here: 10 seconds at 0.4, at 0.1 and at 0.4 seconds a slot.
    assert steps == [25, 0, 100, 0, 25]


def test_what_cannot_be_written_down_has_not_happened(
    chain: Chain, wallet: Keypair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    tx = payment(chain, wallet, RECEIVER, SOL)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "save_landed", full)
        with pytest.raises(sqlite3.OperationalError):
            chain.submit(tx, Commitment.PROCESSED)
    assert (chain.balance(RECEIVER), chain.balance(wallet.pubkey())) == (0, 10 * SOL)
    chain.submit(tx, Commitment.PROCESSED)
    assert chain.balance(RECEIVER) == SOL


def test_a_beginning_that_fails_leaves_nothing_behind(tmp_path: Path, open_chain: OpenChain) -> None:
    def half(chain: Chain) -> None:
        create_world(chain)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        Chain.open(tmp_path, 0.4, half)
    chain = open_chain()
    assert chain.balance(chain.key("maker").pubkey()) > 0


@pytest.mark.usefixtures("chain")
def test_a_second_owner_of_the_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Chain.open(tmp_path, 0.4, create_world)


def test_running_programs_leaves_the_arithmetic_of_others_alone(chain: Chain, wallet: Keypair) -> None:
    tx = payment(chain, wallet, RECEIVER, SOL)
    chain.simulate(tx)
    chain.submit(tx, Commitment.PROCESSED)
    # SQLite reads decimal numbers with long doubles, in the registers that a compiled program leaves full.
    assert sqlite3.connect(":memory:").execute("SELECT 1.5").fetchone() == (1.5,)
