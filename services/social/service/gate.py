"""The last gate before the world: what no text may carry, whoever asks for it."""

import asyncio

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.pages import Page
from services.runtime.text.fingerprints import Fingerprints
from services.runtime.text.normal import is_refused
from services.social.domain.accounts import Account
from services.social.domain.errors import CredentialsRefused
from services.social.ports import Store, Vault

_PAGE = 500


class Gate:
    """Refuses texts that hold a credential of any account here, or signs that force an order of reading on others."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._known = Fingerprints()
        self._seen: set[str] = set()
        self._after: tuple[object, ...] | None = None

    async def check(self, account: Account, text: str) -> None:
        """Let a text of this account pass. Raises InvalidRequest."""
        if is_refused(text):
            raise InvalidRequest(
                [Violation("text", "must not have NUL, lone surrogates, or signs that order its reading")]
            )
        await self._learn(account)
        # Twelve ways to read a long text take a while.
        if await asyncio.to_thread(self._known.are_in, text):
            raise InvalidRequest([Violation("text", "holds a credential of an account")])

    async def _learn(self, account: Account) -> None:
        """Know the credentials of the accounts that are new, and of this one as it is now."""
        while True:
            async with self._store.reading() as records:
                page = await records.accounts("", Page(_PAGE, self._after))
            for row in (*page.rows, account):
                if row.sealed_credentials not in self._seen:
                    self._seen.add(row.sealed_credentials)
                    self._add(row)
            if page.rows:
                self._after = (page.rows[-1].create_time, page.rows[-1].id)
            if page.next_key is None:
                return

    def _add(self, account: Account) -> None:
        try:
            credentials = self._vault.unseal(account.sealed_credentials)
        except CredentialsRefused:
            # What this service can't read it can't give away either.
            return
        self._known.add(
            (
                credentials.api_key,
                credentials.api_key_secret,
                credentials.access_token,
                credentials.access_token_secret,
            )
        )
