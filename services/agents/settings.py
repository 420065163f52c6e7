"""The settings of the agents service."""

import base64
import binascii
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from services.runtime.settings import HttpUrl, Port, ServiceSettings, Target, check_http_url

_KEY_PREFIX = "whsec_"
_MIN_KEY, _MAX_KEY = 24, 64
"""In bytes, as Standard Webhooks has it."""


class AgentsSettings(ServiceSettings):
    """Environment variables with the prefix `PUPPET_AGENTS_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_AGENTS_", frozen=True, extra="ignore")

    port: Port = 50051
    memory_target: Target = "127.0.0.1:50052"
    """Where the memory service listens, as `host:port`; likewise the three below."""
    llm_target: Target = "127.0.0.1:50053"
    trading_target: Target = "127.0.0.1:50054"
    social_target: Target = "127.0.0.1:50055"
    workflows_url: str = ""
    """DBOS's database: a `sqlite:///` or `postgresql://` URL; empty: beside the service's own."""
    executor_id: str = ""
    """Names this replica; empty: the machine's name. With a name that stays it takes up at once what it left."""
    speed: float = Field(default=1.0, gt=0)
    """How many hours of the characters pass in one of ours."""
    poll_seconds: float = Field(default=0.2, gt=0)
    """How often the schedule is looked at."""
    patience_seconds: float = Field(default=60.0, gt=0)
    """How long a step repeats what another service doesn't answer."""
    settle_seconds: float = Field(default=1200.0, gt=0)
    """How long a workflow waits for its post or trade to become final; X's limits last a quarter of an hour."""

    replies_a_day_to_one: int = Field(default=12, ge=0)
    """How many replies an agent gives to one counterpart in a day of its own time, in all conversations together."""
    replies_a_day_to_strangers: int = Field(default=100, ge=0)
    """How many it gives to all strangers together."""
    replies_a_day_to_characters: int = Field(default=20, ge=0)
    """How many it gives to all other characters of the suite together: they would answer each other for ever."""
    model_calls_a_day_for_strangers: int = Field(default=200, ge=0)
    """How many calls of the model replies to strangers may cost, two for each of them; one reply takes up to four."""
    strangers_at_once: int = Field(default=1, ge=1)
    """How many replies to strangers are written at the same time, of all agents: the model is free for own posts."""
    conversation_posts: int = Field(default=12, ge=0, le=20)
    """How many posts of a conversation are read before a reply in it, when the model is shown them; X bills each."""
    mention_age_hours: float = Field(default=48.0, gt=0)
    """How old a mention may be, by the network's clock, to be answered; an older one is remembered all the same."""

    activity_days: int = Field(default=90, ge=0)
    """How long an activity is kept, and at least as long as request ids, which it answers; 0: for ever."""
    workflow_days: int = Field(default=7, ge=1)
    """How long the steps of a workflow are kept that has ended; what came of it stands in the activity log."""
    feed_http: bool = False
    """Whether feeds may be read over plain HTTP."""
    feed_private_addresses: bool = False
    """Whether feeds may be read from addresses that aren't public, such as those of the network it runs in."""
    draft_hours: float = Field(default=24.0, gt=0)
    """How long what a character proposes waits for a person, where its persona asks for approval."""

    unknown_provider: Literal["fallback", "refuse"] = "fallback"
    """What becomes of a persona whose `llm_provider` the llm service doesn't have: another writes for it, or none."""

    screen_provider: str = ""
    """The llm service's provider that judges what is about to be published, for example `openai`; empty: none does."""
    screen_model: str = ""
    """The model that is asked there; empty: the provider's default."""

    webhook_url: SecretStr = SecretStr("")
    """Where messages to a person are posted: that a draft waits, and alerts. Empty: nowhere.

    It may be an address of the operator's own network, and often is a secret itself.
    """
    webhook_secret: SecretStr = SecretStr("")
    """What they are signed with, as Standard Webhooks has it: `whsec_` and 24 to 64 bytes in base64; several, with
    blanks between them, while receivers change from one to another."""
    public_url: HttpUrl = ""
    """Where the suite's pages are, for the links in messages; empty: messages name commands."""

    @field_validator("webhook_url", mode="after")
    @classmethod
    def _check_webhook_url(cls, url: SecretStr) -> SecretStr:
        # As what it is: its rule has no words of the value.
        check_http_url(url.get_secret_value())
        return url

    @field_validator("webhook_secret", mode="after")
    @classmethod
    def _check_webhook_secret(cls, secret: SecretStr) -> SecretStr:
        _keys(secret)
        return secret

    @model_validator(mode="after")
    def _check_webhook(self) -> Self:
        if self.webhook_url.get_secret_value() and not self.webhook_secret.get_secret_value():
            raise ValueError(
                "PUPPET_AGENTS_WEBHOOK_URL needs PUPPET_AGENTS_WEBHOOK_SECRET: `whsec_` and 24 to 64 bytes in base64, "
                "for example from: echo whsec_$(openssl rand -base64 32)"
            )
        return self

    def webhook_keys(self) -> list[bytes]:
        """Return what messages are signed with."""
        return _keys(self.webhook_secret)

    @field_validator("workflows_url", mode="after")
    @classmethod
    def _check_workflows_url(cls, url: str) -> str:
        try:
            is_known = not url or make_url(url).get_backend_name() in {"sqlite", "postgresql"}
        except ArgumentError:
            is_known = False
        if not is_known:
            raise ValueError("must be a sqlite:/// or postgresql:// URL")
        return url

    def dbos_url(self) -> str:
        """Return DBOS's URL: a database of its own on SQLite, a schema of its own on the service's Postgres."""
        if self.workflows_url:
            return self.workflows_url
        own = make_url(self.sql_url("agents"))
        if own.get_backend_name() == "sqlite":
            return f"sqlite:///{self.data_folder() / 'agents-workflows.db'}"
        return own.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _keys(secret: SecretStr) -> list[bytes]:
    """Return the keys of a webhook's secret. Raises ValueError."""
    keys = []
    for part in secret.get_secret_value().split():
        try:
            key = base64.b64decode(part.removeprefix(_KEY_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not part.startswith(_KEY_PREFIX) or not _MIN_KEY <= len(key) <= _MAX_KEY:
            raise ValueError("must be `whsec_` and 24 to 64 bytes in base64")
        keys.append(key)
    return keys
