"""What of a persona is known, and not understood: it would be without effect, and nobody would say so."""

import re
from collections.abc import Iterator

from services.agents.domain.guard import KNOWN_TOPICS
from services.agents.domain.mood import tempers
from services.agents.domain.persona import Persona
from services.agents.domain.telling import speaks_english
from services.agents.domain.trading import measures_in
from services.runtime.errors import quoted

_MOOD = "personality.emotional_range.default_mood"
_FACTORS = "behavior.trading_behavior.trade_decision_factors"
_TOPICS = "style_guide.topics_to_avoid"
_NUMBERS = 'in English, or in numbers, as {"valence": 0.5, "arousal": 0.4, "dominance": 0.5}'


def not_understood(persona: Persona) -> Iterator[tuple[str, str]]:
    """Yield the paths of fields that have no effect, or less than one would think, and that in words."""
    mood = persona.personality.default_mood
    if isinstance(mood, str) and mood and not tempers(mood):
        yield _MOOD, f"{quoted(mood)} is no mood that is known here, and has no effect: say it {_NUMBERS}"
    if persona.trading.is_enabled:
        for index, factor in enumerate(persona.trading.decision_factors):
            if not measures_in(factor):
                yield f"{_FACTORS}[{index}]", f"{quoted(factor)} is nothing that trades go by, and has no effect"
    if not speaks_english(persona):
        for index, topic in enumerate(persona.style.topics_to_avoid):
            if not re.search(KNOWN_TOPICS, topic, re.IGNORECASE):
                told = f"of {quoted(topic)} only the words themselves are avoided: add those that people use for it"
                yield f"{_TOPICS}[{index}]", told
