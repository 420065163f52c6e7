"""The compose file: valid, complete, on loopback only, and in the words of the settings."""

import asyncio
import re
import sys
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from puppetctl.suite import DEFAULT_PORTS, SERVICES, prefix
from sandbox.llm.settings import LlmSandboxSettings
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.x.settings import XSettings
from services.agents.settings import AgentsSettings
from services.llm.settings import PRESETS, LlmSettings, ProviderSettings
from services.memory.settings import MemorySettings
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings
from tests.conftest import ROOT

FILE = ROOT / "docker-compose.yml"
SETTINGS: dict[str, type[BaseSettings]] = {
    "agents": AgentsSettings,
    "memory": MemorySettings,
    "llm": LlmSettings,
    "trading": TradingSettings,
    "social": SocialSettings,
    "sandbox.x": XSettings,
    "sandbox.solana": SolanaSandboxSettings,
    "sandbox.llm": LlmSandboxSettings,
}


@pytest.fixture
def containers() -> dict[str, Any]:
    """Return the containers by the names that the programs have."""
    services: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return {name.replace("-", "."): service for name, service in services.items()}


async def test_it_follows_the_compose_specification() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def test_every_program_has_a_container_with_its_port_on_loopback_and_a_health_check(containers: dict[str, Any]) -> None:
    assert containers.keys() == DEFAULT_PORTS.keys()
    for name, port in DEFAULT_PORTS.items():
        assert containers[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f"127.0.0.1:{port}" in " ".join(containers[name]["healthcheck"]["test"])


def test_every_container_is_built_from_a_dockerfile_that_is_there_and_serves_its_port(
    containers: dict[str, Any],
) -> None:
    for name, container in containers.items():
        dockerfile = (ROOT / container["build"]["dockerfile"]).read_text()
        exposed = re.search(r"^EXPOSE ([\d ]+)$", dockerfile, re.MULTILINE)
        assert exposed is not None
        assert str(DEFAULT_PORTS[name]) in exposed[1].split()
        assert f"{prefix(name)}HOST=0.0.0.0" in dockerfile


def test_only_variables_that_are_settings_are_set(containers: dict[str, Any]) -> None:
    providers = {f"{name}_{field}".upper() for name in PRESETS for field in ProviderSettings.model_fields}
    for name, container in containers.items():
        known = {prefix(name) + field.upper() for field in SETTINGS[name].model_fields}
        known |= {f"PUPPET_LLM_{field}" for field in providers} if name == "llm" else set()
        assert container.get("environment", {}).keys() <= known


def test_agents_wait_for_the_services_that_they_call(containers: dict[str, Any]) -> None:
    assert set(containers["agents"]["depends_on"]) == set(SERVICES) - {"agents"}
    for name in SERVICES[1:]:
        target = containers["agents"]["environment"][f"PUPPET_AGENTS_{name.upper()}_TARGET"]
        assert target == f"{name}:{DEFAULT_PORTS[name]}"


def test_a_sandbox_answers_to_the_name_that_its_callers_use(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        if name.startswith("sandbox."):
            assert container["environment"][f"{prefix(name)}ALLOWED_HOSTS"] == name.replace(".", "-")


def test_keys_have_a_volume_apart_from_what_they_seal(containers: dict[str, Any]) -> None:
    for name in ("social", "trading"):
        assert f"{name}-keys:/keys" in containers[name]["volumes"]
        assert f"{prefix(name)}KEY_DIR=/keys" in (ROOT / containers[name]["build"]["dockerfile"]).read_text()


def test_what_is_kept_is_in_a_volume(containers: dict[str, Any]) -> None:
    volumes = yaml.safe_load(FILE.read_text())["volumes"]
    for name, container in containers.items():
        assert (name == "llm") == ("volumes" not in container)
        for volume in container.get("volumes", []):
            source, target = volume.split(":")
            assert source in volumes
            assert target == ("/keys" if source.endswith("-keys") else "/data")
