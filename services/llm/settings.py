"""The settings of the llm service: which providers there are, and in which order they are asked."""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from typing_extensions import override

from services.runtime.settings import Port, ServiceSettings, explain

PREFIX = "PUPPET_LLM_"
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")


class ProviderSettings(BaseModel):
    """One provider: environment variables with the prefix `PUPPET_LLM_<NAME>_`, over the preset of its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    base_url: str = ""
    """Where its OpenAI-compatible API begins, for example `https://api.openai.com/v1`."""
    api_key: SecretStr = SecretStr("")
    model: str = ""
    """The model for requests that name none; empty: the provider's own choice."""
    embedding_model: str = ""
    """The model that makes vectors for requests that name none; empty: the server's own, or none."""
    dialect: Literal["chat", "completion", "responses"] = "chat"
    """Messages for a chat model, a labelled few-shot text for a small completion model, or OpenAI's Responses API."""
    concurrency: int = Field(default=4, ge=1)
    """How many calls it gets at once; more wait for a slot."""
    choices: int = Field(default=1, ge=1)
    """How many candidates it writes in one call (`n`); more are asked for in several calls at once."""
    logprobs: bool = False
    """Whether it is asked for the probabilities of its tokens."""
    timeout_seconds: float = Field(default=60.0, gt=0, le=570)
    """How long a request may take, the wait for its turn included; then the next provider is asked."""
    max_tokens: int | None = Field(default=None, ge=1, le=32_768)
    """How long a candidate may get when a request doesn't say; None: as for all providers."""
    usd_per_million: Annotated[tuple[Decimal, ...], NoDecode] = ()
    """What a million tokens cost in US dollars: those read, those written, and, if they differ, those read that were
    cached. Left out: what the table of prices says, or nothing for what runs on this machine."""
    thinking_tokens: int = Field(default=2_000, ge=0, le=100_000)
    """How much longer it may get at a model that thinks first, and whose limit counts that."""
    leave_out: Annotated[frozenset[str], NoDecode] = frozenset()
    """The fields that are never sent, with commas between them: above what the table of models says."""
    add: dict[str, Any] = Field(default_factory=dict)
    """What is sent besides, as a JSON object, for example `{"reasoning_effort": "low"}`."""

    @field_validator("name", mode="after")
    @classmethod
    def _name_fits_a_variable(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
            raise ValueError(f"{PREFIX}PROVIDERS: a name is a small letter, then up to 31 small letters, digits or _")
        return name

    @field_validator("leave_out", mode="before")
    @classmethod
    def _read_fields(cls, given: Any) -> Any:
        return frozenset(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given

    @field_validator("usd_per_million", mode="before")
    @classmethod
    def _read_prices(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        prices = [text.strip() for text in given.split(",")]
        if len(prices) not in {2, 3} or not all(_PRICE.fullmatch(price) for price in prices):
            raise ValueError("must be two or three prices with a comma between them, such as 2.50,10,1.25")
        return tuple(Decimal(price) for price in prices)

    @field_validator("add", mode="before")
    @classmethod
    def _read_object(cls, given: Any) -> Any:
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError("must be a JSON object") from None

    @field_validator("api_key", mode="after")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr) -> SecretStr:
        stripped = key.get_secret_value().strip()
        if not (stripped.isascii() and (stripped.isprintable() or not stripped)):
            raise ValueError("must be printable ASCII")
        return SecretStr(stripped)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.name == "fake":
            return self
        variable = f"{PREFIX}{self.name.upper()}"
        if not self.base_url:
            raise ValueError(f"{variable}_BASE_URL is required: {self.name!r} is none of {', '.join(PRESETS)}")
        if urlsplit(self.base_url).scheme not in {"http", "https"} or not urlsplit(self.base_url).hostname:
            raise ValueError(f"{variable}_BASE_URL must be an http or https URL")
        if self.name in _NEED_KEY and not self.api_key.get_secret_value():
            raise ValueError(f"{variable}_API_KEY is required")
        if self.needs_model and not self.model:
            raise ValueError(f"{variable}_MODEL is required")
        return self

    @property
    def needs_model(self) -> bool:
        """Whether it has many models and none is its own, so that each call names one."""
        return self.name in _NEED_MODEL


_SLOW = 120.0
"""How long what may run on a processor, and loads its model first, is given."""

PRESETS: dict[str, dict[str, Any]] = {
    "local": {
        "base_url": "http://127.0.0.1:50063/v1",
        "dialect": "completion",
        "concurrency": 2,
        "choices": 8,
        "logprobs": True,
        # A small model has said what it has to say by then.
        "max_tokens": 36,
        # What it wouldn't say itself is nonsense in a small model. In a larger one it is wit.
        "add": {"min_p": 0.1},
        "timeout_seconds": _SLOW,
    },
    "fake": {},
    "openai": {
        "base_url": "https://api.openai.com/v1",
        "choices": 16,
        "embedding_model": "text-embedding-3-small",
    },
    "grok": {"base_url": "https://api.x.ai/v1"},
    "xai": {"base_url": "https://api.x.ai/v1"},
    "groq": {"base_url": "https://api.groq.com/openai/v1"},
    "openrouter": {"base_url": "https://openrouter.ai/api/v1"},
    "gemini": {
        "base_url": "https://generativelanguage.googleapis.com/v1beta/openai",
        "choices": 8,
        "embedding_model": "gemini-embedding-001",
    },
    "mistral": {"base_url": "https://api.mistral.ai/v1", "choices": 8, "embedding_model": "mistral-embed"},
    "anthropic": {"base_url": "https://api.anthropic.com/v1"},
    "deepseek": {"base_url": "https://api.deepseek.com/v1"},
    "lmstudio": {"base_url": "http://127.0.0.1:1234/v1", "timeout_seconds": _SLOW},
    "ollama": {"base_url": "http://127.0.0.1:11434/v1", "timeout_seconds": _SLOW},
    "vllm": {"base_url": "http://127.0.0.1:8000/v1", "concurrency": 16, "choices": 16, "logprobs": True},
    # How many choices llama.cpp gives depends on its slots (`--parallel`), and more are refused.
    "llamacpp": {"base_url": "http://127.0.0.1:8080/v1", "logprobs": True, "timeout_seconds": _SLOW},
}
_NEED_KEY = frozenset({"openai", "grok", "xai", "groq", "openrouter", "gemini", "mistral", "anthropic", "deepseek"})
_NEED_MODEL = _NEED_KEY | {"ollama"}


class LlmSettings(ServiceSettings):
    """Environment variables with the prefix `PUPPET_LLM_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, validate_default=True
    )

    port: Port = 50053
    providers: Annotated[tuple[ProviderSettings, ...], NoDecode, Field(min_length=1)] = "local"  # type: ignore[assignment]
    """The order of fallback: names with commas between them, each read with `read_provider`."""
    default_max_tokens: int = Field(default=512, ge=1, le=32_768)
    """How long a candidate may get when a request doesn't say."""

    usd_per_day: str = ""
    """What the suite may spend in a day, in US dollars, until an operator sets another budget; empty: no limit."""

    cache_mib: float = Field(default=8.0, ge=0, le=1_024)
    """How many MiB of answers each provider keeps in memory for identical requests; 0: none is kept."""
    cache_seconds: float = Field(default=3_600.0, gt=0, le=86_400)
    """For how long such an answer is kept."""

    answer_hours: float = Field(default=6.0, ge=0, le=48)
    """For how long an answer is kept for whoever repeats its request by its id; 0: none is kept."""

    lease_seconds: float = Field(default=30.0, gt=0, le=3_600)
    """How much longer than its time an attempt may take until what was reserved for it is settled without it."""

    @field_validator("usd_per_day", mode="after")
    @classmethod
    def _is_money(cls, given: str) -> str:
        if given and not _PRICE.fullmatch(given):
            raise ValueError("must be a decimal number of US dollars, such as 2.50")
        return given

    @classmethod
    @override
    def variables(cls, environment: Mapping[str, str]) -> set[str]:
        # A provider that is known may be set up and not named: another day it is.
        given = environment.get(f"{PREFIX}PROVIDERS", "").split(",")
        names = {*PRESETS, *(name.strip() for name in given if name.strip())}
        fields = ProviderSettings.model_fields.keys() - {"name"}
        of_providers = {f"{PREFIX}{name.upper()}_{field.upper()}" for name in names for field in fields}
        return super().variables(environment) | of_providers

    @field_validator("providers", mode="before")
    @classmethod
    def _read_names(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        return tuple(read_provider(name.strip()) for name in given.split(",") if name.strip())

    @field_validator("providers", mode="after")
    @classmethod
    def _no_name_twice(cls, providers: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [provider.name for provider in providers]
        if len(set(names)) < len(names):
            raise ValueError("must name each provider once")
        return providers


def is_this_machine(url: str) -> bool:
    """Tell whether a URL's host is this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_provider(name: str) -> ProviderSettings:
    """Return a provider's settings from the environment. Raises ValueError, which names the variable that is wrong."""
    prefix = f"{PREFIX}{name.upper()}_"
    fields = ProviderSettings.model_fields.keys() - {"name"}
    given = {field: os.environ[prefix + field.upper()] for field in fields if os.environ.get(prefix + field.upper())}
    merged = {**PRESETS.get(name, {}), **given, "name": name}
    if "timeout_seconds" not in merged and is_this_machine(merged.get("base_url", "")):
        merged["timeout_seconds"] = _SLOW
    try:
        return ProviderSettings.model_validate(merged)
    except ValidationError as error:
        raise ValueError(explain(error, prefix)) from None
