"""The import rules of the house, and what an import may not do."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime.environment import inherited
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


# What isn't needed at a first start and while nothing happens, by service.
IDLE = {
    "agents": (
        *("bcrypt", "click", "feedparser", "httpx2", "msgpack", "psycopg", "sentencex", "snowballstemmer"),
        *("wordfreq", "yaml"),
    ),
    "llm": ("genai_prices", "openai"),
    "memory": ("chromadb", "numpy", "requests", "tokenizers", "wordllama"),
    "social": ("aiohttp", "oauthlib", "requests", "tweepy"),
    "trading": ("anyio", "httpx2", "solders"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_starts_on_empty_data_loads_no_more_than_it_needs(service: str, tmp_path: Path) -> None:
    unneeded = ("alembic", "jwt", *IDLE[service])
    code = f"""
import asyncio, sys
from services.{service}.bootstrap import opener
from services.{service}.settings import {service.capitalize()}Settings as Settings
from services.runtime.rpc.server import serving

async def main():
    settings = Settings(port=0, data_dir={str(tmp_path)!r})
    async with serving({service!r}, settings, opener(settings)):
        print([name for name in {unneeded!r} if name in sys.modules])

asyncio.run(main())
"""
    environment = inherited(os.environ) | {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PUPPET_TRADING_RPC_URL": "http://127.0.0.1:1",
        "PUPPET_TRADING_JUPITER_URL": "http://127.0.0.1:1/jupiter",
        "PUPPET_TRADING_BIRDEYE_URL": "http://127.0.0.1:1/birdeye",
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_speaks_to_x_guesses_no_encodings() -> None:
    code = "import services.social.adapters.x.client, sys; print({'chardet', 'charset_normalizer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


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
