"""When a character does what. Its hours are those of its own time, which may run faster than ours."""

from enum import StrEnum
from typing import Annotated, TypeAlias, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from services.agents.domain.persona.fields import (
    MAX_ITEMS,
    Flag,
    Hours,
    Mints,
    NoEffect,
    Number,
    Probability,
    Rule,
    Section,
    Sol,
    Text,
    Texts,
    Whole,
    above_zero,
    between,
    broken,
    not_above,
    one_of,
    zone_of,
)
from services.agents.domain.persona.sections.personality import ContentPreferences

T = TypeVar("T")

_Hour: TypeAlias = Annotated[Whole, between(0, 23)]
_Minutes: TypeAlias = Annotated[Number, above_zero(60 * 24 * 30)]


class PostFrequency(Section):
    """How often a character posts: after a pause that is drawn between the two bounds."""

    min_hours_between_posts: Hours | None = Field(
        default=None, description="The shortest pause in hours, up to a year. Default: the longest, or 2 without one."
    )
    max_hours_between_posts: Hours | None = Field(
        default=None, description="The longest pause in hours, up to a year. Default: the shortest, or 6 without one."
    )
    peak_posting_hours: Annotated[tuple[_Hour, ...], Field(max_length=MAX_ITEMS)] = Field(
        default=(), description="Hours of the day, 0 to 23, in which it rather posts than in others."
    )
    timezone: Annotated[Text, Field(max_length=64), Rule(zone_of, {"examples": ["UTC", "Europe/Paris"]})] = Field(
        default="", description="The time zone of these hours, by its IANA name. Default: UTC."
    )

    _span = not_above("min_hours_between_posts", "max_hours_between_posts")


class MentionResponseTime(Section):
    """How long a mention waits for its answer: the pause between two looks at the mentions is drawn from this."""

    min_minutes: _Minutes | None = Field(
        default=None,
        description="The shortest pause in minutes, up to thirty days. Default: the longest, or 1 without one.",
    )
    max_minutes: _Minutes | None = Field(
        default=None,
        description="The longest pause in minutes, up to thirty days. Default: the shortest, or 10 without one.",
    )

    _span = not_above("min_minutes", "max_minutes")


class InteractionPatterns(Section):
    """What a character does about the posts of others. Probabilities are 0 to 1."""

    reply_probability: Probability = Field(default=0.8, description="How likely it answers a mention.")
    quote_tweet_probability: Annotated[Probability | None, NoEffect(unless=(0,))] = Field(
        default=None, description="How likely it quotes a post."
    )
    like_probability: Annotated[Probability | None, NoEffect(unless=(0,))] = Field(
        default=None, description="How likely it likes a post."
    )
    retweet_probability: Annotated[Probability | None, NoEffect(unless=(0,))] = Field(
        default=None, description="How likely it reposts a post."
    )
    mention_response_time: MentionResponseTime = Field(
        default_factory=MentionResponseTime, description="How long a mention waits for its answer."
    )


class TradingFrequency(Section):
    """How often a character considers a trade: after a pause that is drawn between the two bounds."""

    min_hours_between_trades: Hours | None = Field(
        default=None, description="The shortest pause in hours, up to a year. Default: the longest, or 12 without one."
    )
    max_hours_between_trades: Hours | None = Field(
        default=None, description="The longest pause in hours, up to a year. Default: the shortest, or 72 without one."
    )
    random_probability: Probability = Field(
        default=0.0,
        description="How likely it considers a trade on a whim, 0 to 1: such a pause is shorter than the shortest one.",
    )

    _span = not_above("min_hours_between_trades", "max_hours_between_trades")


class AllowedTokens(Section):
    """What a character may trade."""

    always_tradable: Mints = Field(
        default=(), description="Tokens that it considers whatever is trending, by their mints."
    )
    consider_trending: Flag = Field(default=True, description="Whether it considers what is trending.")
    blacklist: Mints = Field(
        default=(), description="Tokens that it never buys, by their mints: also a rule of its wallet."
    )


class TradingBehavior(Section):
    """How a character trades, where `solana_integration.trading_enabled` is true."""

    trading_frequency: TradingFrequency = Field(
        default_factory=TradingFrequency, description="How often it considers a trade."
    )
    trade_decision_factors: Texts = Field(
        default=(), description="What it goes by, such as `deep liquidity`, `calm prices` or `momentum`."
    )
    trade_tweet_probability: Probability = Field(default=1.0, description="How likely it posts about a trade, 0 to 1.")
    max_trade_amount_per_transaction: Sol | None = Field(
        default=None,
        description="What one trade may spend, in SOL. The smallest of the three limits of this kind holds.",
    )
    allowed_tokens: AllowedTokens = Field(default_factory=AllowedTokens, description="What it may trade.")


class QuietHoursSection(Section):
    """When a character sleeps: between two hours of its time zone."""

    begin: _Hour = Field(alias="from", description="The first hour of its sleep, 0 to 23.")
    end: _Hour = Field(alias="to", description="The hour in which it wakes, 0 to 23, and another one.")

    @field_validator("end")
    @classmethod
    def _another(cls, end: int, info: ValidationInfo) -> int:
        if info.data.get("begin") == end:
            raise broken("must be another hour than from")
        return end


class RandomEventType(StrEnum):
    """What happens by chance."""

    NEWS = "news"
    MOOD = "mood"
    INTERACTION = "interaction"


class MoodPush(Section):
    """What is added to a mood."""

    valence: Annotated[Number, between(-2, 2)] = Field(default=0.0, description="From -2, unhappier, to 2, happier.")
    arousal: Annotated[Number, between(-1, 1)] = Field(default=0.0, description="From -1, calmer, to 1, more excited.")
    dominance: Annotated[Number, between(-1, 1)] = Field(
        default=0.0, description="From -1, less in control, to 1, more in control."
    )


class RandomEventSection(Section):
    """Something that happens to a character now and then, at times of its own time that are drawn."""

    type: Annotated[Text, one_of(RandomEventType)] = Field(
        default="",
        description="`news` that it hears of, a `mood` that changes, or an `interaction` with another one. Required.",
        validate_default=True,
    )
    times_per_day: Annotated[Number, between(0.003, 24)] = Field(
        default=1.0, description="How many times a day, 0.003 to 24; below 1, how likely on a day."
    )
    hours: Annotated[tuple[_Hour, ...], Field(max_length=24)] = Field(
        default=(), description="Hours of the day, 0 to 23, in which it may happen. Default: all in which it is awake."
    )
    text: Text = Field(
        default="",
        description="The news, which are the operator's words, why the mood changes, or what is spoken about.",
        validate_default=True,
    )
    mood: MoodPush | None = Field(
        default=None, description="How the mood changes: required for `mood`.", validate_default=True
    )
    post_probability: Probability = Field(default=0.3, description="How likely it posts about the news, 0 to 1.")
    counterpart: Annotated[Text, Field(max_length=64)] = Field(
        default="",
        alias="with",
        description="Whom it speaks to, by the id: required for `interaction`.",
        validate_default=True,
    )

    @field_validator("type")
    @classmethod
    def _is_given(cls, given: str) -> str:
        if not given:
            raise broken("is required")
        return given

    @field_validator("text")
    @classmethod
    def _tells(cls, text: str, info: ValidationInfo) -> str:
        return _needed(text, info, RandomEventType.NEWS)

    @field_validator("mood")
    @classmethod
    def _moves(cls, mood: MoodPush | None, info: ValidationInfo) -> MoodPush | None:
        return _needed(mood, info, RandomEventType.MOOD)

    @field_validator("counterpart")
    @classmethod
    def _speaks(cls, counterpart: str, info: ValidationInfo) -> str:
        # What is missing is named by its name here.
        return _needed(counterpart, info, RandomEventType.INTERACTION, "with")


def _needed(value: T, info: ValidationInfo, kind: RandomEventType, *field: str) -> T:
    if not value and info.data.get("type") == kind:
        raise broken(f"is required for {kind}", *field)
    return value


class BehaviorSection(Section):
    """When a character does what."""

    post_frequency: PostFrequency = Field(default_factory=PostFrequency, description="How often it posts.")
    interaction_patterns: InteractionPatterns = Field(
        default_factory=InteractionPatterns, description="What it does about the posts of others."
    )
    content_preferences: ContentPreferences = Field(
        default_factory=ContentPreferences, description="How long its posts are."
    )
    trading_behavior: TradingBehavior = Field(default_factory=TradingBehavior, description="How it trades.")
    quiet_hours: QuietHoursSection | None = Field(
        default=None, description="When it sleeps, and begins nothing by itself. Default: never."
    )
    random_events: Annotated[tuple[RandomEventSection, ...], Field(max_length=50)] = Field(
        default=(), description="What happens to it by chance, while it is awake."
    )
