"""Private keys of wallets: read in the ways in which people write them, and signing."""

import base64
import json
from collections.abc import Sequence

from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from services.trading.domain.trade import Signed, Unsafe

_SEED_DIGITS, _KEY_DIGITS = 64, 128
"""Hexadecimal digits of a seed, and of a key with its public half; no base58 key has either length."""


def read(text: str) -> Keypair:
    """Return a key in base58, JSON or hex. Raises ValueError."""
    if text.startswith("["):
        return Keypair.from_json(text)
    if len(text) == _SEED_DIGITS:
        return Keypair.from_seed(bytes.fromhex(text))
    if len(text) == _KEY_DIGITS:
        return Keypair.from_bytes(bytes.fromhex(text))
    return Keypair.from_base58_string(text)


def encodings(key: Keypair) -> Sequence[str]:
    """Return a key in the ways in which keys are written."""
    # Of a key its first half is the secret: the other half is the wallet's address, which everybody may know.
    seed = key.secret()
    base58 = str(Pubkey(seed))
    return str(key), base58, seed.hex(), base64.b64encode(seed).decode(), json.dumps(list(seed))


def sign(key: Keypair, transaction: bytes) -> Signed:
    """Add a key's signature to a transaction, and leave the others as they are. Raises Unsafe."""
    given = VersionedTransaction.from_bytes(transaction)
    message, signatures = given.message, list(given.signatures)
    signers = message.account_keys[: message.header.num_required_signatures]
    if key.pubkey() not in signers or len(signatures) != len(signers):
        raise Unsafe("the wallet is not among its signers")
    signatures[signers.index(key.pubkey())] = key.sign_message(to_bytes_versioned(message))
    return Signed(bytes(VersionedTransaction.populate(message, signatures)), str(signatures[0]))
