"""How X counts a text, and when two texts are the same post.

The weights are those of twitter-text's configuration v3 (https://github.com/twitter/twitter-text).
"""

import re
import unicodedata

MAX_POST_LENGTH = 280
_URL_LENGTH = 23

# X links bare domains too. It knows every top-level domain; these are the ones that characters are likely to write.
_ENDINGS = "com|org|net|edu|gov|io|ai|co|dev|app|xyz|fun|gg|me|info|news|tv|fm|so|to|ly|us|uk|de|fr|eu|jp|ch|at|nl|it"
_URL = re.compile(
    rf"""(?<![\w@$\#./-])(?:
        https?://[^\s<>"']*[^\s<>"'.,!?;:)\]]
        | (?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDINGS})\b(?:/[^\s<>"']*[\w/])?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_PICTURE = "[\u231a-\u23ff\u25aa-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"
_VARIANT = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"  # presentation, skin tone, flags of regions
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[#*0-9]\ufe0f?\u20e3"
    "|[\u00a9\u00ae\u203c-\u2122]\ufe0f"
    rf"|{_PICTURE}{_VARIANT}*(?:\u200d(?:{_PICTURE}|[\u2640\u2642\u2695-\u27bf]){_VARIANT}*)*"
)
_SINGLE = (range(0x1100), range(0x2000, 0x200E), range(0x2010, 0x2020), range(0x2032, 0x2038))

_ADDRESSEES = re.compile(r"^(?:@\w+ )+", re.ASCII)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def weighted_length(text: str) -> int:
    """Return the length as X counts it: a URL is 23, an emoji 2, a letter of most alphabets 1, any other sign 2."""
    rest, urls = _URL.subn("", unicodedata.normalize("NFC", text))
    rest, emoji = _EMOJI.subn("", rest)
    signs = sum(1 if any(ord(sign) in single for single in _SINGLE) else 2 for sign in rest)
    return signs + 2 * emoji + _URL_LENGTH * urls


def canonical(text: str, *, is_reply: bool) -> str:
    """Return what is left of a text when all that X changes in publishing it is taken away.

    X normalizes and trims it, puts the addressees before a reply, and writes a scheme before bare domains.
    """
    text = " ".join(_SCHEME.sub("", unicodedata.normalize("NFC", text)).split())
    return _ADDRESSEES.sub("", text) if is_reply else text
