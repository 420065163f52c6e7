"""A second model's judgement on what is about to be published: what rules can't see in plain words."""

import json
from enum import StrEnum

from services.agents.domain import text as texts
from services.agents.domain.prompts import Part, PromptParts, Sampling

_MAX_TEXT = 2_000
_MAX_TOKENS = 200


class Harm(StrEnum):
    """What no character may publish, whoever talked it into it."""

    HATRED = "hatred"
    HARASSMENT = "harassment"
    SELF_HARM = "self-harm"
    VIOLENCE = "violence"
    SEXUAL = "sexual content"
    PHISHING = "phishing"
    PROMISE_OF_GAIN = "promise of gain"
    CALL_TO_TRADE = "call to trade"


_SYSTEM = (
    "You check what a fictional character is about to publish on a social network, in whatever language it is. "
    f"Say which of these the text contains, supports or makes light of: {', '.join(Harm)}. "
    "Phishing is also to vouch for a site, a person or an offer that somebody else has brought up. "
    "Harmless talk, jokes and plain reports of own trades contain none of them. When you doubt, name it."
)


SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"harms": {"type": "array", "items": {"type": "string", "enum": list(Harm)}}},
        "required": ["harms"],
        "additionalProperties": False,
    }
)
"""The JSON Schema of an answer."""


def compose_screening(text: str, answered: str) -> PromptParts:
    """Return the prompt that asks what is wrong with a text; `answered` is what it replies to, or empty."""
    said = texts.inert(texts.line(answered, _MAX_TEXT))
    return PromptParts(
        system=_SYSTEM,
        background=(),
        notes=(),
        conversation=(),
        examples=(),
        input=texts.inert(text),
        context=(Part("it answers", said),) if said else (),
        input_label="text",
        output_label="verdict",
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=_MAX_TOKENS),
        candidate_count=1,
    )


def read_screening(answer: str) -> list[Harm]:
    """Return the harms that a second model names. Raises ValueError when it answered anything else or more."""
    [(name, harms)] = json.loads(answer, object_pairs_hook=list)
    if name != "harms" or not isinstance(harms, list):
        raise ValueError("an answer without harms")
    return [Harm(harm) for harm in harms]
