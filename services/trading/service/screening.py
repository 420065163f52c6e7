"""Says whether a text gives a wallet's key away."""

from services.runtime.known_secrets import KnownSecrets
from services.runtime.pages import Page, Paged
from services.runtime.text.fingerprints import Fingerprints
from services.trading.domain.wallet import Wallet
from services.trading.ports import Store, Vault

_WINDOW, _STRIDE = 24, 8
"""What is found are 31 letters of a key in a row. By shorter runs whoever may ask could guess a key bit by bit: twelve
hexadecimal digits are six of its letters."""


class Screening:
    """Compares texts with the fingerprints of all keys here."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = KnownSecrets(
            Fingerprints(_WINDOW, _STRIDE), self._page, lambda wallet: wallet.sealed_key, vault.encodings
        )

    async def holds_key(self, text: str) -> bool:
        """Say whether a text holds a wallet's key, however it is written."""
        return await self._keys.are_in(text)

    async def _page(self, page: Page) -> Paged[Wallet]:
        async with self._store.reading() as records:
            return await records.wallets("", page)
