"""Starts the production services for a rehearsal: in a folder of their own, against the sandbox."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from puppetctl.characters.provision import Sandboxes
from puppetctl.clients import Clients, connected, proof_in
from puppetctl.datadir import locked, sandbox_token
from puppetctl.local import model
from puppetctl.local.processes import Child, Notice, running
from puppetctl.rehearsal.isolation import isolated
from puppetctl.rehearsal.plan import Plan, Progress
from puppetctl.suite import SERVICES, Suite, free_ports, plan_suite, socket_of
from services.runtime.rpc.client import UNIX
from services.runtime.rpc.principals import PrincipalFiles

_STILL = 1e-3
"""A speed at which no character comes to do anything of its own accord."""


@dataclass(frozen=True, slots=True)
class Host:
    """The services of a rehearsal, while they run."""

    folder: Path
    suite: Suite
    children: Mapping[str, Child]
    clients: Clients

    async def ready(self) -> None:
        """Return when all of them are healthy."""
        await asyncio.gather(*(child.wait_healthy() for child in self.children.values()))

    @property
    def speed(self) -> float:
        """How many hours of the characters pass in one of ours, at the beginning."""
        return self.suite.speed

    @property
    def x(self) -> str:
        """Where the sandbox's network listens."""
        return self.suite.address("sandbox.x") or ""

    @property
    def x_token(self) -> str:
        """What opens the network's own routes."""
        return sandbox_token("sandbox.x", self.folder, {})

    @property
    def sandboxes(self) -> Sandboxes:
        """Where characters get their accounts and their money."""
        return Sandboxes(self.x, self.suite.address("sandbox.solana"), self.x_token)


@contextlib.asynccontextmanager
async def hosted(plan: Plan, environment: Mapping[str, str], progress: Progress, notice: Notice) -> AsyncIterator[Host]:
    """Run the services until the block ends; `notice` is told what becomes of them. Raises SuiteError."""
    async with _folder(plan.folder) as folder:
        given = model.with_model(environment, plan.model)
        own = isolated(given, folder, plan.provider, plan.speed, is_alone=plan.is_alone)
        suite = plan_suite(own, folder, free_ports(), speed=_STILL if plan.days is None else 1.0)
        await model.prepare(own, suite, progress)
        with locked(folder) as lock:
            PrincipalFiles(folder / "auth").prepare(SERVICES)
            async with running(suite.programs, folder / "logs", notice, inherited=[lock]) as children:
                progress(f"starting {len(children)} processes")
                where = {child.program.name: child.program.address for child in children}
                where |= {name: f"{UNIX}{path}" for name in SERVICES if (path := socket_of(name, folder))}
                async with connected(where, proof_in({}, folder)) as clients:
                    yield Host(folder, suite, {child.program.name: child for child in children}, clients)


@contextlib.asynccontextmanager
async def _folder(given: Path | None) -> AsyncIterator[Path]:
    """Yield the folder of a rehearsal; one that wasn't given is gone afterwards."""
    if given is not None:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="puppet-rehearsal-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
