"""How `up`, the doctor and the containers ask whether something is healthy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from puppetctl import web
from puppetctl.local.processes import is_healthy, running
from services.runtime.rpc.probe import is_serving
from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.settings import ServiceSettings
from tests.conftest import ROOT
from tests.integration.puppetctl.programs import standin


@contextlib.asynccontextmanager
async def _nothing(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
    yield []


async def test_a_service_is_healthy_while_it_serves(tmp_path: Path) -> None:
    async with serving("nothing", ServiceSettings(data_dir=tmp_path), _nothing) as address:
        assert await is_healthy(address, "grpc")
        assert await _probe(address) == 0
    assert not await is_serving(address)
    assert not await is_healthy(address, "grpc")
    assert await _probe(address) == 1


async def test_what_answers_otherwise_is_not_healthy(tmp_path: Path) -> None:
    async with running([standin("one")], tmp_path, lambda *_: None) as [child]:
        await child.wait_healthy()
        assert await is_healthy(child.program.address, "/_sandbox/health")
        assert not await is_serving(child.program.address, timeout_seconds=0.3)
        url = f"http://{child.program.address}"
        assert await web.post(f"{url}/echo", {"a": [1]}) == {"a": [1]}
        with pytest.raises(web.WebError, match="refused"):
            await web.get(f"{url}/missing")
        with pytest.raises(web.WebError, match="did not answer"):
            await web.get(f"{url}/no-json")


async def _probe(address: str) -> int:
    """Ask as the containers do."""
    port = address.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec("bash", str(ROOT / "deploy" / "probe.sh"), "grpc", port)
    return await process.wait()
