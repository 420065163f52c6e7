"""What comes over the wire is checked before anything is done with it."""

import base64

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.transaction import VersionedTransaction

from sandbox.solana import base58, wire

KEY = Keypair()
MESSAGE = MessageV0.try_compile(KEY.pubkey(), [], [], Hash.default())
TX = VersionedTransaction(MESSAGE, [KEY])


def test_both_encodings_give_the_same_transaction() -> None:
    assert wire.decode(base58.encode(bytes(TX)), "base58") == TX
    assert wire.decode(base64.b64encode(bytes(TX)).decode(), "base64") == TX


def test_a_message_becomes_a_transaction_without_signatures() -> None:
    tx = wire.unsigned(base64.b64encode(to_bytes_versioned(MESSAGE)).decode())
    assert tx.message == MESSAGE
    assert tx.verify_with_results() == [False]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(1_233), "at most 1232 bytes"),
        (bytes(TX)[:-1], "Attempting to read"),
        (bytes(VersionedTransaction.populate(MESSAGE, [])), "inconsistent"),
    ],
    ids=["too long", "too short", "unsigned"],
)
def test_what_is_no_transaction_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        wire.decode(base64.b64encode(data).decode(), "base64")
