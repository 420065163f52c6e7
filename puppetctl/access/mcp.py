"""`puppetctl mcp`: the gateway's tools for assistants, on standard input and output, by the caller's credential."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from puppetctl import DATA_DIR
from puppetctl.clients import credential_path, proof_in, targets
from puppetctl.suite import SERVICES, prefix
from services.runtime.environment import inherited

_MODULE = "services.gateway.mcp"
_TLS = ("TLS_CA", "TLS_CERTIFICATE", "TLS_KEY")


def environment_of(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> dict[str, str]:
    """Return the settings of the program that speaks MCP. Raises SuiteError when there is no credential."""
    proof_in(environment, data_dir)
    gateway, where = prefix("gateway"), targets(environment, data_dir)
    settings = {f"{gateway}{name.upper()}_TARGET": where[name] for name in SERVICES}
    settings[f"{gateway}CREDENTIAL"] = str(credential_path(environment, data_dir).resolve())
    settings |= {f"{gateway}{name}": value for name in _TLS if (value := environment.get(f"PUPPET_CTL_{name}"))}
    return inherited(environment) | settings


def run(data_dir: Path) -> NoReturn:
    """Become that program; it ends when the assistant closes its end. Raises SuiteError."""
    os.execve(sys.executable, [sys.executable, "-m", _MODULE], environment_of(os.environ, data_dir))  # noqa: S606
