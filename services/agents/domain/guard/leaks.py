"""What looks like a secret in a text. The secrets themselves are known to the services that keep them, and not here."""

import re
from collections.abc import Iterator

from services.runtime.text.identifiers import identifiers
from services.runtime.text.normal import normal_form

_LOOKS_LIKE = (
    ("a long base58 string", re.compile(r"(?<![A-Za-z0-9])[1-9A-HJ-NP-Za-km-z]{32,}(?![A-Za-z0-9])")),
    ("an API key", re.compile(r"\b(sk|pk|rk|xai|gsk|ghp|gho|xox[abp]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}")),
    ("a token", re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+|\bBearer\s+\S{8,}")),
    ("a private key", re.compile(r"BEGIN (?:[A-Z]+ )?PRIVATE KEY|(\b\d{1,3}\s*,\s*){24,}\d")),
)
# Letters and digits in one long run: no word of any language.
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_HEXADECIMAL = re.compile(r"(?<![A-Za-z0-9])(?:0x)?[0-9A-Fa-f]{32,}(?![A-Za-z0-9])")
_REDACTED = "[redacted]"


def leaks(text: str) -> Iterator[str]:
    """Yield what a text in normal form may give away, without repeating it."""
    yield from _secrets(text)
    yield from identifiers(text)


def redacted(text: str) -> str:
    """Return a text with `[redacted]` in place of what looks like a secret, or of all of it where it hides one."""
    for pattern in (_HEXADECIMAL, *(pattern for _, pattern in _LOOKS_LIKE)):
        text = pattern.sub(_REDACTED, text)
    text = _RUN.sub(lambda run: _REDACTED if _is_mixed(run[0]) else run[0], text)
    # In normal form what was written with other signs is seen.
    is_plain = text.isascii() or next(_secrets(normal_form(text)), None) is None
    return text if is_plain else _REDACTED


def _secrets(text: str) -> Iterator[str]:
    yield from (f"contains {kind}" for kind, pattern in _LOOKS_LIKE if pattern.search(text))
    if any(_is_mixed(run) for run in _RUN.findall(text)):
        yield "contains what looks like a key"


def _is_mixed(run: str) -> bool:
    """Tell whether a run has letters of both cases and digits: no word of any language has."""
    return run.upper() != run != run.lower() and any(sign.isdigit() for sign in run)
