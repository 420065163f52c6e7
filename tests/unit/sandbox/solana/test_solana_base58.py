"""Base58 agrees with solders wherever solders has an answer."""

import os

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from sandbox.solana import base58


def test_keys_and_signatures_read_as_solders_writes_them() -> None:
    key, signature = Pubkey.new_unique(), Signature(os.urandom(64))
    assert base58.encode(bytes(key)) == str(key)
    assert base58.decode(str(signature)) == bytes(signature)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\1", b"hello", bytes(range(256))])
def test_any_data_survives_the_round_trip(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


def test_a_letter_outside_the_alphabet_is_refused() -> None:
    with pytest.raises(ValueError, match="'0'"):
        base58.decode("10")
