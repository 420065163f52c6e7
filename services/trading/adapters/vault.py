"""Private keys, sealed by the keystore and opened only while they sign."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from typing_extensions import override

from services.runtime.keystore import Keystore
from services.trading.domain.errors import InvalidPrivateKey
from services.trading.domain.trade import Signed
from services.trading.domain.wallet import SealedKey, Wallet
from services.trading.ports import Vault


class KeystoreVault(Vault):
    """Seals the base58 form of a key."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore

    @override
    def generate(self) -> SealedKey:
        return self._sealed(_keys().Keypair())

    @override
    def seal(self, private_key: str) -> SealedKey:
        try:
            key = _keys().read(private_key.strip())
        except ValueError:
            # Not chained: what the library says may hold letters of the key.
            raise InvalidPrivateKey from None
        return self._sealed(key)

    @override
    def encodings(self, wallet: Wallet) -> Sequence[str]:
        try:
            key = _keys().read(self._keystore.unseal(wallet.sealed_key))
        except ValueError:
            return ()
        written: Sequence[str] = _keys().encodings(key)
        return written

    @override
    def sign(self, wallet: Wallet, transaction: bytes) -> Signed:
        """Add the wallet's signature to a transaction, and leave the others as they are. Raises Unsafe."""
        keys = _keys()
        signed: Signed = keys.sign(keys.read(self._keystore.unseal(wallet.sealed_key)), transaction)
        return signed

    def _sealed(self, key: Any) -> SealedKey:
        return SealedKey(str(key.pubkey()), self._keystore.seal(str(key)))


def _keys() -> ModuleType:
    # Imported when there is a key, as `solders` takes 9 MB.
    from services.trading.adapters.solana import keys

    return keys
