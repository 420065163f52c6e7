"""A principal's proof: an Ed25519 key. It signs tokens for one service each, and delegations (JWT: RFC 7519, RFC 8037).

A token opens one service and no other, so a service that is shown one can use it nowhere. A delegation names its
delegate, the agents and a few methods, and holds for minutes. A session opens nothing by itself: it lets one relay,
such as the gateway, sign tokens and delegations in its principal's place, which carry it and don't outlast it.
"""

import base64
import binascii
import contextlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.runtime.rpc import jws
from services.runtime.rpc.identity import Session
from services.runtime.settings import SettingsError

TOKEN_SECONDS = 3600
DELEGATION_SECONDS = 120
TOKEN_TYPE, DELEGATION_TYPE, SESSION_TYPE = "puppet-token", "puppet-delegation", "puppet-session"
"""What stands in `typ`, so that none passes for another."""

_MAX_TOKENS = 1_000
"""How many tokens are kept for use again: a relay signs one for each session and service."""


_BEGIN, _END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7)."""
_KEY_BYTES = 32


class CredentialError(SettingsError):
    """A credential's file can't be used; the message says why, and never what stands in it."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A principal's name and private key."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)
    _tokens: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def generate(cls, name: str) -> "Credential":
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> "Credential":
        """Read a credential's file. Raises CredentialError."""
        try:
            content = json.loads(path.read_text())
            key = _key_of(content["private_key"])
        except OSError as error:
            raise CredentialError(f"{path} can't be read: {error.strerror}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise CredentialError(f"{path} is no credential") from None
        if key is None:
            raise CredentialError(f"{path} holds a key of another kind than Ed25519")
        return cls(str(content["principal"]), key)

    @property
    def public_key(self) -> str:
        """The public half, 32 bytes in hexadecimal."""
        return self.key.public_key().public_bytes_raw().hex()

    def to_json(self) -> str:
        """Return what is kept in the credential's file: the name, and the key as PKCS #8 in PEM."""
        written = base64.b64encode(_PKCS8 + self.key.private_bytes_raw()).decode()
        pem = f"{_BEGIN}\n{written}\n{_END}\n"
        return json.dumps({"principal": self.name, "private_key": pem}, indent=1) + "\n"

    def token(self, service: str, seconds: int = TOKEN_SECONDS, session: Session | None = None) -> str:
        """Return a new token for one service, for example `memory`, that holds for so many seconds."""
        return self._sign(TOKEN_TYPE, seconds, session, aud=service)

    def fresh_token(self, service: str, session: Session | None = None) -> str:
        """Return a token for one service, the same one for a while.

        It holds for half of `TOKEN_SECONDS` at least, or as long as the session in whose principal's place it is.
        """
        now, key = time.time(), (service, session.token if session else "")
        made, token = self._tokens.get(key, (0.0, ""))
        if not made <= now < made + TOKEN_SECONDS / 2:
            token = self.token(service, session=session)
            if len(self._tokens) >= _MAX_TOKENS:
                self._tokens.clear()
            self._tokens[key] = (now, token)
        return token

    def delegation(
        self,
        delegate: str,
        methods: Iterable[str],
        *agents: str,
        seconds: int = DELEGATION_SECONDS,
        session: Session | None = None,
    ) -> str:
        """Let a service call these methods (`package.Service/Method`) about these agents in this principal's place.

        With a session it is its principal's place, and this one's nowhere.
        """
        named = agents[0] if len(agents) == 1 else sorted(set(agents))
        return self._sign(DELEGATION_TYPE, seconds, session, sub=delegate, agent=named, methods=sorted(methods))

    def session(self, relay: str, seconds: int, link: str = "") -> str:
        """Return what lets a relay, for example `gateway`, call in this principal's place for so many seconds.

        With a `link`, an id of it, it is one to sign in by once, and no bearer's.
        """
        return self._sign(SESSION_TYPE, seconds, None, aud=relay, **({"link": link} if link else {}))

    def _sign(self, kind: str, seconds: int, session: Session | None, **claims: Any) -> str:
        now = int(time.time())
        payload = {"iss": self.name, "iat": now, "exp": now + seconds, **claims}
        if session is not None:
            payload |= {"exp": min(now + seconds, session.expires_at), "for": session.token}
        return jws.sign(kind, payload, self.key)


def _key_of(pem: str) -> Ed25519PrivateKey | None:
    """Return the key that is written as PKCS #8 in PEM; None for one of another kind. Raises ValueError."""
    written = pem.strip().removeprefix(_BEGIN).removesuffix(_END)
    with contextlib.suppress(binascii.Error):
        content = base64.b64decode("".join(written.split()), validate=True)
        if content.startswith(_PKCS8) and len(content) == len(_PKCS8) + _KEY_BYTES:
            return Ed25519PrivateKey.from_private_bytes(content.removeprefix(_PKCS8))
    # Whatever else it is: what reads all kinds takes 3 MB.
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None)
    return key if isinstance(key, Ed25519PrivateKey) else None
