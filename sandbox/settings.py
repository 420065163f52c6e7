"""What every sandbox server can be told through its environment."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_HOST = re.compile(r"[a-z0-9._-]+(:[0-9]{1,5})?", re.ASCII)


class SandboxSettings(BaseSettings):
    """Where a sandbox server listens and keeps its state; each server adds its own fields and prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = 0
    data_dir: Path = Path("var/sandbox")
    log_level: str = "warning"
    allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """Names beside those of loopback by which the server may be called: `name`, or `name:port`, with commas between."""
    admin_token: SecretStr = SecretStr("")
    """What opens the routes below `/_sandbox`; empty: the one in `data_dir/admin.token`, made when it isn't there."""

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _read_names(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        names = frozenset(name.strip().lower() for name in given.split(",") if name.strip())
        if wrong := sorted(name for name in names if not _HOST.fullmatch(name)):
            raise ValueError(f"{wrong[0]!r} is neither a name nor name:port")
        return names
