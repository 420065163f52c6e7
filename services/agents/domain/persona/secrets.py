"""The secrets in a persona file, taken out for the services that keep them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REDACTED = "[redacted]"

X_FIELDS = ("apiKey", "apiKeySecret", "accessToken", "accessTokenSecret")


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


def names_account(raw: Mapping[str, Any]) -> bool:
    """Tell whether a persona has credentials of an account, redacted or not."""
    section = raw.get("twitter_credentials")
    return isinstance(section, Mapping) and any(section.get(name) for name in X_FIELDS)


def _given(raw: Mapping[str, Any], part: str, name: str) -> str:
    section = raw.get(part)
    value = section.get(name) if isinstance(section, Mapping) else None
    return value.strip() if isinstance(value, str) and value != REDACTED else ""
