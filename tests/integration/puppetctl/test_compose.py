"""The compose file: valid, complete, on loopback only, and in the words of the settings."""

import asyncio
import re
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from puppetctl.suite import DEFAULT_PORTS, GATEWAY, PRINCIPALS, SERVICES, health_of, prefix
from services.llm.settings import PRESETS, ProviderSettings
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.trading.settings import TradingSettings
from tests.conftest import ROOT
from tests.support.compose import FILE, containers, environment_of, interpolated
from tests.support.settings import SETTINGS

HEALTH_PORT = 9000

CALLERS = ["agents", "memory", GATEWAY]
"""Who calls others, the memory service where the llm service makes its vectors."""


OF_THE_IMAGE = {"host", "port", "data_dir", "key_dir", "socket"}
"""What is as it is in an image: where it listens, and where its volumes are."""

DOCKERFILES = [*sorted((ROOT / "services").glob("*/Dockerfile")), ROOT / "sandbox" / "Dockerfile"]
PROVIDERS = {*PRESETS, "own"} - {"fake"}


@pytest.fixture(name="containers")
def _containers() -> dict[str, Any]:
    return containers()


def _file() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return content


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
        [published] = containers[name]["ports"]
        assert interpolated(published, {}) == f"127.0.0.1:{port}:{port}"
        assert interpolated(published, {f"{prefix(name)}PORT": "7000"}) == f"127.0.0.1:7000:{port}"
        probed = ["grpc", str(HEALTH_PORT)] if name in SERVICES else ["http", str(port), health_of(name)]
        assert containers[name]["healthcheck"]["test"] == ["CMD", "bash", "probe.sh", *probed]


def test_services_know_who_may_call_and_only_those_who_call_others_can_prove_themselves(
    containers: dict[str, Any],
) -> None:
    for name in PRINCIPALS:
        environment, own = containers[name]["environment"], prefix(name)
        assert environment[f"{own}PRINCIPALS"] == "/principals/principals.json"
        assert environment.get(f"{own}HEALTH_PORT") == (str(HEALTH_PORT) if name in SERVICES else None)
        assert interpolated(environment[f"{own}ALLOW_PLAINTEXT"], {}) == "true"
        assert "registry:/principals:ro" in containers[name]["volumes"]
        assert bool(environment[f"{own}CREDENTIAL"]) == (name in CALLERS)
        assert containers[name]["depends_on"]["principals"] == {"condition": "service_completed_successfully"}


async def test_the_principals_are_made_by_a_module_that_is_in_the_image(tmp_path: Path) -> None:
    made = _file()["services"]["principals"]["command"][-1]
    [line] = [line for line in made.splitlines() if line.startswith("python ")]
    _, flag, module, folder, *services = line.split()
    assert (flag, folder, services) == ("-m", "/auth", CALLERS)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(tmp_path), *services, cwd=ROOT)
    assert await process.wait() == 0
    files = PrincipalFiles(tmp_path)
    assert [principal.name for principal in files.list()] == sorted([*CALLERS, OPERATOR])
    # A volume has the owner of the folder of the image that it is mounted at, and root where there is none.
    volumes = [volume.partition(":")[2] for volume in _file()["services"]["principals"]["volumes"]]
    [made] = re.findall(r"install -d .*", (ROOT / "services" / "agents" / "Dockerfile").read_text())
    assert set(volumes) <= set(made.split())


STANDARD = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}
"""What OpenTelemetry's programs are told by, all of them alike."""


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
    providers = {f"{name}_{field}".upper() for name in PROVIDERS for field in ProviderSettings.model_fields}
    for name, container in containers.items():
        known = {prefix(name) + field.upper() for field in SETTINGS[name].model_fields}
        known |= {f"PUPPET_LLM_{field}" for field in providers} if name == "llm" else set()
        known |= STANDARD if name in PRINCIPALS else set()
        assert container.get("environment", {}).keys() <= known


def test_agents_wait_for_the_services_that_they_call(containers: dict[str, Any]) -> None:
    assert set(containers["agents"]["depends_on"]) == {"principals", "postgres", *SERVICES} - {"agents"}
    for name in SERVICES[1:]:
        variable = f"PUPPET_AGENTS_{name.upper()}_TARGET"
        assert environment_of(containers["agents"], {})[variable] == f"{name}:{DEFAULT_PORTS[name]}"
        assert environment_of(containers["agents"], {variable: "other:1"})[variable] == "other:1"


def test_the_gateway_finds_the_services_and_waits_for_none(containers: dict[str, Any]) -> None:
    assert set(containers[GATEWAY]["depends_on"]) == {"principals"}
    for name in SERVICES:
        variable = f"PUPPET_GATEWAY_{name.upper()}_TARGET"
        assert environment_of(containers[GATEWAY], {})[variable] == f"{name}:{DEFAULT_PORTS[name]}"


def test_a_sandbox_answers_to_the_name_that_its_callers_use(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        if name.startswith("sandbox."):
            assert environment_of(container, {})[f"{prefix(name)}ALLOWED_HOSTS"] == name.replace(".", "-")


def test_keys_have_a_volume_apart_from_what_they_seal(containers: dict[str, Any]) -> None:
    for name in ("social", "trading"):
        assert f"{name}-keys:/keys" in containers[name]["volumes"]
        assert f"{prefix(name)}KEY_DIR=/keys" in (ROOT / containers[name]["build"]["dockerfile"]).read_text()


def test_what_is_kept_is_in_a_volume(containers: dict[str, Any]) -> None:
    volumes = _file()["volumes"]
    for name, container in containers.items():
        kept = [volume.split(":") for volume in container["volumes"] if not volume.endswith(":ro")]
        assert kept, name
        for source, target in kept:
            assert source in volumes
            assert target == ("/keys" if source.endswith("-keys") else "/data")


def test_every_setting_of_every_program_can_be_set(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        wanted = {prefix(name) + field.upper() for field in SETTINGS[name].model_fields.keys() - OF_THE_IMAGE}
        if name == "llm":
            fields = ProviderSettings.model_fields.keys() - {"name"}
            wanted |= {f"PUPPET_LLM_{provider}_{field}".upper() for provider in PROVIDERS for field in fields}
        assert wanted - container["environment"].keys() == set()
        given = dict.fromkeys(wanted, "given")
        fixed = {f"{prefix(name)}{field}" for field in ("PRINCIPALS", "CREDENTIAL", "HEALTH_PORT")}
        assert {field for field, value in environment_of(container, given).items() if value != "given"} <= fixed


def test_what_is_blank_counts_as_not_set(containers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in SETTINGS.items():
        expected = kind()
        for variable in containers[name]["environment"]:
            monkeypatch.setenv(variable, "")
        assert kind() == expected


@pytest.mark.parametrize("variable", ["PUPPET_TRADING_RPC_URL", "PUPPET_TRADING_JUPITER_URL"])
def test_half_of_solana_is_refused(variable: str, containers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(containers["trading"], {variable: "https://live.example"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="mix Solana with the sandbox"):
        TradingSettings()


def test_solana_is_live_when_both_are_set_and_a_sandbox_when_none_is(
    containers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = {"PUPPET_TRADING_RPC_URL": "https://rpc.example", "PUPPET_TRADING_JUPITER_URL": "https://jup.example"}
    for given, expected in (
        ({}, ("http://sandbox-solana:50062", "http://sandbox-solana:50062/jupiter")),
        (live, ("https://rpc.example", "https://jup.example")),
    ):
        with monkeypatch.context() as patch:
            for name, value in environment_of(containers["trading"], given).items():
                patch.setenv(name, value)
            settings = TradingSettings()
        assert (settings.node_url, settings.aggregator_url) == expected


def test_the_postgres_of_the_profile_is_used_when_it_has_passwords(containers: dict[str, Any]) -> None:
    script = (ROOT / "deploy" / "postgres" / "databases.sh").read_text()
    [named] = re.findall("for service in (.*); do", script)
    for name in named.split():
        secret, url = f"PUPPET_POSTGRES_{name.upper()}_PASSWORD", f"{prefix(name)}DATABASE_URL"
        assert environment_of(containers[name], {})[url] == ""
        assert environment_of(containers[name], {secret: "s"})[url] == f"postgresql+asyncpg://{name}:s@postgres/{name}"
        assert environment_of(containers[name], {secret: "s", url: "postgresql+asyncpg://h/d"})[url].endswith("//h/d")
        assert secret in _file()["services"]["postgres"]["environment"]
        assert containers[name]["depends_on"]["postgres"] == {"condition": "service_healthy", "required": False}


def test_no_container_can_change_its_files_become_somebody_or_take_the_machines_memory() -> None:
    for container in _file()["services"].values():
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert "cap_add" not in container
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert container["mem_limit"]
        assert container["pids_limit"]
        assert not container.get("privileged")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_has_a_base_that_can_be_pinned_and_a_user_without_rights(dockerfile: Path) -> None:
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["ARG BASE=python:3.11-slim", "FROM ${BASE}"]
    assert "USER 10001:10001" in lines


def test_two_containers_share_a_network_only_when_one_calls_the_other() -> None:
    services, networks = _file()["services"], _file()["networks"]
    calls = {("agents", name) for name in SERVICES[1:]} | {(GATEWAY, name) for name in SERVICES}
    calls |= {("memory", "llm"), ("llm", "sandbox-llm"), ("social", "sandbox-x"), ("trading", "sandbox-solana")}
    # Who comes to life by REST gets an account there.
    calls |= {(GATEWAY, "sandbox-x")}
    calls |= {(name, "postgres") for name in SERVICES}
    together = set()
    for network, definition in networks.items():
        inside = [name for name, service in services.items() if network in service.get("networks", [])]
        if definition.get("internal"):
            together |= set(combinations(sorted(inside), 2))
        else:
            # Here nobody reaches another container.
            assert definition["driver_opts"]["com.docker.network.bridge.enable_icc"] == "false"
    assert together == {tuple(sorted(pair)) for pair in calls}
    assert services["principals"]["network_mode"] == "none"


def test_only_those_who_call_third_parties_reach_the_world() -> None:
    services, networks = _file()["services"], _file()["networks"]
    outside = {name for name, service in services.items() if "outside" in service.get("networks", [])}
    assert outside == {"llm", "trading", "social"}
    assert networks["published"]["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
