"""A persona file."""

import re
import unicodedata
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, Tag, ValidationInfo, field_validator

from services.agents.domain.persona.fields import (
    BY_FORM,
    MAX_ITEMS,
    Dollars,
    Fallback,
    Flag,
    Form,
    NoEffect,
    Number,
    Plain,
    Prompts,
    Required,
    Rule,
    Secret,
    Section,
    Text,
    TextOr,
    Whole,
    above_zero,
    between,
    broken,
    one_of,
)
from services.agents.domain.persona.secrets import REDACTED, X_FIELDS
from services.agents.domain.persona.sections.behavior import BehaviorSection
from services.agents.domain.persona.sections.memory import InitialMemorySection, Memories
from services.agents.domain.persona.sections.personality import PersonalitySection, StyleGuideSection
from services.agents.domain.persona.sections.trading import AgentKitIntegration, SolanaIntegration
from services.runtime.text.normal import settled

# It is part of request and workflow ids, which have to stay short and may not hold a slash.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Approval(StrEnum):
    """What of a character waits for a person before it happens."""

    NONE = "none"
    POSTS = "posts"
    REPLIES = "replies"
    TRADES = "trades"
    ALL = "all"


def _identifies(text: str) -> None:
    if text and not _ID.fullmatch(text):
        raise ValueError("must begin with a letter or digit, and have only letters, digits, `.`, `_` and `-`")


def _shows_itself(name: str) -> None:
    signs = unicodedata.normalize("NFC", name)
    if settled(signs) != signs or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in signs):
        raise ValueError("must be one line, without signs that can't be seen or that turn the order of reading")


class LlmConfig(Section):
    """How a model draws the character's words."""

    model: Plain = Field(
        default="", max_length=200, description="The model, by its provider's name. Default: the provider's."
    )
    temperature: Annotated[Number, between(0, 2)] | None = Field(
        default=None,
        description="How boldly words are drawn, 0 to 2. Default: 0.75, and 0.1 more or less by the mood's arousal.",
    )
    max_tokens: Annotated[Whole, between(1, 32_768)] | None = Field(
        default=None,
        description="How long an answer of the model may be, in tokens. Default: what fits the prompt's recipe.",
    )
    top_p: Annotated[Number, above_zero(1)] | None = Field(
        default=None, description="The share of what is likely from which words are drawn, up to 1. Default: 1."
    )
    frequency_penalty: Annotated[Number, between(-2, 2)] | None = Field(
        default=None,
        description="How much repeating a word often is held against it, -2 to 2. Default: the provider's.",
    )
    presence_penalty: Annotated[Number, between(-2, 2)] | None = Field(
        default=None,
        description="How much repeating a word at all is held against it, -2 to 2. Default: the provider's.",
    )


class TwitterCredentials(Section):
    """The OAuth 1.0a user context of an X app: all four, or none. They go to the social service and stay there."""

    api_key: Annotated[Text, Secret()] = Field(default="", alias="apiKey", description="The app's key.")
    api_key_secret: Annotated[Text, Secret()] = Field(default="", alias="apiKeySecret", description="The app's secret.")
    access_token: Annotated[Text, Secret()] = Field(default="", alias="accessToken", description="The user's token.")
    access_token_secret: Annotated[Text, Secret()] = Field(
        default="", alias="accessTokenSecret", description="The secret of the user's token.", validate_default=True
    )

    @field_validator("access_token_secret")
    @classmethod
    def _all_or_none(cls, last: str, info: ValidationInfo) -> str:
        said = dict(zip(X_FIELDS, (*(info.data.get(name) for name in _FIRST_THREE), last), strict=True))
        given = {name: value for name, value in said.items() if value}
        if len({value == REDACTED for value in given.values()}) > 1:
            words = f"give all four anew, or leave all four {REDACTED}: one alone can't be changed"
            raise broken(words, next(iter(given)))
        # What isn't there after its check has said itself what is wrong with it.
        if given and (missing := [name for name, value in said.items() if value == ""]):
            raise broken("is required beside the others", *missing)
        return last


_FIRST_THREE = ("api_key", "api_key_secret", "access_token")


class Budget(Section):
    """What a character may cost in a day of ours."""

    llm_usd_per_day: Dollars | None = Field(
        default=None,
        description="For models, in US dollars: the llm service holds to it, by what its models cost at most.",
    )
    llm_tokens_per_day: Annotated[Whole, between(0, 10**12)] | None = Field(
        default=None,
        description="For models, in tokens, those of prompts and answers together. When four fifths are "
        "spent, by what is logged, the webhook tells a person; the llm service refuses what is beyond.",
    )
    network_usd_per_day: Annotated[Dollars | None, NoEffect()] = Field(
        default=None, description="For the network's calls, in US dollars."
    )


class PostExample(Section):
    """A post in the character's own voice."""

    topic: Text = Field(default="", description="What it was about.")
    post: Required = Field(max_length=1_000, description="The post.")


class ReplyExample(Section):
    """A reply in the character's own voice."""

    to: Text = Field(default="", description="What it was an answer to.")
    memory: Text = Field(default="", description="What the character remembered for it.")
    reply: Required = Field(max_length=1_000, description="The reply.")


class TradePostExample(Section):
    """A post about a trade in the character's own voice."""

    trade: Text = Field(default="", description="The trade, such as `bought 0.05 SOL of BONK` or `sold half of JUP`.")
    post: Required = Field(max_length=1_000, description="The post.")


_PostExamples: TypeAlias = Annotated[tuple[TextOr[PostExample], ...], Field(max_length=MAX_ITEMS)]
_ReplyExamples: TypeAlias = Annotated[tuple[TextOr[ReplyExample], ...], Field(max_length=MAX_ITEMS)]
_TradePostExamples: TypeAlias = Annotated[tuple[TextOr[TradePostExample], ...], Field(max_length=MAX_ITEMS)]


_InitialMemory: TypeAlias = Annotated[
    Annotated[Memories, Tag(Form.LIST)] | Annotated[InitialMemorySection, Tag(Form.OBJECT)], BY_FORM
]


class PersonaFile(Section):
    """A character of Puppet Engine. `id` and `name` are required; unknown fields are kept by their names only."""

    schema_uri: Text = Field(default="", alias="$schema", description="Where the schema of this file is, for editors.")
    id: Annotated[Required, Rule(_identifies, {"pattern": f"^{_ID.pattern}$"})] = Field(
        max_length=64, description="Names the character for good: 1 to 64 letters, digits, `.`, `_` and `-`."
    )
    name: Annotated[Required, Rule(_shows_itself)] = Field(
        max_length=100, description="What it is called, in up to 100 characters that can be seen, on one line."
    )
    description: Plain = Field(
        default="", max_length=2_000, description="Who it is, in a sentence or two. It begins the system prompt."
    )
    is_active: Flag = Field(
        default=False,
        description="Whether it lives by itself once it is made. `puppetctl` stops it for false, and else starts it.",
    )
    personality: PersonalitySection = Field(default_factory=PersonalitySection, description="What it is like.")
    style_guide: StyleGuideSection = Field(default_factory=StyleGuideSection, description="How it writes.")
    initial_memory: _InitialMemory = Field(default_factory=InitialMemorySection, description="What it is born with.")
    behavior: BehaviorSection = Field(default_factory=BehaviorSection, description="When it does what.")
    custom_system_prompt: Plain = Field(
        default="", max_length=16_000, description="What the model is told in place of what is made from the persona."
    )
    rotating_system_prompts: Prompts = Field(default=(), description="Several of these: one is drawn for each text.")
    llm_provider: Plain = Field(
        default="",
        max_length=64,
        description="A provider of the llm service, by its name. Default: the first one there is.",
    )
    llm_config: LlmConfig = Field(default_factory=LlmConfig, description="How the model draws its words.")
    twitter_credentials: TwitterCredentials = Field(
        default_factory=TwitterCredentials, description="Its account on X. The sandbox makes one without."
    )
    solana_integration: SolanaIntegration = Field(default_factory=SolanaIntegration, description="Its wallet.")
    agent_kit_integration: AgentKitIntegration = Field(
        default_factory=AgentKitIntegration, description="What earlier versions knew of tools."
    )
    approval: Annotated[Text, one_of(Approval), Fallback(Approval.ALL)] = Field(
        default="", description="What waits for a person: `none` (the default), `posts`, `replies`, `trades` or `all`."
    )
    budget: Budget = Field(default_factory=Budget, description="What it may cost in a day.")
    post_examples: _PostExamples = Field(
        default=(), description="A dozen posts in its own voice: they do more for a small model than any adjective."
    )
    reply_examples: _ReplyExamples = Field(default=(), description="Replies in its own voice.")
    trade_post_examples: _TradePostExamples = Field(default=(), description="Posts about trades in its own voice.")

    @field_validator("llm_config")
    @classmethod
    def _names_its_provider(cls, config: LlmConfig, info: ValidationInfo) -> LlmConfig:
        if config.model and info.data.get("llm_provider") == "":
            raise broken("is required beside llm_config.model", "llm_provider")
        return config
