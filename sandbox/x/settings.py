"""What the X sandbox can be told through its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from sandbox.settings import Port, SandboxSettings


class XSettings(SandboxSettings):
    """Where the X sandbox listens, keeps its state, and how strict its rate limits are."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_SANDBOX_X_", frozen=True, extra="ignore")

    port: Port = 50061
    data_dir: Path = Path("var/sandbox/x")
    rate_limits: bool = True
    """Refuse calls past the limits; when off, every answer still shows a full allowance."""
    rate_limit_multiplier: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Every limit times this; at least one call is always allowed."""
    max_weight: int = Field(default=280, ge=280, le=25_000)
    """The longest post, as X weighs it; accounts that pay may write more than 280, of which X shows the beginning."""
