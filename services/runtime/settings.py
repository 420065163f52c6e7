"""The settings that every service has; each adds its own fields and the prefix of its environment variables."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

LEAST_REQUEST_DAYS = 31
"""Longer than any workflow is taken up again: what it repeats must be known for what it is."""


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
    max_open_streams: int = 2048
    """Streams beyond this many at once are refused with UNAVAILABLE."""
    default_deadline_seconds: float = 60.0
    """How long a unary call may take whose caller set no deadline."""
    request_days: int = Field(default=90, ge=LEAST_REQUEST_DAYS)
    """How long a request_id is remembered; that of an effect which isn't decided yet stays until it is."""
    drain_seconds: float = 3.0
    """How long calls under way have to finish after SIGTERM."""
    principals: Path | None = None
    """The file of those who may call; left out: `auth/principals.json` in `data_dir`, made when it is missing."""
    credential: Path | None = None
    """What the service proves itself with to others; left out: its own in `auth/credentials` of `data_dir`."""
    tls_certificate: Path | None = None
    """The service's certificate chain in PEM; with it and its key it speaks TLS only. Renewed files are taken up."""
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """Who signs callers' certificates: then each must show one, and it proves who calls."""
    tls_ca: Path | None = None
    """Who signs the certificates of the services that this one calls; with it the calls are made with TLS."""
    allow_plaintext: bool = False
    """Let callers on other machines in without TLS; without it such a `host` is refused."""
    socket: Path | None = None
    """A Unix socket on which it listens too, in plaintext: only its user's programs can open it, or stand in for it."""
    health_port: int = 0
    """A port that answers health checks and nothing else, in plaintext and to everybody; 0: none."""

    telemetry_endpoint: str = ""
    """Where traces and metrics are sent by OTLP over gRPC, for example `http://127.0.0.1:4317`; empty: nowhere, or
    where `OTEL_EXPORTER_OTLP_ENDPOINT` says."""
    metrics_port: int = 0
    """A port that shows metrics as Prometheus text at `/metrics`; 0: none."""

    @property
    def address(self) -> str:
        """Where the service listens, as `host:port`."""
        return self.at(self.port)

    def at(self, port: int) -> str:
        """Return where a port of this host is; an address of IPv6 stands in brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            # One with a zone names an interface, whatever the address.
            return "%" not in self.host and ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def auth_dir(self) -> Path:
        """Where principals and credentials are when the settings don't say."""
        return self.data_dir / "auth"

    @model_validator(mode="after")
    def _check_transport(self) -> Self:
        prefix = self.model_config.get("env_prefix", "")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError(f"{prefix}TLS_CERTIFICATE and {prefix}TLS_KEY go together")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError(f"{prefix}TLS_CLIENT_CA needs {prefix}TLS_CERTIFICATE")
        if not (self.is_local or self.tls_certificate or self.allow_plaintext):
            raise ValueError(
                f"{prefix}HOST is {self.host}, where tokens would travel in plaintext: set {prefix}TLS_CERTIFICATE "
                f"and {prefix}TLS_KEY (`puppetctl certs` makes them), or {prefix}ALLOW_PLAINTEXT=true on a network "
                "that you trust"
            )
        return self

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
