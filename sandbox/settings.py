"""What every sandbox server can be told through its environment."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65_535)]

LogLevel = Annotated[Literal["trace", "debug", "info", "warning", "error", "critical"], BeforeValidator(str.lower)]

_HOST = re.compile(r"[a-z0-9._-]+(:[0-9]{1,5})?", re.ASCII)


class SandboxSettings(BaseSettings):
    """Where a sandbox server listens and keeps its state; each server adds its own fields and prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Port = 0
    data_dir: Path = Path("var/sandbox")
    log_level: LogLevel = "warning"
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


S = TypeVar("S", bound=SandboxSettings)


def read_settings(kind: type[S]) -> S:
    """Return a server's settings from its environment; wrong ones end the process with one line that names each."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems = (f"{prefix}{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors())
        sys.exit("; ".join(problems).replace("Value error, ", ""))
