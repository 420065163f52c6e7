"""What a model is asked, in parts: only `input` and `context` hold what others wrote, each in a part of its own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.agents.domain import text as texts
from services.agents.domain.conversation import Turn
from services.agents.domain.meaning import gist, spoken_by
from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import Mood
from services.agents.domain.occasions import TopicChoice, TopicOption, TopicOrigin
from services.agents.domain.persona import Example, Persona, StyleGuide

_CANDIDATES = 8
_POST_CANDIDATES = 6
"""Of posts, more are fit to be published than of replies: six are enough, and cost a quarter less."""
_MAX_EXAMPLES = 20
MAX_INPUT = 300
_MAX_MEMORY = 160
_MAX_NOTE = 2_000
_MAX_TURNS = 12
_MAX_OPTIONS = 100
_TEMPERATURE, _TOP_P = 0.75, 1.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How words are drawn; None is the provider's default."""

    temperature: float
    top_p: float
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A labelled text, of one line; `is_external` is True of what somebody else has said, or what was made from it."""

    label: str
    text: str
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """An example: what was asked, what was answered, and what stood beside it. Neither text is empty."""

    input: str
    output: str
    context: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptParts:
    """A prompt, laid out by the llm service as its model reads it best.

    `context` stands beside the input. For models that can tell notes from matter `background` says more of who speaks,
    `notes` what it knows now, and `conversation` what was said before, labelled with who said it.
    """

    system: str
    background: tuple[Part, ...]
    notes: tuple[Part, ...]
    conversation: tuple[Part, ...]
    examples: tuple[Exchange, ...]
    input: str
    context: tuple[Part, ...]
    input_label: str
    output_label: str
    sampling: Sampling
    candidate_count: int
    input_is_external: bool = False
    """True when somebody else has said what is asked."""

    @property
    def portrait(self) -> str:
        """All that is said of who speaks, none of which is for others to read."""
        return "\n".join((self.system, *(part.text for part in self.background)))


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a reply brings in, empty when there is nothing; `is_own` is False of what the other one has said before."""

    text: str
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Fellow:
    """Somebody whom a character speaks to, and what it thinks of them."""

    name: str
    note: str = ""


def choose_topic(
    persona: Persona, memories: Sequence[TrustedMemory], recent_topics: Sequence[str], rng: random.Random
) -> TopicChoice:
    """Return what to post about: one of the character's interests, rather none of late, or else what it remembers."""
    late = {topic.casefold() for topic in recent_topics}
    origin, known = _known_topics(persona, memories)
    fresh = [topic for topic in known if topic.casefold() not in late] or known
    chosen = rng.choice(fresh)
    options = [
        TopicOption(
            topic,
            round(1 / len(fresh), 4) if topic in fresh else 0.0,
            is_recent=topic.casefold() in late,
            is_chosen=topic == chosen,
        )
        for topic in known
    ]
    # Of very many those stay that say what was chosen.
    shown = sorted(options, key=lambda option: not option.is_chosen)[:_MAX_OPTIONS]
    kept = tuple(option for option in options if option in shown)
    return TopicChoice(chosen, origin, kept, tuple(recent_topics))


def _known_topics(persona: Persona, memories: Sequence[TrustedMemory]) -> tuple[TopicOrigin, list[str]]:
    """Return all that a post may be about, of the first source that has something."""
    sources = (
        (TopicOrigin.INTERESTS, persona.personality.interests),
        (TopicOrigin.EXAMPLES, tuple(example.about for example in persona.post_examples)),
        (TopicOrigin.KEY_TERMS, persona.style.key_terms),
    )
    for origin, topics in sources:
        if known := [topic for topic in dict.fromkeys(topics) if topic]:
            return origin, known
    languages = spoken_by(persona)
    told = list(dict.fromkeys(told for memory in memories if (told := gist(memory.text, languages))))
    return (TopicOrigin.MEMORIES, told) if told else (TopicOrigin.NAME, [persona.name])


def compose_post(
    persona: Persona,
    mood: Mood,
    topic: str,
    memories: Sequence[TrustedMemory],
    addressed: Fellow | None,
    recent: Sequence[TrustedMemory],
    limit: int,
    rng: random.Random,
) -> PromptParts:
    """Return the prompt for a post of the character's own, to a fellow when one is addressed.

    Here and below `limit` are the characters that a post may have.

    The examples are always all there, in one order: the model has them in its cache, and reads only the last line anew.
    """
    notes = [_note("You remember", text) for text in dict.fromkeys(memory.text for memory in memories)]
    notes += _lately(recent)
    if addressed:
        notes.append(_note("You speak to", f"{addressed.name}. {addressed.note}".strip()))
    asked = texts.line(topic, MAX_INPUT)
    examples = _exchanges(persona, persona.post_examples)
    return replace(
        _parts(persona, mood, limit, rng, examples, asked, "topic", "post", notes=notes),
        candidate_count=_POST_CANDIDATES,
    )


def compose_reply(
    persona: Persona,
    mood: Mood,
    mention_text: str,
    author: Fellow | None,
    memory: Remembered,
    recent: Sequence[TrustedMemory],
    conversation: Sequence[Turn],
    limit: int,
    rng: random.Random,
    noted: Sequence[str] = (),
    *,
    is_external: bool = True,
) -> PromptParts:
    """Return the prompt for a reply to a fellow, or to a stranger when the author is None.

    `noted` was concluded from what the other one has said: it stands beside the input, like their words.
    `conversation` is what was said before, oldest first. A stranger's handle is not told: a model has no use for it,
    and a handle can be a sentence. `is_external` is false for an operator's own words alone.
    """
    examples = _answers(persona, recalls=bool(memory.text and memory.is_own))
    who = f"{author.name}. {author.note}".strip() if author else "a stranger"
    return _parts(
        persona,
        mood,
        limit,
        rng,
        examples or _exchanges(persona, persona.post_examples),
        texts.inert(texts.line(texts.spoken(mention_text), MAX_INPUT)) or "hello",
        "to",
        "reply",
        notes=[_note("Who writes to you", who), *_lately(recent)],
        context=(*_recalled(memory), *_noted(noted)),
        conversation=tuple(_turn(turn, is_external=is_external) for turn in conversation[-_MAX_TURNS:]),
        input_is_external=is_external,
    )


def compose_trade_post(
    persona: Persona, mood: Mood, trade_in_words: str, limit: int, rng: random.Random
) -> PromptParts:
    """Return the prompt for a post about a trade that has settled, for example `bought 0.05 SOL of BONK`."""
    examples = _exchanges(persona, persona.trade_post_examples or persona.post_examples)
    return _parts(persona, mood, limit, rng, examples, texts.line(trade_in_words, MAX_INPUT), "trade", "post")


def _parts(
    persona: Persona,
    mood: Mood,
    limit: int,
    rng: random.Random,
    examples: tuple[Exchange, ...],
    asked: str,
    input_label: str,
    output_label: str,
    notes: Sequence[Part] = (),
    context: tuple[Part, ...] = (),
    conversation: tuple[Part, ...] = (),
    *,
    input_is_external: bool = False,
) -> PromptParts:
    own = rng.choice(persona.system_prompts) if persona.system_prompts else f"{persona.name}. {persona.description}"
    return PromptParts(
        system=own.strip(),
        background=tuple(_background(persona, mood, limit)),
        notes=tuple(notes),
        conversation=conversation,
        examples=examples[:_MAX_EXAMPLES],
        input=asked,
        context=context,
        input_label=input_label,
        output_label=output_label,
        sampling=_sampling(persona, mood),
        candidate_count=_CANDIDATES,
        input_is_external=input_is_external,
    )


def _recalled(memory: Remembered) -> tuple[Part, ...]:
    """Return what is remembered, as the character's own or as what the other one has said."""
    text = texts.line(memory.text if memory.is_own else texts.inert(texts.spoken(memory.text)), _MAX_MEMORY)
    label = "memory" if memory.is_own else "they said before"
    return (Part(label, text, is_external=not memory.is_own),) if text else ()


def _noted(notes: Sequence[str]) -> tuple[Part, ...]:
    said = (texts.inert(texts.line(texts.spoken(note), _MAX_MEMORY)) for note in notes)
    return tuple(Part("noted about them", text, is_external=True) for text in said if text)


def _lately(recent: Sequence[TrustedMemory]) -> list[Part]:
    # A post is remembered as it was published: with the handle in front that code put there.
    said = dict.fromkeys(texts.spoken(memory.text) for memory in recent)
    return [_note("You wrote lately", text) for text in said if text]


def _turn(turn: Turn, *, is_external: bool) -> Part:
    return Part(
        turn.who, texts.inert(texts.line(turn.text, MAX_INPUT)) or "...", is_external=is_external and not turn.is_own
    )


def _note(label: str, text: str) -> Part:
    return Part(label, texts.line(text, _MAX_NOTE))


def _background(persona: Persona, mood: Mood, limit: int) -> list[Part]:
    """Return what the persona says about the character, how it feels, and the rules of its posts."""
    personality, style = persona.personality, persona.style
    portrait = {
        "Traits": ", ".join(personality.traits),
        "Values": ", ".join(personality.values),
        "Background": personality.background,
        "Quirks": ", ".join(personality.quirks),
        "Way of speaking": personality.speaking_style,
        "Voice": style.voice,
        "Tone": style.tone,
        "Sentences": style.sentence_length,
        "Technical words": style.technical_jargon,
        "Never write about": ", ".join(style.topics_to_avoid),
        "Never use": ", ".join(style.avoid_terms),
    }
    rules = (
        f"Answer with the text alone: one short post of at most {limit} characters, {_usual(style, limit)}"
        f"{_allowed('hashtags', style.uses_hashtags, style.hashtag_style)}, "
        f"{_allowed('emoji', style.uses_emojis, style.emoji_frequency)}, no links, no @mentions."
    )
    feeling = {"Moods": personality.mood_swings, "Mood now": mood.label, "Rules": rules}
    facts = {**({} if persona.system_prompts else portrait), **feeling}
    return [Part(label, text) for label, said in facts.items() if (text := " ".join(said.split()))]


def _usual(style: StyleGuide, limit: int) -> str:
    usual = style.typical_post_length
    return f"most often about {usual}, " if usual and usual < limit else ""


def _allowed(what: str, is_allowed: bool, how: str) -> str:
    """Return whether something may be in a post, and how it is used there."""
    if not is_allowed:
        return f"no {what}"
    return f"{what} allowed ({how})" if how else f"{what} allowed"


def _sampling(persona: Persona, mood: Mood) -> Sampling:
    """Return the recipe's sampling, under what the persona sets; an excited mood draws bolder words."""
    own = persona.llm
    return Sampling(
        temperature=_TEMPERATURE + 0.2 * (mood.arousal - 0.5) if own.temperature is None else own.temperature,
        top_p=_TOP_P if own.top_p is None else own.top_p,
        max_tokens=own.max_tokens,
        frequency_penalty=own.frequency_penalty,
        presence_penalty=own.presence_penalty,
    )


def _answers(persona: Persona, *, recalls: bool) -> tuple[Exchange, ...]:
    """Return the examples of answers: with what was remembered at them, or, where nothing is, without.

    An answer that begins with its memory loses it: a model would learn to begin with something from nowhere.
    """
    examples = [example for example in persona.reply_examples if example.about]
    # The last ones are nearest to what is asked.
    examples.sort(key=lambda example: bool(example.memory) is recalls)
    found = [(example, example.text if recalls else _without_memory(example)) for example in examples[-_MAX_EXAMPLES:]]
    return tuple(
        Exchange(example.about, text, _recalled(Remembered(example.memory if recalls else "")))
        for example, text in found
        if text
    )


def _without_memory(example: Example) -> str:
    head, rest = example.text[: len(example.memory)], example.text[len(example.memory) :]
    return rest.lstrip() if example.memory and head.casefold() == example.memory.casefold() else example.text


def _exchanges(persona: Persona, examples: Sequence[Example]) -> tuple[Exchange, ...]:
    """Return examples as they are shown; one that doesn't say what it is about is labelled by its own words."""
    languages = spoken_by(persona)
    return tuple(Exchange(item.about or gist(item.text, languages) or item.text, item.text) for item in examples)
