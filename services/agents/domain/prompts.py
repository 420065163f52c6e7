"""What a model is asked, in parts: `system` says who the character is, and only `input` holds what others wrote."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.agents.domain import text as texts
from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import Mood
from services.agents.domain.persona import Example, Persona

_CANDIDATES = 8
_POST_CANDIDATES = 6
"""Of posts, more are fit to be published than of replies: six are enough, and cost a quarter less."""
_MOST_EXAMPLES = 14
_MOST_INPUT = 300
_MOST_MEMORY = 160
_TEMPERATURE, _TOP_P, _MAX_TOKENS = 0.75, 1.0, 36

_POST_REPETITION_PENALTY = 1.1
"""It keeps a small model from going in circles. A reply has to repeat its memory, and a trade post its token."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How words are drawn; None is the provider's default."""

    temperature: float
    top_p: float
    max_tokens: int
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class PromptParts:
    """A prompt, laid out by whichever model reads it: `examples` are (input, output) pairs, none of them empty."""

    system: str
    examples: tuple[tuple[str, str], ...]
    input: str
    input_label: str
    output_label: str
    sampling: Sampling
    candidate_count: int


@dataclass(frozen=True, slots=True)
class Fellow:
    """Somebody whom a character speaks to, and what it thinks of them."""

    name: str
    note: str = ""


def choose_topic(
    persona: Persona, memories: Sequence[TrustedMemory], recent_topics: Sequence[str], rng: random.Random
) -> str:
    """Return what to post about: two of the character's interests, rather none of late, or else what it remembers.

    Two things that have never met make more of a post than one.
    """
    likes = persona.personality.interests or tuple(example.about for example in persona.post_examples)
    late = {part.strip().casefold() for topic in recent_topics for part in topic.split(",")}
    known = [topic for topic in dict.fromkeys(likes or persona.style.key_terms) if topic]
    fresh = [topic for topic in known if topic.casefold() not in late] or known
    if not fresh:
        fresh = [gist for memory in memories if (gist := texts.gist(memory.text))] or [persona.name]
    first = rng.choice(fresh)
    others = [topic for topic in fresh if not texts.shared(topic, first) and topic != first]
    return f"{first}, {rng.choice(others)}" if others else first


def compose_post(
    persona: Persona,
    mood: Mood,
    topic: str,
    memories: Sequence[TrustedMemory],
    addressed: Fellow | None,
    rng: random.Random,
) -> PromptParts:
    """Return the prompt for a post of the character's own, to a fellow when one is addressed.

    The examples are always all there, in one order: the model has them in its cache, and reads only the last line anew.
    """
    to = [f"you speak to {addressed.name}", addressed.note] if addressed else []
    asked = _noted(persona, texts.line(topic, _MOST_INPUT), [*to, *(memory.text for memory in memories)])
    parts = _parts(persona, mood, rng, _pairs(persona.post_examples), asked, "topic", "post")
    sampling = replace(parts.sampling, repetition_penalty=_POST_REPETITION_PENALTY)
    return replace(parts, sampling=sampling, candidate_count=_POST_CANDIDATES)


def compose_reply(
    persona: Persona,
    mood: Mood,
    mention_text: str,
    author_name: str,
    relationship_note: str,
    memory: str,
    rng: random.Random,
) -> PromptParts:
    """Return the prompt for a reply; `memory` is what it is to bring in, and empty when there is nothing."""
    examples = [
        (_recalling(example.about, example.memory if memory else ""), example.text)
        for example in persona.reply_examples
        if example.about
    ]
    said = texts.line(texts.spoken(mention_text), _MOST_INPUT) or "hello"
    asked = _recalling(said, texts.line(memory, _MOST_MEMORY))
    asked = _noted(persona, asked, [f"{author_name} says this", relationship_note])
    return _parts(persona, mood, rng, tuple(examples) or _pairs(persona.post_examples), asked, "to", "reply")


def compose_trade_post(persona: Persona, mood: Mood, trade_in_words: str, rng: random.Random) -> PromptParts:
    """Return the prompt for a post about a trade that has settled, for example `bought 0.05 SOL of BONK`."""
    examples = _pairs(persona.trade_post_examples or persona.post_examples)
    return _parts(persona, mood, rng, examples, texts.line(trade_in_words, _MOST_INPUT), "trade", "post")


def _parts(
    persona: Persona,
    mood: Mood,
    rng: random.Random,
    examples: tuple[tuple[str, str], ...],
    asked: str,
    input_label: str,
    output_label: str,
) -> PromptParts:
    return PromptParts(
        system=_system(persona, mood, rng),
        examples=examples[:_MOST_EXAMPLES],
        input=asked,
        input_label=input_label,
        output_label=output_label,
        sampling=_sampling(persona, mood),
        candidate_count=_CANDIDATES,
    )


def _recalling(said: str, memory: str) -> str:
    """Return what was said, with what the character remembers at it on a line of its own.

    Each is one line, so that nobody can put a memory into the character's head.
    """
    return f"{said}\nmemory: {memory}" if memory else said


def _noted(persona: Persona, asked: str, notes: Sequence[str]) -> str:
    """Return what is asked with notes, for a model that can tell notes from matter: one that the persona names."""
    given = [texts.line(note, _MOST_MEMORY) for note in notes if note]
    return f"{asked} (keep in mind: {'; '.join(given)})" if given and persona.llm.provider else asked


def _system(persona: Persona, mood: Mood, rng: random.Random) -> str:
    """Say who speaks. It is the same for each call of a small local model, which then reads it from its cache."""
    own = rng.choice(persona.system_prompts) if persona.system_prompts else f"{persona.name}. {persona.description}"
    if not persona.llm.provider:
        return own.strip()
    style = persona.style
    facts = {} if persona.system_prompts else _portrait(persona)
    facts["Mood now"] = mood.label
    rules = (
        f"Answer with the text alone: one short post of at most {style.max_post_length} characters, "
        f"{'hashtags allowed' if style.uses_hashtags else 'no hashtags'}, "
        f"{'emoji allowed' if style.uses_emojis else 'no emoji'}, no links, no @mentions."
    )
    return "\n".join((own.strip(), *(f"{name}: {said}" for name, said in facts.items() if said), rules))


def _portrait(persona: Persona) -> dict[str, str]:
    """Return what the persona says about the character, by headings."""
    personality, style = persona.personality, persona.style
    return {
        "Traits": ", ".join(personality.traits),
        "Values": ", ".join(personality.values),
        "Background": personality.background,
        "Quirks": ", ".join(personality.quirks),
        "Way of speaking": personality.speaking_style,
        "Voice": style.voice,
        "Tone": style.tone,
        "Never write about": ", ".join(style.topics_to_avoid),
        "Never use": ", ".join(style.avoid_terms),
    }


def _sampling(persona: Persona, mood: Mood) -> Sampling:
    """Return the recipe's sampling, under what the persona sets; an excited mood draws bolder words."""
    own = persona.llm
    return Sampling(
        temperature=_TEMPERATURE + 0.2 * (mood.arousal - 0.5) if own.temperature is None else own.temperature,
        top_p=_TOP_P if own.top_p is None else own.top_p,
        max_tokens=_MAX_TOKENS if own.max_tokens is None else own.max_tokens,
        frequency_penalty=own.frequency_penalty,
        presence_penalty=own.presence_penalty,
    )


def _pairs(examples: Sequence[Example]) -> tuple[tuple[str, str], ...]:
    """Return examples as they are shown; one that doesn't say what it is about is labelled by its own words."""
    return tuple((item.about or texts.gist(item.text) or item.text, item.text) for item in examples)
