"""The import rules of the house, and what an import may not do."""

import ast
import importlib
import subprocess
import sys

import pytest

from tests.architecture.rooms import SERVICES, modules_of
from tests.conftest import ROOT

# Importing one of these must not open a file, a socket or an engine, and must not bring in what only an adapter needs.
PURE_ROOMS = ("domain", "ports", "service", "settings")
HEAVY = ("chromadb", "dbos", "grpc", "openai", "solana", "solders", "tweepy", "wordllama")


def test_the_import_contracts_are_kept() -> None:
    # In a process of its own: the linter switches off the logs of whatever was imported before.
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_of_the_contracts_the_runtime_knows_only_their_options() -> None:
    imported = {
        name
        for path in (ROOT / "services" / "runtime").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        if name.split(".")[0] == "puppet"
    }
    assert imported == {"puppet.options.v1"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_rooms_above_the_adapters_need_no_vendor_library(service: str) -> None:
    modules = [f"services.{service}.{room}" for room in PURE_ROOMS]
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {modules!r}]; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("service", SERVICES)
def test_importing_a_service_opens_and_starts_nothing(service: str) -> None:
    names = [name for name in modules_of(service) if not name.endswith("__main__")]
    code = f"""
import sys, importlib, threading
opened = []
# urllib3 asks at its import whether IPv6 works, by a bind that it undoes at once.
sys.addaudithook(lambda event, args: opened.append((event, args[0]))
                 if (event in ("socket.bind", "socket.connect") and args[1][:2] != ("::1", 0))
                 or (event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")) else None)
for name in {names!r}:
    importlib.import_module(name)
print([item for item in opened if ".pyc" not in str(item[1])], [t.name for t in threading.enumerate()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[] ['MainThread']"


@pytest.mark.parametrize("service", SERVICES)
def test_wire_and_servicer_know_only_their_own_protos(service: str) -> None:
    for room in ("wire", "servicer"):
        module = importlib.import_module(f"services.{service}.{room}")
        foreign = {
            name
            for value in vars(module).values()
            if (name := getattr(value, "__name__", "")).startswith("puppet.")
            and not name.startswith(f"puppet.{service}.")
        }
        assert foreign == set()
