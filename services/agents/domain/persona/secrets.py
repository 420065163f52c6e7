"""The secrets in a persona file: taken out for the services that keep them, and redacted everywhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REDACTED = "[redacted]"

X_FIELDS = ("apiKey", "apiKeySecret", "accessToken", "accessTokenSecret")

# By name, wherever it stands: people put keys of other tools into their persona files, too.
_SECRET_NAME = re.compile(
    r"(private|secret|api|access|auth|signing)_?-?key|secret|pass(w|phrase)|mnemonic|seed_?phrase"
    r"|(access|auth|bearer|refresh|bot)_?-?token",
    re.IGNORECASE,
)
# A URL that carries a key in its query or as a part of its path, or a user and a password.
_SECRET_URL = re.compile(r"^\w+://([^/?#]*@|[^?#]*\?|[^?#]*/(?=[^/?#]*\d)\w{20,})")


@dataclass(frozen=True, slots=True)
class XSecrets:
    """The OAuth 1.0a user context of an X app; never shown."""

    api_key: str = field(repr=False)
    api_key_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a persona file holds that must not stay in it; the key is empty when there is none."""

    x: XSecrets | None
    private_key: str = field(repr=False)


def secrets_of(raw: Mapping[str, Any]) -> Secrets:
    """Return the secrets of a valid persona; one that is redacted or empty is none."""
    x = [_given(raw, "twitter_credentials", name) for name in X_FIELDS]
    return Secrets(XSecrets(*x) if all(x) else None, _given(raw, "solana_integration", "private_key"))


def redact(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a persona with `[redacted]` in place of every secret; what is empty stays empty."""
    return _parts(raw, is_secret=False)


def _parts(raw: Mapping[str, Any], *, is_secret: bool) -> dict[str, Any]:
    return {
        name: _redacted(value, is_secret=is_secret or bool(_SECRET_NAME.search(name))) for name, value in raw.items()
    }


def _redacted(value: Any, *, is_secret: bool) -> Any:
    if isinstance(value, Mapping):
        return _parts(value, is_secret=is_secret)
    if isinstance(value, list | tuple):
        # A key may be a list of numbers; a number alone is none.
        return [
            REDACTED if is_secret and isinstance(item, int | float) else _redacted(item, is_secret=is_secret)
            for item in value
        ]
    if not isinstance(value, str) or not value:
        return value
    return REDACTED if is_secret or _SECRET_URL.match(value) else value


def _given(raw: Mapping[str, Any], part: str, name: str) -> str:
    section = raw.get(part)
    value = section.get(name) if isinstance(section, Mapping) else None
    return value.strip() if isinstance(value, str) and value != REDACTED else ""
