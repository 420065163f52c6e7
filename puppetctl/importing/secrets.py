"""What may be a secret: such values are never written, only where they stand."""

import re
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED = re.compile(
    r"(^|_)(secrets?|env|credentials?|passwords?|passwd|pass|pwd|passphrase|mnemonic|cookies?|bearer|auth|2fa|totp)$"
    r"|(api|private|secret|access|auth|signing|encryption|wallet|bot|app|consumer|service|account|admin)_?key"
    r"|(seed|recovery|secret)_?phrase|_secret(_|$)|(^|_)token(_secret)?$|(access|auth|bot|bearer|refresh)_?token"
    r"|(^|_)(pin|private)_?code$|webhook"
)
_LOOKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bsk-[A-Za-z0-9_-]{16,}|\bxai-[A-Za-z0-9]{20,}|\bgsk_[A-Za-z0-9]{20,}|\bhf_[A-Za-z0-9]{20,}"
    r"|\b(?:gh[pousr]|github_pat|glpat)[_-][A-Za-z0-9_]{16,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{30,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"
    r"|\b\d{8,10}:[A-Za-z0-9_-]{35}\b"
    r"|(?<![0-9A-Fa-f])(?:0x)?[0-9A-Fa-f]{64}(?![0-9A-Fa-f])"
    r"|(?<![1-9A-HJ-NP-Za-km-z])[1-9A-HJ-NP-Za-km-z]{86,88}(?![1-9A-HJ-NP-Za-km-z])"
    r"|\[\s{0,9}(?:\d{1,3}\s{0,9},\s{0,9}){63}\d{1,3}\s{0,9}\]"
    r"|\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:[^\s/@]{1,300}@"
)


def names_secret(names: tuple[str, ...]) -> bool:
    """Tell whether fields of these names, from the outermost inwards, hold a secret."""
    return any(_NAMED.search(_CAMEL.sub("_", name).replace("-", "_").lower()) for name in names)


def looks_secret(value: Any) -> bool:
    """Tell whether a text holds what only a key, a token or a password looks like."""
    return isinstance(value, str) and bool(_LOOKS.search(value))
