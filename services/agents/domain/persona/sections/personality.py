"""What a character is like, and how it writes."""

import re
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, Tag

from services.agents.domain.persona.fields import (
    BY_FORM,
    Flag,
    FlagOrText,
    Form,
    NoEffect,
    Number,
    Plain,
    Probability,
    Prose,
    Rule,
    Section,
    Text,
    Texts,
    Whole,
    between,
    not_above,
)
from services.runtime.errors import quoted


class Capitalization(StrEnum):
    """How a character uses capital letters."""

    STANDARD = "standard"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"
    TITLE = "title"
    FREE = "free"


# The first that is found is meant.
_CAPITALIZATIONS = {
    r"(always|exclusively) lower|lowercase only|never capital|no capital|^all lower": Capitalization.LOWERCASE,
    r"inconsist|sometimes|mixed|varie|free": Capitalization.FREE,
    r"^lower": Capitalization.LOWERCASE,
    r"^(all caps|upper)": Capitalization.UPPERCASE,
    r"^title": Capitalization.TITLE,
    r"^(standard|normal|sentence|proper|regular)": Capitalization.STANDARD,
}


def capitalization_of(words: str) -> Capitalization:
    """Return one of the styles, or what words say of it: "Inconsistent, sometimes all lowercase". Raises ValueError."""
    said = words.casefold().replace("_", " ")
    for pattern, style in _CAPITALIZATIONS.items():
        if re.search(pattern, said):
            return style
    if words:
        raise ValueError(f"must be one of {', '.join(Capitalization)}, and is {quoted(words)}")
    return Capitalization.STANDARD


class MoodPoint(Section):
    """A mood in numbers: a point of the PAD space of Mehrabian and Russell (1974)."""

    valence: Annotated[Number, between(-1, 1)] = Field(default=0.1, description="From -1, unhappy, to 1, happy.")
    arousal: Probability = Field(default=0.4, description="From 0, calm, to 1, excited.")
    dominance: Probability = Field(default=0.5, description="From 0, submissive, to 1, in control.")


_Mood: TypeAlias = Annotated[
    Annotated[Plain, Field(max_length=200), Tag(Form.TEXT)] | Annotated[MoodPoint, Tag(Form.OBJECT)], BY_FORM
]


class EmotionalRange(Section):
    """How a character feels by itself, and what upsets it."""

    default_mood: _Mood = Field(
        default="",
        description="The mood to which the character returns, in English words or in numbers; half the way back takes "
        "six of its hours. An even mood when empty. It colours words and the boldness with which they are drawn.",
    )
    mood_swings: Prose = Field(
        default="", description="How much its moods move, in words. It stands in the prompt, beside the mood."
    )
    stress_triggers: Texts = Field(
        default=(),
        description="Words that upset the character when somebody says them to it: valence falls, arousal rises.",
    )


class PersonalitySection(Section):
    """What a character is like. All of it stands in the prompt, unless the file has a system prompt of its own."""

    traits: Texts = Field(default=(), description="Adjectives and short phrases.")
    values: Texts = Field(default=(), description="What it holds dear.")
    speaking_style: Prose = Field(default="", description="How it speaks.")
    interests: Texts = Field(default=(), description="What it posts about: the topic of a post is drawn from these.")
    background: Prose = Field(default="", description="Where it comes from.")
    quirks: Texts = Field(default=(), description="Its habits.")
    emotional_range: EmotionalRange = Field(default_factory=EmotionalRange, description="How it feels.")


class Formatting(Section):
    """How a text looks."""

    uses_hashtags: FlagOrText = Field(
        default=False,
        description='Whether a post may have hashtags; words such as "never" are no. Posts with some are refused.',
    )
    hashtag_style: Text = Field(
        default="", description="Which hashtags, in words. It stands in the prompt where a post may have hashtags."
    )
    uses_emojis: FlagOrText = Field(
        default=False,
        description='Whether a text may have emoji; words such as "never" are no. They are taken out if not.',
    )
    emoji_frequency: Text = Field(
        default="", description="How many emoji, in words. It stands in the prompt where a text may have emoji."
    )
    capitalization: Annotated[Text, Rule(capitalization_of, {"examples": [*Capitalization]})] = Field(
        default="",
        description="`standard` (the default), `lowercase`, `uppercase`, `title`, `free`, or the same in words. Texts "
        "are put into it.",
    )
    sentence_length: Text = Field(
        default="", description="How long its sentences are, in words. It stands in the prompt."
    )
    paragraph_breaks: Annotated[FlagOrText, NoEffect(unless=(False, "none"))] = Field(
        default=False, description="Whether its posts have paragraphs."
    )
    avoid_hyphens: Flag = Field(default=False, description="Whether dashes and hyphens are taken out of its texts.")


_Thread: TypeAlias = Annotated[Whole, between(1, 25)]
_Length: TypeAlias = Annotated[Whole, between(1, 25_000)]


class ContentPreferences(Section):
    """How long its posts are, and what is in them. The stricter of the two places where this may stand counts."""

    max_thread_length: Annotated[_Thread | None, NoEffect(unless=(1,))] = Field(
        default=None, description="How many posts a thread may have, 1 to 25."
    )
    typical_post_length: _Length | None = Field(
        default=None,
        description="How long its posts are most often, in characters. It stands in the prompt, and texts near it are "
        "ranked higher. Less than 40 counts words, as in `max_post_length`. The smaller of the two places counts.",
    )
    max_post_length: _Length | None = Field(
        default=None,
        description="How long a post may be, in the network's characters; by default as long as the network takes it. "
        "Less than 40 counts words of seven letters. Longer texts are refused.",
    )
    link_sharing_frequency: Annotated[Probability | None, NoEffect(unless=(0,))] = Field(
        default=None, description="The share of its posts that have a link, 0 to 1."
    )
    original_content_ratio: Annotated[Probability | None, NoEffect()] = Field(
        default=None, description="The share of what it publishes that is its own, 0 to 1."
    )
    quote_tweet_frequency: Annotated[Probability | None, NoEffect(unless=(0,))] = Field(
        default=None, description="The share of its posts that quote another, 0 to 1."
    )

    _lengths = not_above("typical_post_length", "max_post_length")


class Vocabulary(Section):
    """Its words."""

    key_terms: Texts = Field(default=(), description="Words that it likes: texts with them are ranked higher.")
    avoid_terms: Texts = Field(default=(), description="Words that it never uses: a text with one is refused.")


class LanguageConstraints(Section):
    """What its language may hold."""

    profanity_allowed: Flag = Field(
        default=False, description="Whether its texts may be profane; they are refused if not."
    )
    technical_jargon: FlagOrText = Field(
        default="", description="Which technical words it uses; true is any. It stands in the prompt."
    )


class StyleGuideSection(Section):
    """How a character writes."""

    voice: Prose = Field(default="", description="Who seems to speak. It stands in the prompt.")
    tone: Prose = Field(default="", description="How that sounds. It stands in the prompt.")
    formatting: Formatting = Field(default_factory=Formatting, description="How a text looks.")
    content_preferences: ContentPreferences = Field(
        default_factory=ContentPreferences, description="How long its posts are."
    )
    vocabulary: Vocabulary = Field(default_factory=Vocabulary, description="Its words.")
    topics_to_avoid: Texts = Field(default=(), description="What it never writes about: a text that does is refused.")
    language_constraints: LanguageConstraints = Field(
        default_factory=LanguageConstraints, description="What its language may hold."
    )
