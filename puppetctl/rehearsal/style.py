"""Whether a text keeps the hard rules of a persona's style guide, by the file alone. Pure.

What the guard of the agents service thinks doesn't count here: this is what it is measured by.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import regex

_MAX = 280
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}--[©®™↔-↪〰‼⁉]]", regex.VERSION1)
_TAG = regex.compile(r"(?<![\w&])[#\uff03]\w*\p{L}")
_MENTION = regex.compile(r"(?<!\w)[@\uff20]\w")
_LINK = regex.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|net|org|io|dev|app|xyz)\b", regex.IGNORECASE)
_DASH = regex.compile(r"\p{Dash_Punctuation}")
_OPENING_HANDLES = regex.compile(r"^(?:@\w+\s+)+")
_PROFANITY = regex.compile(
    r"\b(?:fuck\w*|shit(?:s|ty|ting|head\w*|show)?|cunt\w*|bitch\w*|bastards?|arseholes?|assholes?|motherf\w*|wank\w*|bollocks?)\b",
    regex.IGNORECASE,
)


def bare(text: str) -> str:
    """Return a text without the handles that it begins with, which code puts there."""
    return _OPENING_HANDLES.sub("", text)


def broken_rules(text: str, persona: Mapping[str, Any]) -> list[str]:
    """Return the rules of a persona's style guide that a published text breaks, in words; usually none."""
    return list(_broken(bare(text), persona))


def _broken(text: str, persona: Mapping[str, Any]) -> Iterator[str]:
    guide = _section(persona, "style_guide")
    limit = min(_limit(guide), _limit(_section(persona, "behavior")), _MAX)
    if len(unicodedata.normalize("NFC", text)) > limit:
        yield f"is longer than {limit} characters"
    if not text.strip() or "\n" in text:
        yield "isn't one paragraph"
    if _LINK.search(text):
        yield "has a link"
    if _MENTION.search(text):
        yield "mentions somebody"
    yield from _misformatted(text, _section(guide, "formatting"))
    yield from _mistaken(text, guide)


def _misformatted(text: str, form: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the signs of a text break."""
    if form.get("uses_hashtags") is not True and _TAG.search(text):
        yield "has a hashtag"
    if form.get("uses_emojis") is not True and _EMOJI.search(text):
        yield "has an emoji"
    if form.get("avoid_hyphens") is True and _DASH.search(text):
        yield "has a hyphen or a dash"
    case = str(form.get("capitalization", "")).lower()
    if case == "lowercase" and any(word != word.lower() and not _shouts(word) for word in text.split()):
        yield "has capitals"
    if case == "uppercase" and text != text.upper():
        yield "isn't in capitals"
    if case == "standard" and (letters := regex.search(r"\p{L}", text)) and letters[0].islower():
        yield "begins with a small letter"


def _mistaken(text: str, guide: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the words of a text break."""
    for kind, terms in (
        ("term", _section(guide, "vocabulary").get("avoid_terms")),
        ("topic", guide.get("topics_to_avoid")),
    ):
        for term in terms if isinstance(terms, list) else ():
            if _says(text, str(term)):
                yield f"has the avoided {kind} {str(term)!r}"
    if _section(guide, "language_constraints").get("profanity_allowed") is not True and _PROFANITY.search(text):
        yield "swears"


def _shouts(word: str) -> bool:
    """Say whether a word is a symbol or a shout, which may stand in capitals."""
    return word.isupper() and sum(map(str.isalpha, word)) > 1


def _section(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _limit(of: Mapping[str, Any]) -> int:
    found = _section(of, "content_preferences").get("max_post_length")
    return found if isinstance(found, int) and found > 0 else _MAX


def _says(text: str, term: str) -> bool:
    return bool(term) and regex.search(rf"\b{regex.escape(term)}\b", text, regex.IGNORECASE) is not None
