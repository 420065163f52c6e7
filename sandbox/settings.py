"""What every sandbox server can be told through its environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class SandboxSettings(BaseSettings):
    """Where a sandbox server listens and keeps its state; each server adds its own fields and prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = 0
    data_dir: Path = Path("var/sandbox")
    log_level: str = "warning"
