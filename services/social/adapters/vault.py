"""Credentials sealed by the keystore."""

import json
from dataclasses import asdict

from typing_extensions import override

from services.runtime.keystore import Keystore
from services.social.domain.accounts import Credentials
from services.social.domain.errors import CredentialsRefused
from services.social.ports import Vault


class KeystoreVault(Vault):
    """Seals credentials as JSON."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore

    @override
    def seal(self, credentials: Credentials) -> str:
        return self._keystore.seal(json.dumps(asdict(credentials)))

    @override
    def unseal(self, sealed: str) -> Credentials:
        if not sealed:
            raise CredentialsRefused("the account was restored without its credentials; register the account again")
        try:
            return Credentials(**json.loads(self._keystore.unseal(sealed)))
        except ValueError as error:
            raise CredentialsRefused(
                "the account's credentials were sealed under another key; register the account again"
            ) from error
