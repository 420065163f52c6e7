"""A persona in memory: what the service makes use of, with defaults where the file is silent."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from services.agents.domain.mood import Mood
from services.agents.domain.persona.sections.personality import Capitalization
from services.agents.domain.persona.sections.root import Approval, Budget


@dataclass(frozen=True, slots=True)
class Personality:
    """What a character is like."""

    traits: tuple[str, ...]
    values: tuple[str, ...]
    speaking_style: str
    interests: tuple[str, ...]
    background: str
    quirks: tuple[str, ...]
    default_mood: str | Mood
    mood_swings: str
    stress_triggers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StyleGuide:
    """How a character writes."""

    voice: str
    tone: str
    uses_hashtags: bool
    hashtag_style: str
    uses_emojis: bool
    emoji_frequency: str
    capitalization: Capitalization
    sentence_length: str
    avoid_hyphens: bool
    key_terms: tuple[str, ...]
    avoid_terms: tuple[str, ...]
    topics_to_avoid: tuple[str, ...]
    profanity_allowed: bool
    technical_jargon: str
    typical_post_length: int | None
    """In characters; None: as the ranking likes posts best."""
    max_post_length: int | None
    """As its network counts; None: as long as that lets posts be."""


@dataclass(frozen=True, slots=True)
class MemorySeed:
    """A memory that a character is born with; `kind` is one of the memory service's kinds."""

    text: str
    kind: str
    importance: float
    occur_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class RelationshipSeed:
    """What a character thinks of somebody from the start: of an agent by its id, of a user by the handle."""

    counterpart: str
    is_agent: bool
    sentiment: float
    familiarity: float
    trust: float
    notes: str


@dataclass(frozen=True, slots=True)
class InitialMemory:
    """What a character knows from the start, in the order of the file."""

    seeds: tuple[MemorySeed, ...]
    relationships: tuple[RelationshipSeed, ...]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When a character sleeps: from one hour of its zone, 0 to 23, until another one."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Behavior:
    """When a character does what; hours and minutes are those of its own time, which may run faster than ours."""

    min_hours_between_posts: float
    max_hours_between_posts: float
    peak_posting_hours: frozenset[int]
    timezone: tzinfo
    reply_probability: float
    min_response_minutes: float
    max_response_minutes: float
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Trading:
    """Whether, when and within which limits a character trades. A limit that the file doesn't give is None."""

    is_enabled: bool
    min_hours_between_trades: float
    max_hours_between_trades: float
    whim_probability: float
    decision_factors: tuple[str, ...]
    post_probability: float
    always_tradable: tuple[str, ...]
    considers_trending: bool
    only_trending: bool
    blacklist: tuple[str, ...]
    max_trade_lamports: int | None
    min_balance_lamports: int | None
    max_slippage_bps: int | None
    max_daily_trades: int | None
    max_daily_volume_lamports: int | None


@dataclass(frozen=True, slots=True)
class LlmChoice:
    """Which model speaks for a character, and how it draws its words; None leaves it to the prompt's recipe."""

    provider: str
    model: str
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    frequency_penalty: float | None
    presence_penalty: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """Something in the character's own voice, what it was about or an answer to, and what it remembered for it."""

    about: str
    text: str
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who a character is."""

    id: str
    name: str
    description: str
    is_active: bool
    approval: Approval
    budget: Budget
    personality: Personality
    style: StyleGuide
    memory: InitialMemory
    behavior: Behavior
    trading: Trading
    llm: LlmChoice
    system_prompts: tuple[str, ...]
    """What to say instead of a system prompt made from the persona: one of these, chosen anew each time."""
    post_examples: tuple[Example, ...]
    reply_examples: tuple[Example, ...]
    trade_post_examples: tuple[Example, ...]
