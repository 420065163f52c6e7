"""When two texts are the same post to X."""

import re
import unicodedata

_ADDRESSEES = re.compile(r"^(?:@\w+ )+", re.ASCII)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def canonical(text: str, *, is_reply: bool) -> str:
    """Return what is left of a text when all that X changes in publishing it is taken away.

    X normalizes and trims it, puts the addressees before a reply, and writes a scheme before bare domains.
    """
    text = " ".join(_SCHEME.sub("", unicodedata.normalize("NFC", text)).split())
    return _ADDRESSEES.sub("", text) if is_reply else text
