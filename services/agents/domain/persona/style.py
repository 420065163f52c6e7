"""What a persona file says about how the character writes."""

import re

from services.agents.domain.persona.model import Capitalization, StyleGuide
from services.agents.domain.persona.section import Section
from services.runtime.errors import quoted

# Older files count words: `"max_post_length": 20`. No character lives on posts of 39 letters.
_LEAST_LENGTH = 40
_LETTERS_PER_WORD = 7
# The first that is found is meant.
_CAPITALIZATIONS = {
    r"always lower|lowercase only|never capital|no capital|^all lower": Capitalization.LOWERCASE,
    r"inconsist|sometimes|mixed|varie|free": Capitalization.FREE,
    r"^lower": Capitalization.LOWERCASE,
    r"^(all caps|upper)": Capitalization.UPPERCASE,
    r"^title": Capitalization.TITLE,
    r"^(standard|normal|sentence|proper|regular)": Capitalization.STANDARD,
}


def read_style(section: Section, preferences: Section) -> StyleGuide:
    """Read `style_guide`; `preferences` are those of the behavior, where lengths may stand as well."""
    formatting, vocabulary = section.section("formatting"), section.section("vocabulary")
    constraints = section.section("language_constraints")
    for name in ("hashtag_style", "emoji_frequency", "sentence_length"):
        formatting.text(name)
    formatting.raw("paragraph_breaks")
    constraints.raw("technical_jargon")
    # Both places are in use for these.
    lengths = [_post_length(where) for where in (section.section("content_preferences"), preferences)]
    return StyleGuide(
        voice=section.prose("voice"),
        tone=section.prose("tone"),
        uses_hashtags=_uses(formatting, "uses_hashtags"),
        uses_emojis=_uses(formatting, "uses_emojis"),
        capitalization=_capitalization(formatting, "capitalization"),
        avoid_hyphens=formatting.flag("avoid_hyphens"),
        key_terms=vocabulary.texts("key_terms"),
        avoid_terms=vocabulary.texts("avoid_terms"),
        topics_to_avoid=section.texts("topics_to_avoid"),
        profanity_allowed=constraints.flag("profanity_allowed"),
        max_post_length=min(filter(None, lengths), default=None),
    )


def _post_length(section: Section) -> int | None:
    for name in ("link_sharing_frequency", "original_content_ratio", "quote_tweet_frequency"):
        section.number(name, 0, 1)
    section.whole("max_thread_length", 1, 25)
    typical, most = (section.whole(name, 1, 25_000) for name in ("typical_post_length", "max_post_length"))
    if typical and most and typical > most:
        section.refuse("typical_post_length", f"must be at most max_post_length, which is {most}, and is {typical}")
    if most is None or most >= _LEAST_LENGTH:
        return most
    return max(_LEAST_LENGTH, most * _LETTERS_PER_WORD)


def _uses(section: Section, name: str) -> bool:
    """Read `true`, or words such as "rarely" or "never"."""
    value = section.raw(name)
    if not isinstance(value, str):
        return section.flag(name)
    said = value.strip()
    return bool(said) and not re.match(r"(no|none|never|false|0)\b", said, re.IGNORECASE)


def _capitalization(section: Section, name: str) -> Capitalization:
    """Read one of the styles, or words about it: "Inconsistent, sometimes all lowercase"."""
    words = section.text(name)
    said = words.casefold().replace("_", " ")
    for pattern, style in _CAPITALIZATIONS.items():
        if re.search(pattern, said):
            return style
    if words:
        section.refuse(name, f"must be one of {', '.join(Capitalization)}, and is {quoted(words)}")
    return Capitalization.STANDARD
