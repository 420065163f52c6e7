"""The settings that every service has; each adds its own fields and the prefix of its environment variables."""

from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A process can't start with its settings as they are; the message says what to change."""


class ServiceSettings(BaseSettings):
    """Where a service listens, where it keeps its data and how it behaves; read once, then frozen."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = 0
    data_dir: Path = Path("var")
    database_url: str = ""
    """Any SQLAlchemy URL with an async driver; empty: an SQLite file in `data_dir`."""
    log_level: str = "INFO"
    max_concurrent_calls: int = 256
    """Calls beyond this many at once are refused with UNAVAILABLE; open streams don't count."""
    default_deadline_seconds: float = 60.0
    """How long a unary call may take whose caller set no deadline."""
    drain_seconds: float = 3.0
    """How long calls under way have to finish after SIGTERM."""

    @property
    def address(self) -> str:
        """Where the service listens, as `host:port`."""
        return f"{self.host}:{self.port}"

    def sql_url(self, name: str) -> str:
        """Return the database's URL; `name` names the SQLite file when none is set."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / name}.db"


def explain(error: ValidationError, prefix: str) -> str:
    """Return what is wrong in one line, by the names of the variables and without their values."""
    return "; ".join(_in_words(problem, prefix) for problem in error.errors())


def _in_words(problem: ErrorDetails, prefix: str) -> str:
    rule = problem["msg"].removeprefix("Value error, ")
    # What a validator of the whole says names its variables itself.
    if not problem["loc"] or rule.startswith("PUPPET_"):
        return rule
    return f"{prefix}{str(problem['loc'][0]).upper()}: {rule}"
