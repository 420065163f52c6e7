"""What the Solana sandbox can be told through its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from sandbox.settings import Port, SandboxSettings


class SolanaSandboxSettings(SandboxSettings):
    """Settings of the Solana sandbox; `slot_seconds` below 0.4 makes confirmation and expiry come sooner."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="PUPPET_SANDBOX_SOLANA_")

    port: Port = 50062
    data_dir: Path = Path("var/sandbox/solana")
    slot_seconds: float = Field(default=0.4, gt=0)
    builds: bool = True
    """Whether Jupiter's `/build` is answered; without it there are only a market maker's whole transactions."""
    order_version: Literal[0, 1] = 0
    """The version of the whole transactions of orders."""
