"""The manifests for Kubernetes: valid, in the words of the settings, and as closed as the compose file."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from puppetctl.suite import DEFAULT_PORTS, GATEWAY, PRINCIPALS, SERVICES, prefix
from tests.conftest import ROOT
from tests.support.settings import SETTINGS

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
CALLS = (
    {("agents", name) for name in SERVICES[1:]}
    | {(GATEWAY, name) for name in SERVICES}
    | {
        ("memory", "llm"),
        ("llm", "sandbox-llm"),
        ("social", "sandbox-x"),
        ("trading", "sandbox-solana"),
    }
)


def _objects(kind: str = "") -> Iterator[dict[str, Any]]:
    for path in FILES:
        for item in yaml.safe_load_all(path.read_text()):
            if not kind or item["kind"] == kind:
                yield item


WORKLOADS = {item["metadata"]["name"]: item for kind in ("StatefulSet", "Deployment") for item in _objects(kind)}


def _pod(name: str) -> dict[str, Any]:
    pod: dict[str, Any] = WORKLOADS[name]["spec"]["template"]["spec"]
    return pod


def _container(name: str) -> dict[str, Any]:
    [container] = _pod(name)["containers"]
    assert isinstance(container, dict)
    return container


def _names(selector: dict[str, Any]) -> set[str]:
    """Return the names of the pods that a selector takes."""
    if name := selector.get("matchLabels", {}).get("app.kubernetes.io/name"):
        return {name}
    if expressions := selector.get("matchExpressions"):
        return set(expressions[0]["values"])
    return set()


def validate(item: dict[str, Any]) -> None:
    """Raise ValueError for an object that doesn't follow the schema of its kind."""
    # Imported here: with its formats it takes seconds, which each worker would spend on collecting.
    import kubernetes_validate

    try:
        kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        raise ValueError(str(error)) from None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_object_follows_the_schema(path: Path) -> None:
    for item in yaml.safe_load_all(path.read_text()):
        validate(item)


def test_a_field_that_is_none_is_seen() -> None:
    wrong = next(_objects("Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(ValueError, match="readynessProbe"):
        validate(wrong)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not here")
@pytest.mark.parametrize("overlay", ["base", "sandbox"])
def test_kustomize_takes_them(overlay: str) -> None:
    made = subprocess.run(["kubectl", "kustomize", FOLDER / overlay], capture_output=True, text=True, check=True)  # noqa: S607
    objects = list(yaml.safe_load_all(made.stdout))
    assert {item["metadata"]["name"] for item in objects} >= set(PRINCIPALS)
    for item in objects:
        validate(item)
        assert item["kind"] == "Namespace" or item["metadata"]["namespace"] == "puppet-engine"


def test_every_file_is_named_by_its_kustomization() -> None:
    for folder in {path.parent for path in FILES}:
        named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        assert {path.name for path in FILES if path.parent == folder} == {name for name in named if "/" not in name}


def test_every_program_runs_and_its_port_is_that_of_its_settings() -> None:
    programs = {name.replace(".", "-"): port for name, port in DEFAULT_PORTS.items()}
    assert WORKLOADS.keys() == programs.keys()
    ports = {item["metadata"]["name"]: item["spec"]["ports"][0]["port"] for item in _objects("Service")}
    for name, port in programs.items():
        assert _container(name)["ports"][0]["containerPort"] == port
        assert ports[name] == port


@pytest.mark.parametrize("name", WORKLOADS)
def test_only_settings_are_set(name: str) -> None:
    program = name.replace("-", ".")
    kind: type[BaseSettings] = SETTINGS[program]
    known = {prefix(program) + field.upper() for field in kind.model_fields}
    assert {item["name"] for item in _container(name)["env"]} <= known
    # What else is wanted is in a secret of the user's.
    assert _container(name)["envFrom"] == [{"secretRef": {"name": f"{name}-settings", "optional": True}}]


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_has_no_rights(name: str) -> None:
    pod, container = _pod(name), _container(name)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_asked_by_grpc_on_the_port_for_probes_and_give_way_one_by_one(name: str) -> None:
    container = _container(name)
    given = {item["name"]: item.get("value") for item in container["env"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"] == {"port": int(given[f"{prefix(name)}HEALTH_PORT"] or 0)}
    [budget] = [item for item in _objects("PodDisruptionBudget") if item["metadata"]["name"] == name]
    assert budget["spec"]["selector"] == WORKLOADS[name]["spec"]["selector"]
    assert budget["spec"]["maxUnavailable"] == 1


def test_the_gateway_is_asked_by_a_name_that_it_has() -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = _container(GATEWAY)[probe]["httpGet"]
        assert (asked["path"], asked["httpHeaders"]) == ("/health", [{"name": "Host", "value": "localhost"}])


def test_replicas_of_agents_are_named_after_their_pods_for_ever() -> None:
    assert WORKLOADS["agents"]["kind"] == "StatefulSet"
    [executor] = [item for item in _container("agents")["env"] if item["name"] == "PUPPET_AGENTS_EXECUTOR_ID"]
    assert executor["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    headless = [item for item in _objects("Service") if item["spec"].get("clusterIP") == "None"]
    governed = {item["spec"]["serviceName"] for item in WORKLOADS.values() if item["kind"] == "StatefulSet"}
    assert {item["metadata"]["name"] for item in headless} == governed


def test_secrets_are_named_and_never_written_down() -> None:
    assert not list(_objects("Secret"))
    for name in ("trading", "social"):
        [key] = [item for item in _container(name)["env"] if item["name"] == f"{prefix(name)}KEYSTORE_KEY"]
        assert key["valueFrom"]["secretKeyRef"] == {"name": f"{name}-key", "key": "key"}
    explained = (FOLDER / "README.md").read_text()
    for name in ("principals", "$one-credential", "$one-key", "$one-database"):
        assert f" {name} " in explained


def test_a_pod_reaches_and_is_reached_by_whom_it_calls() -> None:
    reaching, reached = set(), set()
    for policy in _objects("NetworkPolicy"):
        spec = policy["spec"]
        for rule in spec.get("egress", []):
            for peer in rule.get("to", []):
                for callee in _names(peer.get("podSelector", {})):
                    reaching |= {(caller, callee) for caller in _names(spec["podSelector"])}
        for rule in spec.get("ingress", []):
            for peer in rule["from"]:
                for caller in _names(peer.get("podSelector", {})):
                    reached |= {(caller, callee) for callee in _names(spec["podSelector"])}
    assert reaching == reached == CALLS


def test_everything_else_is_refused() -> None:
    [nobody] = [item["spec"] for item in _objects("NetworkPolicy") if item["metadata"]["name"] == "nobody"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    outside = [item for item in _objects("NetworkPolicy") if item["metadata"]["name"] == "outside"]
    assert _names(outside[0]["spec"]["podSelector"]) == {"agents", "llm", "trading", "social"}
