"""Secrets in a text: those that are known, raw or encoded, and whatever looks like a key."""

import base64
import re
from collections.abc import Iterable, Iterator

# Shorter values are words: to refuse them would refuse speech.
_LEAST_KNOWN = 8
_LOOKS_LIKE = (
    ("a long base58 string", re.compile(r"(?<![A-Za-z0-9])[1-9A-HJ-NP-Za-km-z]{32,}(?![A-Za-z0-9])")),
    ("a long hexadecimal string", re.compile(r"(?<![A-Za-z0-9])(0x)?[0-9a-f]{32,}(?![A-Za-z0-9])", re.IGNORECASE)),
    ("an API key", re.compile(r"\b(sk|pk|rk|xai|gsk|ghp|gho|xox[abp]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}")),
    ("a token", re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+|\bBearer\s+\S{8,}")),
    ("a private key", re.compile(r"BEGIN (?:[A-Z]+ )?PRIVATE KEY|(\b\d{1,3}\s*,\s*){24,}\d")),
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")


def leaks(text: str, secrets: Iterable[str]) -> Iterator[str]:
    """Yield what a text gives away, without repeating it."""
    yield from (f"contains {kind}" for kind, pattern in _LOOKS_LIKE if pattern.search(text))
    if any(_is_mixed(run) for run in _LONG_RUN.findall(text)):
        yield "contains what looks like a key"
    # White space, case and signs in between don't make a secret less readable.
    plain = _squeeze(text)
    if any(form in plain for secret in secrets for form in _forms(secret)):
        yield "contains a secret"


def _is_mixed(run: str) -> bool:
    """Tell whether a run has letters of both cases and digits: no word of any language has."""
    return run.upper() != run != run.lower() and any(sign.isdigit() for sign in run)


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < _LEAST_KNOWN:
        return
    raw = secret.encode()
    for form in (secret, secret[::-1], raw.hex(), base64.b32encode(raw).decode()):
        yield _squeeze(form)
    # In the middle of a longer text, base64 reads otherwise at each of three offsets; the ends depend on neighbours.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        yield _squeeze(encoded[(0, 2, 3)[offset] : len(encoded) - 1])


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
