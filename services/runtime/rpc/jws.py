"""JSON objects signed with Ed25519, in the compact form of JSON Web Tokens (RFC 7515, 7519, 8037).

One algorithm is made and read, so a token has no say in how it is checked. PyJWT knows them all and what fetches keys,
and took 4 MB of every process, and a tenth of a second of its start.
"""

import base64
import binascii
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.runtime.nesting import is_shallow

_ALGORITHM = "EdDSA"
_LEVELS = 4
_PARTS = 3
_BASE64URL = frozenset(string.ascii_letters + string.digits + "-_")


@dataclass(frozen=True, slots=True)
class Signed:
    """A token that was taken apart: nobody vouches for what it says until its signature is checked."""

    kind: str
    """What it says of itself in `typ`."""
    claims: Mapping[str, Any]
    _content: bytes
    _signature: bytes

    @classmethod
    def read(cls, token: str) -> "Signed":
        """Take a token apart. Raises ValueError."""
        parts = token.split(".")
        if len(parts) != _PARTS or not all(parts):
            raise ValueError("three parts are asked for")
        header, claims = _object(parts[0]), _object(parts[1])
        # What must be understood (`crit`) is not: there is nothing that changes how a token is read.
        if header.get("alg") != _ALGORITHM or "crit" in header:
            raise ValueError("it is signed in another way")
        return cls(str(header.get("typ", "")), claims, f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2]))

    def check(self, public_key: bytes) -> None:
        """Raise ValueError unless the owner of this key (32 bytes) has signed it."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self._signature, self._content)
        except InvalidSignature:
            raise ValueError("the signature is another one's") from None


def sign(kind: str, claims: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Return a token that says this."""
    content = f"{_text({'alg': _ALGORITHM, 'typ': kind})}.{_text(claims)}"
    return f"{content}.{_base64(key.sign(content.encode()))}"


def _text(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(part: str) -> bytes:
    if not _BASE64URL.issuperset(part):
        raise ValueError("a part is no base64url")
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("a part is no base64url") from None
    if _base64(data) != part:
        # Bits behind the last byte, which say nothing: one token would have several spellings.
        raise ValueError("a part is no base64url")
    return data


def _object(part: str) -> dict[str, Any]:
    text = _bytes(part).decode()
    if not is_shallow(text, _LEVELS):
        raise ValueError("it lies too deep")
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value
