"""`puppetctl doctor`: what the suite needs, what of it is there, and how to mend the rest."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.table import Table
from rich.text import Text

from puppetctl import web
from puppetctl.checks.clocks import clocks
from puppetctl.checks.findings import Finding, Mark
from puppetctl.checks.live import live_mode
from puppetctl.checks.misspelt import misspelt
from puppetctl.checks.parties import parties
from puppetctl.checks.privacy import private_files
from puppetctl.checks.trials import tried
from puppetctl.clients import addresses
from puppetctl.local.processes import is_healthy, listens
from puppetctl.suite import (
    GATEWAY,
    PRINCIPALS,
    THIRD_PARTIES,
    SuiteError,
    health_of,
    is_live,
    location_setting,
    made_again,
)
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import print_line
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.probe import is_serving, version_at
from services.runtime.settings import SettingsError
from services.runtime.version import suite_version

_PACKAGES = {
    "agents": ("dbos",),
    "memory": ("chromadb", "wordllama"),
    "llm": ("openai",),
    "social": ("tweepy", "aiohttp"),
    "trading": ("solana", "solders", "cryptography"),
    "sandbox": ("starlette", "uvicorn", "xllamacpp", "solders", "oauthlib"),
}
_VERSIONS = ("puppet-engine", "grpcio", "protobuf", "dbos", "chromadb")
_SETUP = "run `make setup`"


async def doctor(
    data_dir: Path, environment: Mapping[str, str], personas: Path | None = None, *, as_json: bool = False
) -> int:
    """Print every finding; returns 1 when one is bad."""
    findings = [_python(), *_packages(), _versions(), _data(data_dir), *_settings(environment)]
    findings += parties(environment, data_dir)
    if not _is_closed(data_dir):
        findings += [*_callers(data_dir), *private_files(data_dir, personas, environment)]
    processes = await _processes(environment, data_dir)
    healthy = [finding.subject for finding in processes if finding.mark is Mark.OK]
    findings += processes + await _vectors(environment, data_dir, healthy) + await tried(environment, data_dir, healthy)
    findings += [*await clocks(environment, data_dir, healthy), *live_mode(environment, data_dir, personas)]
    if as_json:
        for finding in findings:
            print_line(asdict(finding))
        return _exit_code(findings)
    table = Table.grid(padding=(0, 2))
    styles = {Mark.OK: "green", Mark.NOTE: "yellow", Mark.BAD: "bold red"}
    for finding in findings:
        words = f"{finding.words}: {finding.remedy}" if finding.remedy else finding.words
        table.add_row(Text(finding.mark, styles[finding.mark]), Text(finding.subject), Text(words))
    open_console().print(table)
    return _exit_code(findings)


def _exit_code(findings: Iterable[Finding]) -> int:
    return int(any(finding.mark is Mark.BAD for finding in findings))


def _settings(environment: Mapping[str, str]) -> list[Finding]:
    remedy = "write it as it stands in the README of its service, or unset it"
    return [Finding(Mark.NOTE, "settings", words, remedy) for words in misspelt(environment)]


def _python() -> Finding:
    return Finding(Mark.OK, "python", f"{sys.version.split()[0]} at {sys.executable}")


def _packages() -> list[Finding]:
    findings = []
    for extra, names in _PACKAGES.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        if missing:
            findings.append(Finding(Mark.BAD, f"packages of {extra}", f"missing {', '.join(missing)}", _SETUP))
    return findings or [Finding(Mark.OK, "packages", "all there")]


def _versions() -> Finding:
    try:
        return Finding(Mark.OK, "versions", ", ".join(f"{name} {version(name)}" for name in _VERSIONS))
    except PackageNotFoundError as error:
        return Finding(Mark.BAD, "versions", f"{error.name} is not installed", _SETUP)


def _data(data_dir: Path) -> Finding:
    if _is_closed(data_dir):
        remedy = "run this as that user, or give another --data"
        return Finding(Mark.BAD, "data folder", f"{data_dir} belongs to another user, and can't be looked into", remedy)
    nearest = next(folder for folder in (data_dir.resolve(), *data_dir.resolve().parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(Mark.OK, "data folder", f"{data_dir} can be written")
    return Finding(Mark.BAD, "data folder", f"{nearest} can't be written", "give another --data, or change its owner")


def _is_closed(folder: Path) -> bool:
    """Tell whether a folder is there and can't be looked into, or lies in one that can't."""
    try:
        with os.scandir(folder):
            return False
    except PermissionError:
        return True
    except OSError:
        return False


def _callers(data_dir: Path) -> list[Finding]:
    """Return whether those who live in the data folder can prove themselves; nothing before the first start."""
    files = PrincipalFiles(data_dir / "auth")
    if not files.registry.exists():
        return []
    try:
        names = [principal.name for principal in files.list()]
        lacking = [name for name in names if name in (OPERATOR, *PRINCIPALS) and files.lacks(name)]
        revoked = [name for name in files.revoked() if name in PRINCIPALS]
    except SettingsError as error:
        return [Finding(Mark.BAD, "callers", str(error), "put it back from a copy")]
    if lacking:
        words = f"the credential of {', '.join(lacking)} is missing, or isn't the one that is known"
        remedy = "; ".join(f"`puppetctl principals rotate {name}`" for name in lacking)
        return [Finding(Mark.BAD, "callers", words, remedy)]
    if revoked:
        words = f"{', '.join(revoked)} was revoked, and the suite doesn't work without it"
        return [Finding(Mark.BAD, "callers", words, "; ".join(map(made_again, revoked)))]
    return [Finding(Mark.OK, "callers", ", ".join(names) or "none")]


async def _processes(environment: Mapping[str, str], data_dir: Path) -> list[Finding]:
    try:
        where = addresses(environment, data_dir)
    except SuiteError as error:
        return [Finding(Mark.BAD, "ports", str(error))]
    expected = {name: address for name, address in where.items() if not _is_replaced(name, environment)}
    states = dict(zip(expected, await asyncio.gather(*map(_state, expected, expected.values())), strict=True))
    if set(states.values()) == {"free"}:
        return [Finding(Mark.NOTE, "suite", "does not run here, and its ports are free: `puppetctl up` starts it")]
    versions = dict(zip(expected, await asyncio.gather(*map(_version_at, expected, expected.values())), strict=True))
    return [_process(name, expected[name], state, versions[name], data_dir) for name, state in states.items()]


async def _vectors(environment: Mapping[str, str], data_dir: Path, healthy: Collection[str]) -> list[Finding]:
    """Return whether memories get their vectors, where the llm service makes them."""
    if environment.get("PUPPET_MEMORY_EMBEDDINGS") != "llm" or "memory" not in healthy:
        return []
    if await is_serving(addresses(environment, data_dir)["memory"], name="embeddings"):
        return [Finding(Mark.OK, "vectors of memory", "the llm service makes them")]
    words = "the llm service doesn't make them now: searches go by words alone, and nothing is lost"
    remedy = f"see {data_dir}/logs/memory.log, `puppetctl costs`, and `puppetctl memory stats`"
    return [Finding(Mark.NOTE, "vectors of memory", words, remedy)]


def _process(name: str, address: str, state: str, runs: str, data_dir: Path) -> Finding:
    if state == "healthy" and runs not in ("", suite_version()):
        words = f"healthy at {address}, and of version {runs}, while this is {suite_version()}"
        return Finding(Mark.NOTE, name, words, "start it again with the version that is to run")
    if state == "healthy":
        return Finding(Mark.OK, name, f"healthy at {address}")
    if state == "free":
        remedy = f"start it, or say where it is with {location_setting(name)}"
        return Finding(Mark.BAD, name, f"nothing answers at {address}", remedy)
    remedy = f"see {data_dir}/logs/{name}.log, or stop what else listens there"
    return Finding(Mark.BAD, name, f"what listens at {address} does not answer as a healthy {name} does", remedy)


async def _state(name: str, address: str) -> str:
    if await is_healthy(address, health_of(name)):
        return "healthy"
    return "unhealthy" if await listens(address) else "free"


async def _version_at(name: str, address: str) -> str:
    """Return the version that a process says it is of; empty for one that says none, such as a sandbox."""
    if health_of(name) == "grpc":
        return await version_at(address)
    if name != GATEWAY:
        return ""
    try:
        return str((await web.get(f"http://{address}{health_of(name)}"))["data"]["version"])
    except (web.WebError, LookupError, TypeError):
        return ""


def _is_replaced(name: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a sandbox isn't needed, because its third party is live."""
    try:
        return any(party.sandbox == name and is_live(party, environment) for party in THIRD_PARTIES)
    except SuiteError:
        return False
