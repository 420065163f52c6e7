"""How long a network finds a text: by weights of characters, links and emoji, as a limit gives them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Networks link bare domains too, with every top-level domain; these are the ones that characters are likely to write.
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


@dataclass(frozen=True, slots=True)
class WeightRange:
    """What each character weighs from the first code point to the last."""

    first: int
    last: int
    weight: int


@dataclass(frozen=True, slots=True)
class TextLimit:
    """How long a text may be, and how that is counted."""

    max_weight: int
    default_weight: int = 1
    """What a character weighs that is in none of the ranges."""
    ranges: Sequence[WeightRange] = ()
    url_weight: int = 0
    """What a link weighs, however long it is; 0: what its characters do."""
    emoji_weight: int = 0
    """What an emoji weighs as a whole, however many characters make it; 0: what these do."""

    def narrowed(self, limit: int) -> "TextLimit":
        """Return the limit, at this weight when that is less."""
        return replace(self, max_weight=min(self.max_weight, limit))

    def weigh(self, text: str) -> int:
        """Return the weight of a text in normal form (NFC)."""
        rest, links, emoji = unicodedata.normalize("NFC", text), 0, 0
        if self.url_weight:
            rest, links = _URL.subn("", rest)
        if self.emoji_weight:
            rest, emoji = _EMOJI.subn("", rest)
        return links * self.url_weight + emoji * self.emoji_weight + self._weigh_each(rest)

    def _weigh_each(self, text: str) -> int:
        return sum(number * self._weight_of(character) for character, number in Counter(text).items())

    def _weight_of(self, character: str) -> int:
        point = ord(character)
        return next((one.weight for one in self.ranges if one.first <= point <= one.last), self.default_weight)
