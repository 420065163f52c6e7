"""What a persona means, from what its file says: where two places say the same, the stricter one counts."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

from services.agents.domain.mood import Mood
from services.agents.domain.persona.fields import time_of, zone_of
from services.agents.domain.persona.model import (
    Behavior,
    Example,
    InitialMemory,
    LlmChoice,
    MemorySeed,
    Persona,
    Personality,
    QuietHours,
    RandomEvent,
    RelationshipSeed,
    StyleGuide,
    Trading,
)
from services.agents.domain.persona.sections import PersonaFile
from services.agents.domain.persona.sections.behavior import BehaviorSection, RandomEventSection, RandomEventType
from services.agents.domain.persona.sections.memory import Acquaintance, InitialMemorySection, KnowledgeFile, Memory
from services.agents.domain.persona.sections.personality import (
    MoodPoint,
    PersonalitySection,
    capitalization_of,
)
from services.agents.domain.persona.sections.root import Approval, PostExample, ReplyExample, TradePostExample

_Facts: TypeAlias = tuple[str | KnowledgeFile, ...]

LAMPORTS_PER_SOL = 1_000_000_000

# Older files count words: `"max_post_length": 20`. No character lives on posts of 39 letters.
_MIN_LENGTH = 40
_LETTERS_PER_WORD = 7

_POST_HOURS, _TRADE_HOURS, _RESPONSE_MINUTES = (2.0, 6.0), (12.0, 72.0), (1.0, 10.0)


def persona_of(file: PersonaFile) -> Persona:
    """Return the persona that a valid file describes."""
    llm = file.llm_config
    return Persona(
        id=file.id,
        name=file.name,
        description=file.description,
        is_active=file.is_active,
        approval=Approval(file.approval or Approval.NONE),
        budget=file.budget,
        personality=_personality(file.personality),
        style=_style(file),
        memory=_memory(file),
        behavior=_behavior(file.behavior),
        trading=_trading(file),
        llm=LlmChoice(
            provider=file.llm_provider,
            model=llm.model,
            temperature=llm.temperature,
            top_p=llm.top_p,
            max_tokens=llm.max_tokens,
            frequency_penalty=llm.frequency_penalty,
            presence_penalty=llm.presence_penalty,
        ),
        system_prompts=file.rotating_system_prompts or tuple(filter(None, (file.custom_system_prompt,))),
        post_examples=tuple(_examples(file.post_examples)),
        reply_examples=tuple(_examples(file.reply_examples)),
        trade_post_examples=tuple(_examples(file.trade_post_examples)),
    )


def _personality(section: PersonalitySection) -> Personality:
    emotions = section.emotional_range
    mood = emotions.default_mood
    return Personality(
        traits=section.traits,
        values=section.values,
        speaking_style=_prose(section.speaking_style),
        interests=section.interests,
        background=_prose(section.background),
        quirks=section.quirks,
        default_mood=Mood(mood.valence, mood.arousal, mood.dominance) if isinstance(mood, MoodPoint) else mood,
        mood_swings=_prose(emotions.mood_swings),
        stress_triggers=emotions.stress_triggers,
    )


def _style(file: PersonaFile) -> StyleGuide:
    guide = file.style_guide
    looks, words = guide.formatting, guide.vocabulary
    lengths = (guide.content_preferences, file.behavior.content_preferences)
    return StyleGuide(
        voice=_prose(guide.voice),
        tone=_prose(guide.tone),
        uses_hashtags=_uses(looks.uses_hashtags),
        hashtag_style=looks.hashtag_style,
        uses_emojis=_uses(looks.uses_emojis),
        emoji_frequency=looks.emoji_frequency,
        capitalization=capitalization_of(looks.capitalization),
        sentence_length=looks.sentence_length,
        avoid_hyphens=looks.avoid_hyphens,
        key_terms=words.key_terms,
        avoid_terms=words.avoid_terms,
        topics_to_avoid=guide.topics_to_avoid,
        profanity_allowed=guide.language_constraints.profanity_allowed,
        technical_jargon=_amount(guide.language_constraints.technical_jargon),
        # Both places are in use for these.
        typical_post_length=_least(*(_letters(one.typical_post_length) for one in lengths)),
        max_post_length=_least(*(_letters(one.max_post_length) for one in lengths)),
    )


def _memory(file: PersonaFile) -> InitialMemory:
    given = file.initial_memory
    if not isinstance(given, InitialMemorySection):
        return InitialMemory(tuple(_seeds(given, "general", 0.7)), ())
    seeds = (
        *_seeds(given.core_memories, "core", 0.9),
        *_seeds(given.recent_events, "event", 0.6),
        *_knowledge(given.knowledge_base),
        *_seeds(given.tweet_history, "post", 0.4),
    )
    known = given.relationships
    agents = (_relationship(name, told, is_agent=True) for name, told in known.other_agents.items())
    users = (_relationship(name.removeprefix("@"), told, is_agent=False) for name, told in known.users.items())
    return InitialMemory(seeds, (*agents, *users))


def _seeds(entries: tuple[str | Memory, ...], kind: str, importance: float) -> Iterator[MemorySeed]:
    for entry in entries:
        if isinstance(entry, str):
            if entry:
                yield MemorySeed(entry, kind, importance)
        else:
            own = importance if entry.importance is None else entry.importance
            yield MemorySeed(entry.words, entry.type or kind, own, time_of(entry.timestamp))


def _knowledge(base: _Facts | dict[str, _Facts]) -> Iterator[MemorySeed]:
    """Yield the facts; what stands in files is not read here."""
    if isinstance(base, dict):
        facts = [
            f"{heading.replace('_', ' ')}: {fact}"
            for heading, listed in base.items()
            for fact in listed
            if isinstance(fact, str)
        ]
    else:
        facts = [fact for fact in base if isinstance(fact, str)]
    for fact in facts:
        yield MemorySeed(fact, "general", 0.5)


def _relationship(counterpart: str, told: str | Acquaintance, *, is_agent: bool) -> RelationshipSeed:
    if isinstance(told, str):
        return RelationshipSeed(counterpart, is_agent, 0.0, 0.3, 0.0, told)
    return RelationshipSeed(counterpart, is_agent, told.sentiment, told.familiarity, told.trust, _prose(told.notes))


def _behavior(section: BehaviorSection) -> Behavior:
    posts, patterns = section.post_frequency, section.interaction_patterns
    low, high = _span(posts.min_hours_between_posts, posts.max_hours_between_posts, _POST_HOURS)
    response, night = patterns.mention_response_time, section.quiet_hours
    quick, slow = _span(response.min_minutes, response.max_minutes, _RESPONSE_MINUTES)
    return Behavior(
        min_hours_between_posts=low,
        max_hours_between_posts=high,
        peak_posting_hours=frozenset(posts.peak_posting_hours),
        timezone=zone_of(posts.timezone),
        reply_probability=patterns.reply_probability,
        min_response_minutes=quick,
        max_response_minutes=slow,
        quiet_hours=QuietHours(night.begin, night.end) if night else None,
        time_zone=posts.timezone,
        random_events=tuple(map(_random_event, section.random_events)),
    )


def _random_event(section: RandomEventSection) -> RandomEvent:
    push = section.mood
    return RandomEvent(
        type=RandomEventType(section.type),
        times_per_day=section.times_per_day,
        hours=section.hours,
        text=section.text,
        push=(push.valence, push.arousal, push.dominance) if push else None,
        post_probability=section.post_probability,
        counterpart=section.counterpart,
    )


def _trading(file: PersonaFile) -> Trading:
    habits, chain = file.behavior.trading_behavior, file.solana_integration
    safety, rules, allowed = chain.trade_safety, file.agent_kit_integration.autonomy_rules, habits.allowed_tokens
    frequency = habits.trading_frequency
    low, high = _span(frequency.min_hours_between_trades, frequency.max_hours_between_trades, _TRADE_HOURS)
    slippage = safety.max_slippage_percent
    return Trading(
        is_enabled=chain.trading_enabled,
        min_hours_between_trades=low,
        max_hours_between_trades=high,
        whim_probability=frequency.random_probability,
        decision_factors=habits.trade_decision_factors,
        post_probability=habits.trade_tweet_probability,
        always_tradable=allowed.always_tradable,
        considers_trending=allowed.consider_trending,
        only_trending=rules.require_trending_validation,
        blacklist=allowed.blacklist,
        max_trade_lamports=_least(
            _lamports(safety.max_trade_amount_sol),
            _lamports(habits.max_trade_amount_per_transaction),
            _lamports(rules.max_single_trade_amount_sol),
        ),
        min_balance_lamports=_lamports(safety.min_wallet_balance_sol),
        max_slippage_bps=None if slippage is None else max(1, round(slippage * 100)),
        max_daily_trades=_least(safety.max_daily_trades, rules.max_daily_trades),
        max_daily_volume_lamports=_lamports(safety.max_daily_volume_sol),
    )


def _examples(given: tuple[str | PostExample | ReplyExample | TradePostExample, ...]) -> Iterator[Example]:
    for one in given:
        match one:
            case str():
                if one:
                    yield Example("", one)
            case PostExample():
                yield Example(one.topic, one.post)
            case ReplyExample():
                yield Example(one.to, one.reply, one.memory)
            case TradePostExample():
                yield Example(one.trade, one.post)


def _prose(said: str | tuple[str, ...]) -> str:
    return said if isinstance(said, str) else ", ".join(said)


def _uses(said: bool | str) -> bool:
    """Return what is meant by true, or by words such as "rarely" or "never"."""
    if isinstance(said, bool):
        return said
    return bool(said) and not re.match(r"(no|none|never|false|0)\b", said, re.IGNORECASE)


def _amount(said: bool | str) -> str:
    """Return how much of something is meant, in words; empty when nothing is said."""
    if isinstance(said, bool):
        return "any" if said else "none"
    return said


def _letters(length: int | None) -> int | None:
    if length is None or length >= _MIN_LENGTH:
        return length
    return max(_MIN_LENGTH, length * _LETTERS_PER_WORD)


def _span(low: float | None, high: float | None, default: tuple[float, float]) -> tuple[float, float]:
    """Return both bounds; one that is missing follows the other."""
    if low is None and high is None:
        return default
    given = low if high is None else high
    return low or given or default[0], high or given or default[1]


def _lamports(sol: float | None) -> int | None:
    return None if sol is None else int(Decimal(repr(sol)) * LAMPORTS_PER_SOL)


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
