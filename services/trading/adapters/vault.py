"""Private keys, sealed by the keystore and opened only while they sign."""

import base64
import json
from collections.abc import Sequence

from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from typing_extensions import override

from services.runtime.keystore import Keystore
from services.trading.domain.errors import InvalidPrivateKey
from services.trading.domain.trade import Signed, Unsafe
from services.trading.domain.wallet import SealedKey, Wallet
from services.trading.ports import Vault

_SEED_DIGITS, _KEY_DIGITS = 64, 128
"""Hexadecimal digits of a seed, and of a key with its public half; no base58 key has either length."""


class KeystoreVault(Vault):
    """Seals the base58 form of a key."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore

    @override
    def generate(self) -> SealedKey:
        return self._sealed(Keypair())

    @override
    def seal(self, private_key: str) -> SealedKey:
        try:
            key = _read(private_key.strip())
        except ValueError:
            # Not chained: what the library says may hold letters of the key.
            raise InvalidPrivateKey from None
        return self._sealed(key)

    @override
    def encodings(self, wallet: Wallet) -> Sequence[str]:
        try:
            key = Keypair.from_base58_string(self._keystore.unseal(wallet.sealed_key))
        except ValueError:
            return ()
        # Of a key its first half is the secret: the other half is the wallet's address, which everybody may know.
        seed = key.secret()
        base58 = str(Pubkey(seed))
        return str(key), base58, seed.hex(), base64.b64encode(seed).decode(), json.dumps(list(seed))

    @override
    def sign(self, wallet: Wallet, transaction: bytes) -> Signed:
        """Add the wallet's signature to a transaction, and leave the others as they are. Raises Unsafe."""
        key = Keypair.from_base58_string(self._keystore.unseal(wallet.sealed_key))
        given = VersionedTransaction.from_bytes(transaction)
        message, signatures = given.message, list(given.signatures)
        signers = message.account_keys[: message.header.num_required_signatures]
        if key.pubkey() not in signers or len(signatures) != len(signers):
            raise Unsafe("the wallet is not among its signers")
        signatures[signers.index(key.pubkey())] = key.sign_message(to_bytes_versioned(message))
        return Signed(bytes(VersionedTransaction.populate(message, signatures)), str(signatures[0]))

    def _sealed(self, key: Keypair) -> SealedKey:
        return SealedKey(str(key.pubkey()), self._keystore.seal(str(key)))


def _read(text: str) -> Keypair:
    if text.startswith("["):
        return Keypair.from_json(text)
    if len(text) == _SEED_DIGITS:
        return Keypair.from_seed(bytes.fromhex(text))
    if len(text) == _KEY_DIGITS:
        return Keypair.from_bytes(bytes.fromhex(text))
    return Keypair.from_base58_string(text)
