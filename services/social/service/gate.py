"""The last gate before the world: what no text may carry, whoever asks for it."""

from collections.abc import Iterable

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.known_secrets import KnownSecrets
from services.runtime.pages import Page, Paged
from services.runtime.text.fingerprints import Fingerprints
from services.runtime.text.normal import is_refused
from services.social.domain.accounts import Account
from services.social.domain.errors import CredentialsRefused
from services.social.ports import Store, Vault


class Gate:
    """Refuses texts that hold a credential of any account here, or signs that force an order of reading on others."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._credentials = KnownSecrets(
            Fingerprints(), self._page, lambda account: account.sealed_credentials, self._encodings
        )

    async def check(self, account: Account, text: str) -> None:
        """Let a text of this account pass. Raises InvalidRequest."""
        if is_refused(text):
            raise InvalidRequest(
                [Violation("text", "must not have NUL, lone surrogates, or signs that order its reading")]
            )
        if await self._credentials.are_in(text, account):
            raise InvalidRequest([Violation("text", "holds a credential of an account")])

    async def _page(self, page: Page) -> Paged[Account]:
        async with self._store.reading() as records:
            return await records.accounts("", page)

    def _encodings(self, account: Account) -> Iterable[str]:
        try:
            credentials = self._vault.unseal(account.sealed_credentials)
        except CredentialsRefused:
            # What this service can't read it can't give away either.
            return ()
        return (
            credentials.api_key,
            credentials.api_key_secret,
            credentials.access_token,
            credentials.access_token_secret,
        )
