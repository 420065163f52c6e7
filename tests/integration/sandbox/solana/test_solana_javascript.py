"""The two client libraries that most of Solana's users have, unchanged, against the sandbox.

Without Node, or where their packages can't be had, these tests are left out, and say so.
"""

import asyncio
import hashlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from tests.integration.sandbox.solana.conftest import SOL, USDC
from tests.support.http import listening

CLIENTS = Path(__file__).with_name("clients")
KEPT = Path("var") / "test-clients"
"""Where the packages stay from one run to the next."""

_INSTALL = ("ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
_SECONDS = 120.0


async def run(*command: str, cwd: Path) -> tuple[int, str, str]:
    """Run a command, and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, complained = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return -1, "", "it takes too long"
    return process.returncode or 0, said.decode(), complained.decode()


@pytest.fixture
async def clients() -> Path:
    """Return a folder with the scripts and the packages that they need."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("left out: there is no Node here")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    folder = (KEPT / hashlib.sha256(lock).hexdigest()[:16]).resolve()
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(CLIENTS / name, folder)
        code, _said, complained = await run(npm, *_INSTALL, cwd=folder)
        if code:
            pytest.skip(f"left out: npm can't install the clients ({complained.strip()[-200:]})")
        (folder / "installed").touch()
    for script in CLIENTS.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    # Two slots in a tenth of a second: what waits for a confirmation waits no longer than that.
    app = create_app(SolanaSandboxSettings(data_dir=tmp_path, slot_seconds=0.05))
    async with listening(app) as url:
        yield url


async def found_by(script: str, clients: Path, url: str) -> dict[str, Any]:
    """Return what a script found."""
    code, said, complained = await run("node", script, url, url.replace("http", "ws"), USDC, cwd=clients)
    assert code == 0, complained
    found: dict[str, Any] = json.loads(said)
    return found


async def test_web3js_confirms_over_a_websocket_and_uses_lookup_tables(clients: Path, url: str) -> None:
    found = await found_by("web3.mjs", clients, url)
    assert (found["told"], found["balance"]) == (SOL + 1_000, SOL + 1_000)
    assert found["loaded"] == [found["receiver"]]
    assert found["sources"][-1] == "lookupTable"
    assert "custom program error: 0x1" in found["refused"]
    assert (found["history"], found["blocks"], found["epoch"], found["fees"]) == (4, 3, 432_000, True)
    assert abs(found["time"] - time.time()) < 600
    assert found["held"] == found["holders"] > 0


async def test_kit_confirms_over_a_websocket_and_knows_the_errors(clients: Path, url: str) -> None:
    found = await found_by("kit.mjs", clients, url)
    assert (found["balance"], found["fee"]) == (SOL, 5_000)
    assert (found["refused"], found["behind"]) == (-32002, -32016)
    assert (found["encoding"], found["blocks"], found["epoch"]) == ("base64+zstd", 1, 432_000)
    assert abs(found["time"] - time.time()) < 600
    assert found["holders"] > 0
