"""How `up`, the doctor and the containers ask whether something is healthy."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from puppetctl import web
from puppetctl.checks.doctor import doctor
from puppetctl.local.processes import is_healthy, running
from puppetctl.suite import free_ports
from services.runtime.rpc import health
from services.runtime.rpc.probe import is_serving, version_at
from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.settings import ServiceSettings
from services.runtime.version import suite_version
from tests.conftest import ROOT
from tests.integration.puppetctl.programs import standin


@contextlib.asynccontextmanager
async def _nothing(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
    yield []


async def test_a_service_is_healthy_while_it_serves(tmp_path: Path) -> None:
    async with serving("nothing", ServiceSettings(data_dir=tmp_path), _nothing) as address:
        assert await is_healthy(address, "grpc")
        assert await version_at(address) == suite_version()
        assert await _probe(address) == 0
    assert not await is_serving(address)
    assert await version_at(address) == ""
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


async def test_the_doctor_names_what_runs_of_another_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "suite_version", lambda: "0.0.9")
    where = {f"PUPPET_CTL_{name.upper().replace('.', '_')}": f"127.0.0.1:{port}" for name, port in free_ports().items()}
    async with serving("nothing", ServiceSettings(data_dir=tmp_path), _nothing) as address:
        await doctor(tmp_path, where | {"PUPPET_CTL_MEMORY": address}, as_json=True)
    found = {one["subject"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    told = f"healthy at {address}, and of version 0.0.9, while this is {suite_version()}"
    assert (found["memory"]["mark"], found["memory"]["words"]) == ("note", told)


@pytest.mark.parametrize(("serves", "mark"), [(True, "ok"), (False, "note")])
async def test_the_doctor_tells_whether_memories_get_their_vectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, serves: bool, mark: str
) -> None:
    @contextlib.asynccontextmanager
    async def memory(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        lifecycle.health.tell(["embeddings"], serves=serves)
        yield []

    where = {f"PUPPET_CTL_{name.upper().replace('.', '_')}": f"127.0.0.1:{port}" for name, port in free_ports().items()}
    async with serving("nothing", ServiceSettings(data_dir=tmp_path), memory) as address:
        at = where | {"PUPPET_CTL_MEMORY": address}
        await doctor(tmp_path, at, as_json=True)
        assert "vectors of memory" not in capsys.readouterr().out
        await doctor(tmp_path, at | {"PUPPET_MEMORY_EMBEDDINGS": "llm"}, as_json=True)
    found = {one["subject"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["vectors of memory"]["mark"] == mark


async def _probe(address: str) -> int:
    """Ask as the containers do."""
    port = address.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec("bash", str(ROOT / "deploy" / "probe.sh"), "grpc", port)
    return await process.wait()
