"""The settings that every program and every service has; each adds its own, and the prefix of its variables."""

import contextlib
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime import private

Port = Annotated[int, Field(ge=0, le=65_535)]
"""A TCP port; 0 takes a free one."""

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)]


def check_http_url(url: str) -> str:
    """Return a URL of HTTP, or nothing, as it is. Raises ValueError for anything else."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if url and not is_url:
        raise ValueError("must be an http or https URL")
    return url


def _check_target(target: str) -> str:
    host, _, port = target.rpartition(":")
    if (not target.startswith("unix:") and not (host and _is_port(port))) or any(map(str.isspace, target)):
        raise ValueError("must be host:port, or unix:path for a socket")
    return target


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) <= 65_535


HttpUrl = Annotated[str, AfterValidator(check_http_url)]
"""Where a server of HTTP is; may be empty."""

Target = Annotated[str, AfterValidator(_check_target)]
"""Where a service of gRPC is: `host:port`, or `unix:path`."""

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)

MIN_REQUEST_DAYS = 31
"""Longer than any workflow is taken up again: what it repeats must be known for what it is."""


class SettingsError(Exception):
    """A process can't start with its settings as they are; the message says what to change."""


class ProgramSettings(BaseSettings):
    """Where a program listens, who it is and how it behaves; read once, then frozen."""

    # Compose files and shells hand down what isn't set as an empty value.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    """A name, or an address of IPv4 or IPv6; `::` is every address of both."""
    port: Port = 0
    data_dir: Path = Path("var")
    log_level: LogLevel = "INFO"
    max_concurrent_calls: int = Field(default=256, ge=1)
    """Calls beyond this many at once are refused with UNAVAILABLE; open streams don't count."""
    max_open_streams: int = Field(default=2048, ge=1)
    """Streams beyond this many at once are refused with UNAVAILABLE."""
    default_deadline_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """How long a unary call may take whose caller set no deadline."""
    drain_seconds: float = Field(default=3.0, ge=0, allow_inf_nan=False)
    """How long calls under way have to finish after SIGTERM."""
    principals: Path | None = None
    """The file of those who may call; left out: `auth/principals.json` in `data_dir`, made when it is missing."""
    credential: Path | None = None
    """What the service proves itself with to others; left out: its own in `auth/credentials` of `data_dir`."""
    tls_certificate: Path | None = None
    """The service's certificate chain in PEM; with it and its key it speaks TLS only. Renewed files are taken up."""
    tls_key: Path | None = None
    tls_ca: Path | None = None
    """Who signs the certificates of the services that this one calls; with it the calls are made with TLS."""
    allow_plaintext: bool = False
    """Let callers on other machines in without TLS; without it such a `host` is refused."""
    telemetry_endpoint: HttpUrl = ""
    """Where traces and metrics are sent by OTLP over gRPC, for example `http://127.0.0.1:4317`; empty: nowhere, or
    where `OTEL_EXPORTER_OTLP_ENDPOINT` says."""
    metrics_port: Port = 0
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

    @field_validator("host", mode="after")
    @classmethod
    def _check_host(cls, host: str) -> str:
        address, _, zone = host.partition("%")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            if zone or not _HOST_NAME.fullmatch(host):
                raise ValueError("must be a name or an IP address, without brackets and without a port") from None
        return host

    @model_validator(mode="after")
    def _check_transport(self) -> Self:
        prefix = self.model_config.get("env_prefix", "")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError(f"{prefix}TLS_CERTIFICATE and {prefix}TLS_KEY go together")
        if not (self.is_local or self.tls_certificate or self.allow_plaintext):
            raise ValueError(
                f"{prefix}HOST is {self.host}, where tokens would travel in plaintext: set {prefix}TLS_CERTIFICATE "
                f"and {prefix}TLS_KEY (`puppetctl certs` makes them), or {prefix}ALLOW_PLAINTEXT=true on a network "
                "that you trust"
            )
        return self

    @classmethod
    def variables(cls, _environment: Mapping[str, str]) -> set[str]:
        """Return the names of all variables that are read in this environment."""
        return {f"{cls.model_config.get('env_prefix', '')}{field.upper()}" for field in cls.model_fields}

    def variable(self, field: str) -> str:
        """Return the name of a field's environment variable."""
        return f"{self.model_config.get('env_prefix', '')}{field.upper()}"

    @contextlib.contextmanager
    def naming(self, field: str) -> Iterator[None]:
        """Put the name of a field's variable before what a SettingsError of the block says."""
        try:
            yield
        except SettingsError as error:
            raise SettingsError(f"{self.variable(field)}: {error}") from error

    def data_folder(self) -> Path:
        """Return the data folder, made when it isn't there. Raises SettingsError when nothing can be written there."""
        try:
            private.make_folder(self.data_dir)
        except OSError as error:
            raise self.unusable("data_dir", error) from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise SettingsError(f"{self.variable('data_dir')}: nothing can be written into {self.data_dir.resolve()}")
        return self.data_dir

    def unusable(self, field: str, error: OSError) -> SettingsError:
        """Return what to raise when the file or folder that a field names can't be used."""
        path = Path(str(error.filename or getattr(self, field))).resolve()
        return SettingsError(f"{self.variable(field)}: {path} can't be used: {error.strerror}")


class ServiceSettings(ProgramSettings):
    """What a service has besides: its data, and what callers of gRPC ask for."""

    database_url: str = ""
    """Any SQLAlchemy URL with an async driver; empty: an SQLite file in `data_dir`."""
    request_days: int = Field(default=90, ge=MIN_REQUEST_DAYS)
    """How long a request_id is remembered; that of an effect which isn't decided yet stays until it is."""
    tls_client_ca: Path | None = None
    """Who signs callers' certificates: then each must show one, and it proves who calls."""
    socket: Path | None = None
    """A Unix socket on which it listens too, in plaintext: only its user's programs can open it, or stand in for it."""
    health_port: Port = 0
    """A port that answers health checks and nothing else, in plaintext and to everybody; 0: none."""

    @field_validator("database_url", mode="after")
    @classmethod
    def _check_database_url(cls, url: str) -> str:
        if not url:
            return url
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import SQLAlchemyError

        try:
            is_async = make_url(url).get_dialect().is_async
        except (SQLAlchemyError, ValueError, ImportError):
            is_async = False
        if not is_async:
            raise ValueError("must be a URL like postgresql+asyncpg://user:password@host/name")
        return url

    @model_validator(mode="after")
    def _check_callers(self) -> Self:
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError(f"{self.variable('tls_client_ca')} needs {self.variable('tls_certificate')}")
        return self

    def sql_url(self, name: str) -> str:
        """Return the database's URL; `name` names the SQLite file when none is set. Raises SettingsError."""
        if self.database_url:
            return self.database_url
        file = self.data_folder() / f"{name}.db"
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            raise SettingsError(f"{self.variable('data_dir')}: {file.resolve()} can't be written")
        return f"sqlite+aiosqlite:///{file}"


def explain(error: ValidationError, prefix: str) -> str:
    """Return what is wrong in one line, by the names of the variables and without their values."""
    return "; ".join(_in_words(problem, prefix) for problem in error.errors())


def _in_words(problem: ErrorDetails, prefix: str) -> str:
    rule = problem["msg"].removeprefix("Value error, ")
    # What a validator of the whole says names its variables itself.
    if not problem["loc"] or rule.startswith("PUPPET_"):
        return rule
    return f"{prefix}{str(problem['loc'][0]).upper()}: {rule}"
