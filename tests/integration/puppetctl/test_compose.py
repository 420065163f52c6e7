"""The compose file: valid, complete, on loopback only, and in the words of the settings."""

import asyncio
import re
import sys
from pathlib import Path
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
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings
from tests.conftest import ROOT

FILE = ROOT / "docker-compose.yml"
HEALTH_PORT = 9000
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
    return {name.replace("-", "."): service for name, service in services.items() if name != "principals"}


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
        probed = HEALTH_PORT if name in SERVICES else port
        assert f"127.0.0.1:{probed}" in " ".join(containers[name]["healthcheck"]["test"])


def test_services_know_who_may_call_and_only_agents_can_prove_themselves(containers: dict[str, Any]) -> None:
    for name in SERVICES:
        environment, own = containers[name]["environment"], prefix(name)
        assert environment[f"{own}PRINCIPALS"] == "/principals/principals.json"
        assert environment[f"{own}HEALTH_PORT"] == str(HEALTH_PORT)
        assert environment[f"{own}ALLOW_PLAINTEXT"] == "true"
        assert "principals:/principals:ro" in containers[name]["volumes"]
        assert (f"{own}CREDENTIAL" in environment) == (name == "agents")
        assert containers[name]["depends_on"]["principals"] == {"condition": "service_completed_successfully"}


async def test_the_principals_are_made_by_a_module_that_is_in_the_image(tmp_path: Path) -> None:
    made = yaml.safe_load(FILE.read_text())["services"]["principals"]["command"][-1]
    [line] = [line for line in made.splitlines() if line.startswith("python ")]
    _, flag, module, folder, *services = line.split()
    assert (flag, folder, services) == ("-m", "/auth", ["agents"])
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(tmp_path), *services, cwd=ROOT)
    assert await process.wait() == 0
    files = PrincipalFiles(tmp_path)
    assert [principal.name for principal in files.list()] == ["agents", OPERATOR]


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
    assert set(containers["agents"]["depends_on"]) == {"principals", *SERVICES} - {"agents"}
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
        kept = [volume.split(":") for volume in container["volumes"] if not volume.endswith(":ro")]
        assert (name == "llm") == (not kept)
        for source, target in kept:
            assert source in volumes
            assert target == ("/keys" if source.endswith("-keys") else "/data")
