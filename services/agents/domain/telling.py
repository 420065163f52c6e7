"""Words about a trade that code composes itself, for characters whose language it can't check them in.

What a model says of a trade in English is checked for what must not be said, and in some other languages for being made
of nothing but what may be (`claims`). Where nothing that it says passes, and in any other language, the character's
own examples are said again with the numbers and the token of this trade, or else the bare facts, which anybody reads.
"""

import random
import re

from services.agents.domain import claims, lexicon
from services.agents.domain import text as texts
from services.agents.domain.persona import Persona

_PIECE = re.compile(r"\d+(?:[.,]\d+)*|\b[A-Z][A-Z0-9]{2,11}\b")
_PARTS = re.compile(f"({_PIECE.pattern})")
_LANGUAGE, _ENGLISH = frozenset(("en",)), 0.25
"""The least part of an English text that is articles, pronouns and the like; other languages share few of them."""


def is_english(text: str) -> bool:
    """Say whether a text is English: no other language knows as many of its words, or by its small ones."""
    said = texts.words(text)
    if lexicon.languages_of(text) == _LANGUAGE:
        return True
    return sum(lexicon.is_small(word, _LANGUAGE) for word in said) >= _ENGLISH * len(said)


def speaks_english(persona: Persona) -> bool:
    """Say whether a character's examples are English."""
    return is_english(_spoken(persona))


def checked_in(persona: Persona) -> frozenset[str]:
    """Return the languages beside English in which words about its trades can be checked."""
    return claims.read_in(_spoken(persona))


def is_checkable(persona: Persona) -> bool:
    """Say whether a character speaks a language in which words about its trades can be checked."""
    spoken = _spoken(persona)
    return is_english(spoken) or bool(claims.read_in(spoken))


def tell(persona: Persona, trade: str, rng: random.Random) -> str:
    """Return a post about a trade, such as `bought 0.05 SOL of BONK`, of which every word is the character's own."""
    shape, pieces = _shape(trade)
    fitting = []
    for example in persona.trade_post_examples:
        about, old = _shape(example.about)
        swapped = dict(zip(old, pieces, strict=False))
        said = _PIECE.findall(example.text)
        if about == shape and len(set(old)) == len(old) == len(pieces) and set(said) <= set(old):
            fitting.append("".join(swapped.get(part, part) for part in _PARTS.split(example.text)))
    return rng.choice(fitting) if fitting else _facts(trade)


def _spoken(persona: Persona) -> str:
    examples = (*persona.post_examples, *persona.reply_examples, *persona.trade_post_examples)
    return " ".join(example.text for example in examples)


def _shape(trade: str) -> tuple[str, list[str]]:
    return _PIECE.sub("\0", trade), _PIECE.findall(trade)


def _facts(trade: str) -> str:
    pieces = [piece for piece in _PIECE.findall(trade) if piece != "SOL"]
    token = pieces[-1] if pieces else ""
    paid = f"{pieces[0]} SOL" if len(pieces) > 1 else "SOL"
    return f"{paid} \u2192 {token}." if trade.startswith("bought") else f"{token} \u2192 SOL."
