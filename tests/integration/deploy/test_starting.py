"""Every program starts as its image would: its own packages, a user without rights or a home, files it can't change."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from puppetctl.suite import GATEWAY, PRINCIPALS, SERVICES, health_of, prefix
from sandbox.llm.model import REPACKED
from services.runtime.rpc.principals import PrincipalFiles
from tests.conftest import ROOT
from tests.support.compose import containers, environment_of
from tests.support.http import free_port
from tests.support.images import USER, Image, stranger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# The start_period of the compose file.
_START_SECONDS = 60.0

SANDBOXES = ("sandbox.x", "sandbox.solana", "sandbox.llm")


@pytest.fixture
def machine() -> Iterator[Path]:
    """Return a folder that other users may look into, as pytest's own can't be."""
    folder = Path(tempfile.mkdtemp(prefix="puppet-image-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _volume(machine: Path, name: str) -> Path:
    """Return a folder of the program's user, as a volume is."""
    path = machine / name
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(path, USER, USER)
    return path


def _principals(machine: Path) -> Path:
    folder = _volume(machine, "auth")
    PrincipalFiles(folder).prepare(["agents", GATEWAY])
    if os.geteuid() == 0:
        for path in folder.rglob("*"):
            os.chown(path, USER, USER)
    return folder


def _environment(name: str, image: Image, machine: Path, ports: tuple[int, int]) -> dict[str, str]:
    """Return what a container has, with its volumes and ports where they are here."""
    own = prefix(name)
    given = {**image.environment(), **environment_of(containers()[name], {})}
    moved = {"DATA_DIR": _volume(machine, "data"), "KEY_DIR": _volume(machine, "keys")}
    if name in PRINCIPALS:
        auth, who = _principals(machine), GATEWAY if name == GATEWAY else "agents"
        moved |= {"PRINCIPALS": auth / "principals.json", "CREDENTIAL": auth / "credentials" / f"{who}.json"}
    given |= {own + key: str(path) for key, path in moved.items() if own + key in given}
    given |= {f"{own}PORT": str(ports[0]), "PATH": "/usr/bin:/bin", "TMPDIR": str(_volume(machine, "tmp"))}
    if name in SERVICES:
        given[f"{own}HEALTH_PORT"] = str(ports[1])
    if name == "sandbox.llm":
        # The builder packs it beside the packages.
        model = machine / "model.gguf"
        shutil.copyfile(REPACKED, model)
        model.chmod(0o444)
        given[f"{own}MODEL"] = str(model)
    return given


@contextlib.asynccontextmanager
async def _running(
    name: str, machine: Path, environment: dict[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    python, user = stranger()
    module = name if name.startswith("sandbox.") else f"services.{name}"
    with log.open("wb") as output:
        # -S: without the packages that this Python has of its own.
        process = await asyncio.create_subprocess_exec(
            *(python, "-S", "-m", module), env=environment, cwd="/", stdout=output, stderr=output, **user
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _is_well(process: asyncio.subprocess.Process, *arguments: str) -> bool:
    """Ask as the container is asked, until it is well, has ended, or has had its time."""
    until = time.monotonic() + _START_SECONDS
    while process.returncode is None and time.monotonic() < until:
        probe = await asyncio.create_subprocess_exec("bash", str(ROOT / "deploy" / "probe.sh"), *arguments)
        if await probe.wait() == 0:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), 0.1)
    return False


@pytest.mark.parametrize("name", [*PRINCIPALS, *SANDBOXES])
async def test_a_program_starts_serves_and_ends_as_in_its_image(name: str, machine: Path) -> None:
    image = Image(name.partition(".")[0], machine / "image")
    ports = free_port(), free_port()
    environment = _environment(name, image, machine, ports)
    assert "HOME" not in environment
    probe = ("grpc", str(ports[1])) if name in SERVICES else ("http", str(ports[0]), health_of(name))
    log = machine / "log"
    async with _running(name, machine, environment, log) as process:
        assert await _is_well(process, *probe), log.read_text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() in {0, -signal.SIGTERM}, log.read_text()
    assert "Traceback" not in log.read_text()
