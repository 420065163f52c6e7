"""Credentials sealed by the keystore."""

import json
from dataclasses import asdict

from services.runtime.keystore import Keystore
from services.social.domain.accounts import Credentials
from services.social.domain.errors import CredentialsRefused


class KeystoreVault:
    """Seals credentials as JSON."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore

    def seal(self, credentials: Credentials) -> str:
        """Return the credentials as text that only this vault opens."""
        return self._keystore.seal(json.dumps(asdict(credentials)))

    def unseal(self, sealed: str) -> Credentials:
        """Return the credentials. Raises CredentialsRefused when they were sealed under another key."""
        try:
            return Credentials(**json.loads(self._keystore.unseal(sealed)))
        except ValueError as error:
            raise CredentialsRefused(
                "the account's credentials were sealed under another key; register the account again"
            ) from error
