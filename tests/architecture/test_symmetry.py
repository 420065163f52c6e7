"""The five services have the same rooms, so that a reader who knows one knows all."""

import ast
import importlib

import pytest

from tests.architecture.rooms import SERVICES, folder_of
from tests.conftest import ROOT

ROOMS = (
    "README.md",
    "Dockerfile",
    "__init__.py",
    "__main__.py",
    "adapters/__init__.py",
    "bootstrap.py",
    "domain.py",
    "ports.py",
    "service.py",
    "servicer.py",
    "settings.py",
    "wire.py",
)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_every_room(service: str) -> None:
    folder = folder_of(service)
    # A room that outgrows a file is a package of the same name.
    missing = [
        room for room in ROOMS if not (folder / room).exists() and not (folder / room.removesuffix(".py")).is_dir()
    ]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_keeps_data_migrates_it(service: str) -> None:
    folder = folder_of(service)
    keeps_data = any((folder / "adapters" / name).exists() for name in ("sql.py", "sql"))
    assert keeps_data == (folder / "migrations" / "0001_initial.py").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_alone_and_in_the_same_way(service: str) -> None:
    tree = ast.parse((folder_of(service) / "__main__.py").read_text())
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {
        f"services.{service}.bootstrap",
        f"services.{service}.settings",
        "services.runtime.rpc.server",
    }


def test_every_service_has_its_own_port_prefix_and_lock() -> None:
    ports = {}
    for service in SERVICES:
        module = importlib.import_module(f"services.{service}.settings")
        settings = getattr(module, f"{service.title()}Settings")
        assert settings.model_config["env_prefix"] == f"PUPPET_{service.upper()}_"
        ports[service] = settings.model_fields["port"].default
        assert (ROOT / "requirements" / f"{service}.txt").exists()
    assert ports == {"agents": 50051, "memory": 50052, "llm": 50053, "trading": 50054, "social": 50055}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "services").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_file_can_be_read_in_one_sitting(path: object) -> None:
    lines = path.read_text().count("\n")  # type: ignore[attr-defined]
    assert lines <= 450, f"{lines} lines: split it by sense"
