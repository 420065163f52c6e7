"""How a character writes, as far as its examples show it."""

import regex

from services.agents.domain import text as texts
from services.agents.domain.persona import Persona

_END = regex.compile(r"[\p{Sentence_Terminal}\u2026\uff0e\uff61][\p{Pe}\p{Pf}\p{Pi}\"']*$")


def voice(persona: Persona) -> list[str]:
    """Return every example of the character's own words."""
    return [item.text for item in (*persona.post_examples, *persona.reply_examples, *persona.trade_post_examples)]


def ends_sentences(persona: Persona) -> bool:
    """Say whether a character ends its sentences with a sign, as most of its examples do, or all if there are none."""
    examples = voice(persona)
    return 2 * sum(map(is_whole, examples)) >= len(examples)


def is_whole(text: str) -> bool:
    """Say whether a text ends as a sentence does, or with an emoji."""
    if not text:
        return False
    return _END.search(text[-8:]) is not None or texts.is_emoji(texts.clusters(text[-24:])[-1])
