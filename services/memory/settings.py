"""The settings of the memory service."""

from pydantic_settings import SettingsConfigDict

from services.runtime.settings import ServiceSettings


class MemorySettings(ServiceSettings):
    """Environment variables with the prefix `PUPPET_MEMORY_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_MEMORY_", frozen=True, extra="ignore")

    port: int = 50052
    chroma_url: str = ""
    """A Chroma server, for example `http://localhost:8000`; empty: an embedded index in `data_dir`."""
    min_relevance: float = 0.1
    """What a hit needs at least when a search doesn't say: unrelated texts come to about 0."""
