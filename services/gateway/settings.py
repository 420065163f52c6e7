"""The settings of the gateway."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.runtime.settings import HttpUrl, Port, ProgramSettings, Target

Names = Annotated[tuple[str, ...], NoDecode]


class GatewaySettings(ProgramSettings):
    """Environment variables with the prefix `PUPPET_GATEWAY_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_GATEWAY_", frozen=True, extra="ignore")

    port: Port = 8080
    agents_target: Target = "127.0.0.1:50051"
    memory_target: Target = "127.0.0.1:50052"
    llm_target: Target = "127.0.0.1:50053"
    trading_target: Target = "127.0.0.1:50054"
    social_target: Target = "127.0.0.1:50055"
    allowed_hosts: Names = ()
    """By which names it is reached besides those of this machine, with commas between: any other `Host` is refused."""
    cors_origins: Names = ()
    """The origins of other pages that may call it with a token, with commas between; cookies are never taken there."""
    most_deadline_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """How long a caller may let one call take, by the header `Request-Timeout`."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 2 * 2**20
    """A larger body is refused; a persona has a mebibyte at most."""
    max_streams_per_caller: Annotated[int, Field(ge=1)] = 256
    """How many event streams a principal may have open at once."""

    accounts_url: HttpUrl = ""
    """Where a new character gets an account that brings none, as the sandbox's network has it; empty: nowhere."""
    accounts_token: SecretStr = SecretStr("")
    """What is shown there."""
    accounts_token_file: Path | None = None
    """Where that stands instead; read each time, since whoever gives accounts makes it."""

    @field_validator("allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given
