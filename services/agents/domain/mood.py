"""How a character feels, by the PAD model of Mehrabian and Russell (1974), and what makes it feel so.

There are two moods. The visible one colours words, and everything moves it. The one that trades read is moved by the
character's own trades and by nothing else, whoever may say what to the character, and however often.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

HALF_LIFE = timedelta(hours=6)
"""How long a mood takes to come half the way back, in the character's own time."""


@dataclass(frozen=True, slots=True)
class Mood:
    """A point of the PAD space: valence -1..1, arousal 0..1, dominance 0..1."""

    valence: float
    arousal: float
    dominance: float

    @property
    def label(self) -> str:
        """The mood in one word: the octant it lies in, or `even` near the middle."""
        tilts = (self.valence, 2 * self.arousal - 1, 2 * self.dominance - 1)
        if max(map(abs, tilts)) < _EVEN:
            return "even"
        return _OCTANTS[tuple(tilt >= 0 for tilt in tilts)]

    def moved(self, valence: float, arousal: float, dominance: float) -> "Mood":
        """Return the mood after a push, kept within the ranges."""
        return Mood(
            _clamp(self.valence + valence, -1, 1),
            _clamp(self.arousal + arousal, 0, 1),
            _clamp(self.dominance + dominance, 0, 1),
        )


class SocialEvent(StrEnum):
    """Something that others have a hand in: what they say, and what is said among them.

    A post and a failure are here, whatever failed: who keeps a network or a service busy decides whether they happen.
    """

    POSTED = "posted"
    REPLIED = "replied"
    GOT_REPLY = "got_reply"
    STRESSED = "stressed"
    FAILED = "failed"


class OwnEvent(StrEnum):
    """Something that comes of the character's own trades, in which nobody else has a hand."""

    TRADED = "traded"
    TRADE_GAIN = "trade_gain"
    TRADE_LOSS = "trade_loss"


@dataclass(frozen=True, slots=True)
class MoodChange:
    """A push to the visible mood by an event of the operator's: what is added to each of its dimensions."""

    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0


MoodEvent: TypeAlias = SocialEvent | OwnEvent | MoodChange
"""Something that moves the visible mood."""


def cause_of(event: MoodEvent) -> str:
    """Return the code of what moved a mood."""
    return "event" if isinstance(event, MoodChange) else event.value


@dataclass(frozen=True, slots=True)
class TradingMood:
    """The mood that trades read. It is no `Mood`, so that the visible one can't be taken for it."""

    felt: Mood

    def after(self, event: OwnEvent) -> "TradingMood":
        """Return it after an event. Raises ValueError for any other kind, also where no type checker looks."""
        return TradingMood(feel(self.felt, OwnEvent(event)))

    def decayed(self, baseline: Mood, elapsed: timedelta) -> "TradingMood":
        """Return it on its way back to the baseline, after `elapsed` of the character's own time."""
        return TradingMood(decay(self.felt, baseline, elapsed))


NEUTRAL = Mood(0.1, 0.4, 0.5)

_EVEN = 0.25

_OCTANTS: Mapping[tuple[bool, ...], str] = {
    (True, True, True): "exuberant",
    (True, True, False): "thrilled",
    (True, False, True): "relaxed",
    (True, False, False): "gentle",
    (False, True, True): "irritated",
    (False, True, False): "anxious",
    (False, False, True): "aloof",
    (False, False, False): "gloomy",
}

_PUSHES: Mapping[SocialEvent | OwnEvent, tuple[float, float, float]] = {
    SocialEvent.POSTED: (0.04, -0.02, 0.02),
    SocialEvent.REPLIED: (0.03, 0.02, 0.01),
    SocialEvent.GOT_REPLY: (0.08, 0.08, 0.02),
    SocialEvent.STRESSED: (-0.15, 0.2, -0.1),
    OwnEvent.TRADED: (0.02, 0.1, 0.05),
    OwnEvent.TRADE_GAIN: (0.2, 0.15, 0.15),
    OwnEvent.TRADE_LOSS: (-0.2, 0.1, -0.15),
    SocialEvent.FAILED: (-0.1, 0.08, -0.08),
}

# Words that people use for a character's usual mood, by their stems.
_TEMPERS: Mapping[str, Mood] = {
    "optimis|hopeful|sunny|cheer|happy|joy|warm|content": Mood(0.5, 0.5, 0.6),
    "excit|enthusias|energ|exuberan|ecsta|manic|hyper": Mood(0.6, 0.85, 0.65),
    "curious|interest|inquisi|wonder": Mood(0.35, 0.6, 0.5),
    "playful|mischie|amus|witty|silly": Mood(0.5, 0.65, 0.6),
    "calm|seren|peace|relax|tranquil|mellow|content|patient": Mood(0.35, 0.15, 0.6),
    "thoughtful|contemplat|reflect|pensive|philosoph|introspect|dream": Mood(0.1, 0.25, 0.5),
    "gentle|tender|shy|kind|humble": Mood(0.35, 0.25, 0.3),
    "melanchol|wistful|nostalg|sad|gloom|lonely|tired|weary": Mood(-0.35, 0.2, 0.3),
    "anxious|nervous|worr|uneasy|fear|overwhelm": Mood(-0.35, 0.75, 0.25),
    "angry|irrita|annoy|grump|indign|rage": Mood(-0.45, 0.7, 0.7),
    "sarcas|cynic|dry|deadpan|aloof|bored|detached|stoic": Mood(-0.1, 0.25, 0.65),
    "confident|bold|proud|determin|ambitious|focus": Mood(0.35, 0.6, 0.85),
    "chaotic|feral|unhinged|restless|intense": Mood(0.05, 0.9, 0.6),
}


def baseline(default: str | Mood) -> Mood:
    """Return how a character feels when nothing happens, of which its persona speaks in numbers or in words."""
    if isinstance(default, Mood):
        return default
    found = tempers(default)
    if not found:
        return NEUTRAL
    return Mood(
        sum(mood.valence for mood in found) / len(found),
        sum(mood.arousal for mood in found) / len(found),
        sum(mood.dominance for mood in found) / len(found),
    )


def tempers(words: str) -> list[Mood]:
    """Return the moods that these words name; none when they aren't known."""
    return [mood for stems, mood in _TEMPERS.items() if re.search(rf"\b({stems})", words, re.IGNORECASE)]


def decay(mood: Mood, baseline: Mood, elapsed: timedelta) -> Mood:
    """Return a mood on its way back to the baseline, after `elapsed` of the character's own time."""
    left = 0.5 ** (max(elapsed, timedelta()) / HALF_LIFE)
    return Mood(
        baseline.valence + (mood.valence - baseline.valence) * left,
        baseline.arousal + (mood.arousal - baseline.arousal) * left,
        baseline.dominance + (mood.dominance - baseline.dominance) * left,
    )


def feel(mood: Mood, event: MoodEvent) -> Mood:
    """Return the mood after an event."""
    if isinstance(event, MoodChange):
        return mood.moved(event.valence, event.arousal, event.dominance)
    return mood.moved(*_PUSHES[event])


def stress_in(text: str, triggers: Iterable[str]) -> str:
    """Return the first of these stress triggers that a text touches, or an empty text."""
    words = text.casefold()
    return next((trigger for trigger in triggers if trigger.casefold() in words), "")


def _clamp(value: float, least: float, limit: float) -> float:
    return max(least, min(limit, value))
