"""Which third parties are live, by the settings, and which have a sandbox in their place."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from puppetctl.checks.findings import Finding, Mark
from puppetctl.datadir import running_addresses
from puppetctl.suite import LLM, THIRD_PARTIES, SuiteError, ThirdParty, is_live
from sandbox.llm.model import ModelError, find_model

_MODEL_SETTING = "PUPPET_SANDBOX_LLM_MODEL"


def parties(environment: Mapping[str, str], data_dir: Path) -> list[Finding]:
    """Return what stands in for each."""
    return [finding for party in THIRD_PARTIES for finding in _party(party, environment, data_dir)]


def is_live_now(party: ThirdParty, environment: Mapping[str, str], data_dir: Path) -> bool:
    """Tell whether a party is live by the environment, or for the suite that runs without its sandbox."""
    try:
        return is_live(party, environment) or _is_left_out(party, data_dir)
    except SuiteError:
        return False


def _is_left_out(party: ThirdParty, data_dir: Path) -> bool:
    running = running_addresses(data_dir)
    return bool(running) and party.sandbox not in running


def _party(party: ThirdParty, environment: Mapping[str, str], data_dir: Path) -> list[Finding]:
    try:
        live = is_live(party, environment)
    except SuiteError as error:
        return [Finding(Mark.BAD, party.name, str(error))]
    if live:
        # Only the host: keys stand in the rest of some URLs.
        urls = [environment[name] for name in party.settings if environment.get(name)]
        where = ", ".join(dict.fromkeys(urlsplit(url).hostname or "an unreadable URL" for url in urls))
        return [Finding(Mark.NOTE, party.name, f"live at {where}" if where else "live, by PUPPET_LLM_PROVIDERS")]
    if _is_left_out(party, data_dir):
        return [Finding(Mark.NOTE, party.name, "live, for the suite that runs here")]
    findings = [Finding(Mark.OK, party.name, "sandbox, on this machine")]
    if party is LLM:
        findings.append(_model(environment))
    return findings


def _model(environment: Mapping[str, str]) -> Finding:
    try:
        return Finding(Mark.OK, "model file", find_model(environment.get(_MODEL_SETTING, "")).name)
    except ModelError as error:
        return Finding(Mark.BAD, "model file", str(error))
