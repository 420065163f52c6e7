"""The settings of the memory service."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.memory.domain.memories import MemoryKind
from services.memory.domain.upkeep import Retention
from services.runtime.settings import HttpUrl, Port, ServiceSettings, Target

_LOCAL_MODELS = ("wordllama-64", "wordllama-128", "wordllama-256")


class MemorySettings(ServiceSettings):
    """Environment variables with the prefix `PUPPET_MEMORY_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_MEMORY_", frozen=True, extra="ignore")

    port: Port = 50052
    chroma_url: HttpUrl = ""
    """A Chroma server, for example `http://localhost:8000`; empty: an embedded index in `data_dir`."""
    embeddings: Literal["local", "llm"] = "local"
    """Who embeds texts: this process, or a provider of the llm service, whose vectors come later, and cost."""
    embedding_model: str = "wordllama-256"
    """What texts are embedded with: `wordllama-256`, `-128` or `-64`, or with `llm` a provider and its model, such as
    `openai/text-embedding-3-small`. Another one is changed to while the service runs, and searches go on."""
    embedding_dimensions: Annotated[int, Field(ge=0, le=8_192)] = 0
    """How long the vectors of such a model are."""
    llm_target: Target = "127.0.0.1:50053"
    """Where the llm service listens, as `host:port`; only called when it embeds."""
    exact_limit: Annotated[int, Field(ge=0)] = 10_000
    """Up to how many memories an agent's vectors are all compared, in memory; Chroma proposes those of larger ones."""
    exact_mebibytes: Annotated[int, Field(ge=1)] = 128
    """How much memory those vectors take at most, at 2.6 for 10,000; agents not used the longest time give way."""
    min_relevance: Annotated[float, Field(ge=0, le=1)] = 0.05
    """What a hit needs at least when a search doesn't say: unrelated texts come to about 0."""
    retention_days: Annotated[Mapping[MemoryKind, NonNegativeFloat], NoDecode] = Field(
        default={MemoryKind.RECENT: 14, MemoryKind.EVENT: 180}
    )
    """How long memories of a kind are kept; for ever when a kind isn't named."""
    consolidated_days: Annotated[float, Field(ge=0, le=36_500)] = 60
    """How long a memory of little importance is kept that a conclusion follows from."""
    capacity: Annotated[int, Field(gt=0)] = 100_000
    """How many memories an agent has at most; the sweep forgets the least important ones beyond it."""

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.embeddings == "local":
            if self.embedding_model not in _LOCAL_MODELS:
                raise ValueError(f"PUPPET_MEMORY_EMBEDDING_MODEL must be one of {', '.join(_LOCAL_MODELS)}")
            return self
        provider, _, model = self.embedding_model.partition("/")
        if not (provider and model):
            raise ValueError(
                "with PUPPET_MEMORY_EMBEDDINGS=llm, PUPPET_MEMORY_EMBEDDING_MODEL must be a provider of the llm "
                "service and its model, for example openai/text-embedding-3-small"
            )
        if not self.embedding_dimensions:
            raise ValueError(
                "with PUPPET_MEMORY_EMBEDDINGS=llm, PUPPET_MEMORY_EMBEDDING_DIMENSIONS must say how long the vectors "
                "of the model are, for example 1536"
            )
        return self

    @field_validator("retention_days", mode="before")
    @classmethod
    def _read_object(cls, given: Any) -> Any:
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError('must be a JSON object, for example {"recent": 14}') from None

    @property
    def retention(self) -> Retention:
        """What the sweep goes by."""
        keep = {kind: timedelta(days=days) for kind, days in self.retention_days.items()}
        return Retention(keep, timedelta(days=self.consolidated_days), self.capacity)
