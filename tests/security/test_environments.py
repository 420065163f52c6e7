"""What real child processes can read of secrets that are not theirs."""

import os
from pathlib import Path

import psutil
import pytest

from puppetctl.processes import Child, running
from puppetctl.suite import DEFAULT_PORTS, SERVICES, free_ports, plan_suite, prefix
from services.runtime.rpc.principals import PrincipalFiles

SECRET = "a secret of "  # noqa: S105


def planted() -> dict[str, str]:
    """Return an environment with a secret of each program, and with some of the user's own."""
    own = {f"{prefix(name)}PLANTED": SECRET + name for name in DEFAULT_PORTS}
    shell = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "PGPASSWORD"), f"{SECRET}the shell")
    return {**os.environ, **own, **shell}


def secrets_of(process: psutil.Process) -> set[str]:
    return {value for value in process.environ().values() if value.startswith(SECRET)}


@pytest.mark.slow
async def test_each_process_and_its_children_see_their_own_secrets_only(
    tmp_path: Path,
) -> None:
    PrincipalFiles(tmp_path / "auth").prepare(SERVICES)
    programs = plan_suite(planted(), tmp_path, free_ports()).programs
    async with running(programs, tmp_path / "logs", lambda *_: None) as children:
        for child in children:
            await child.wait_healthy()
            assert secrets_of(psutil.Process(child.pid)) == {SECRET + child.program.name}
        [index] = psutil.Process(_pid(children, "memory")).children()
        assert "chroma" in " ".join(index.cmdline())
        assert secrets_of(index) == set()
        assert not any(name.startswith("PUPPET_") for name in index.environ())


def _pid(children: list[Child], name: str) -> int:
    return next(child.pid for child in children if child.program.name == name)
