"""How X counts, links and reads the text of a post."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_WEIGHT = 280
_URL_WEIGHT = 23

# X also links bare domains; these are the endings a character is likely to write.
_TLDS = "com|org|net|io|ai|co|dev|app|xyz|fun|gg|me|info|news|tv|fm|so|to|ly|us|uk|de|fr|eu|jp"
_URL = re.compile(
    rf"""(?<![\w@/.$#-])(?:https?://[^\s<>"']*[^\s<>"'.,!?;:)\]]|(?:[a-z0-9-]+\.)+(?:{_TLDS})\b(?:/[^\s<>"']*[\w/])?)""",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w@])@(\w{1,15})\b", re.ASCII)
_HASHTAG = re.compile(r"(?<![\w&#])#(\w*[^\W\d_]\w*)")
_CASHTAG = re.compile(r"(?<![\w$])\$([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)\b")
_PICTURE = "[\u231a-\u23ff\u25aa-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"
_MODIFIER = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[#*0-9]\ufe0f?\u20e3|[\u00a9\u00ae\u203c-\u2122]\ufe0f"
    rf"|{_PICTURE}{_MODIFIER}*(?:\u200d(?:{_PICTURE}|[\u2640\u2642\u2695-\u27bf]){_MODIFIER}*)*"
)
_LIGHT = (range(4352), range(8192, 8206), range(8208, 8224), range(8242, 8248))
_SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "ARABIC": "ar"}


def weighted_length(text: str) -> int:
    """Return the length as X counts it: a URL is 23, an emoji 2, most letters 1, the other signs 2."""
    bare, urls = _URL.subn("", unicodedata.normalize("NFC", text))
    bare, emoji = _EMOJI.subn("", bare)
    letters = sum(1 if any(ord(char) in light for light in _LIGHT) else 2 for char in bare)
    return letters + 2 * emoji + _URL_WEIGHT * urls


def mentioned(text: str) -> list[str]:
    """Return the usernames after an @, in order, each once whatever its case."""
    return list({match[1].lower(): match[1] for match in _MENTION.finditer(_URL.sub(" ", text))}.values())


def cashtags(text: str) -> list[str]:
    """Return the symbols after a $, in order."""
    return [match[1] for match in _CASHTAG.finditer(text)]


def language(text: str) -> str:
    """Guess the language from the script: `en` for Latin letters, `zxx` when nothing can be read."""
    words = _CASHTAG.sub("", _HASHTAG.sub("", _MENTION.sub("", _URL.sub("", text))))
    letters = [char for char in words if char.isalpha()]
    if not letters:
        return "zxx"
    # Kana settles what a text with Chinese signs in it is.
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in letters}
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return "ja"
    return next((_SCRIPTS[script] for script in sorted(scripts) if script in _SCRIPTS), "en")


def contains(text: str, phrase: str) -> bool:
    """Tell whether the words of the phrase stand in the text one after the other, whatever their case."""
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Published:
    """A text as X gives it back, and the entities in it; positions are in code points of `text`."""

    text: str
    mentions: tuple[dict[str, Any], ...]
    entities: dict[str, list[dict[str, Any]]]


def publish(text: str, post_id: int, prefix: Sequence[str] = (), quoted_url: str | None = None) -> Published:
    """Return the text as X gives it back, which isn't what was written.

    A reply begins with the people it answers, each URL has become a t.co link, and a quote ends with a link.
    """
    links: list[tuple[str, str]] = []

    def shorten(url: str) -> str:
        digest = hashlib.blake2b(f"{post_id}/{len(links)}/{url}".encode(), digest_size=5).hexdigest()
        links.append((f"https://t.co/{digest}", url))
        return links[-1][0]

    parts = [*(f"@{name}" for name in prefix), _URL.sub(lambda match: shorten(match[0]), text)]
    if quoted_url is not None:
        parts.append(shorten(quoted_url))
    shown = " ".join(part for part in parts if part)
    entities = {
        "urls": list(_urls(shown, links)),
        "hashtags": [_span(match, "tag") for match in _HASHTAG.finditer(shown)],
        "cashtags": [_span(match, "tag") for match in _CASHTAG.finditer(shown)],
    }
    mentions = tuple(_span(match, "username") for match in _MENTION.finditer(shown))
    return Published(shown, mentions, {kind: found for kind, found in entities.items() if found})


def _span(match: re.Match[str], label: str) -> dict[str, Any]:
    return {"start": match.start(), "end": match.end(), label: match[1]}


def _urls(shown: str, links: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for short, url in links:
        start = shown.index(short)
        expanded = url if "://" in url else f"http://{url}"
        display = expanded.partition("://")[2]
        yield {
            "start": start,
            "end": start + len(short),
            "url": short,
            "expanded_url": expanded,
            "display_url": display if len(display) <= 27 else f"{display[:26]}\N{HORIZONTAL ELLIPSIS}",
        }
