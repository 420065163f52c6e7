"""Many characters on all services as processes of their own, each of which may be killed and is started again."""

import asyncio
import contextlib
import copy
import json
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import Sandboxes, provision
from puppetctl.clients import Clients, connected
from puppetctl.datadir import sandbox_token
from puppetctl.local import processes
from puppetctl.local.processes import Child
from puppetctl.suite import SERVICES, Program, free_ports, plan_suite, prefix
from services.runtime.rpc.client import Proof
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from tests.conftest import DATA
from tests.e2e.suite import clean_environment

SPEED = 480.0
"""Two days of the characters are six minutes."""
DRAFT_SECONDS = 60.0
"""How long a draft waits for the person."""
_HEALTHY_SECONDS = 120.0


def personas(count: int) -> list[PersonaFile]:
    """Return characters: a third asks a person first, a third trades, and all of them answer whatever they hear."""
    template = json.loads((DATA / "persona.json").read_text())
    made = []
    for number in range(count):
        persona: dict[str, Any] = copy.deepcopy(template)
        persona |= {"id": f"life-{number}", "name": f"Life {_WORDS[number % len(_WORDS)]} {number}"}
        persona["approval"] = ("none", "posts", "none", "all", "none", "none")[number % 6]
        persona["solana_integration"]["trading_enabled"] = number % 3 == 0
        persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 3, "max_hours_between_posts": 8}
        persona["behavior"]["trading_behavior"]["trading_frequency"] |= {
            "min_hours_between_trades": 6,
            "max_hours_between_trades": 12,
        }
        persona["style_guide"]["formatting"]["capitalization"] = "lowercase"
        made.append(PersonaFile(Path(f"{persona['id']}.json"), persona))
    return made


_WORDS = ("Amber", "Birch", "Cedar", "Dune", "Elm", "Fern", "Gorse", "Heath", "Iris", "Juniper")


class Lives:
    """The processes, by their names; agents may have several."""

    def __init__(self, data: Path, databases: Mapping[str, str], replicas: int) -> None:
        """Take the URLs of the services' databases, none of them for SQLite in the folder."""
        self._data = data
        settings = {f"{prefix(name)}DATABASE_URL": url for name, url in databases.items()}
        environment = (
            clean_environment()
            | settings
            | {
                "PUPPET_LLM_PROVIDERS": "fake",
                "PUPPET_AGENTS_DRAFT_HOURS": str(DRAFT_SECONDS / 3600),
                "PUPPET_AGENTS_EXECUTOR_ID": "agents-1",
            }
        )
        suite = plan_suite(environment, data, free_ports(), SPEED)
        self._programs = [*suite.programs]
        [agents] = [program for program in suite.programs if program.name == "agents"]
        ports = iter(free_ports().values())
        taken = {program.port for program in suite.programs}
        free = (port for port in ports if port not in taken)
        self._programs += [_replica(agents, number, next(free)) for number in range(2, replicas + 1)]
        self._children: dict[str, Child] = {}
        self._starts = 0
        self.told: list[str] = []

    @property
    def victims(self) -> Sequence[str]:
        """What may be killed: everything that is ours."""
        return [name for name in self._children if not name.startswith("sandbox.")]

    @property
    def agents(self) -> Sequence[str]:
        """The replicas of the agents service."""
        return [name for name in self._children if name.startswith("agents")]

    @property
    def proof(self) -> Proof:
        """What its operator proves itself with."""
        return Proof(Credential.read(PrincipalFiles(self._data / "auth").credential_path(OPERATOR)))

    @property
    def x_url(self) -> str:
        """Where the network is."""
        return f"http://{self.address('sandbox.x')}"

    def token(self, name: str) -> str:
        """Return what opens a sandbox's own routes."""
        return sandbox_token(name, self._data, {})

    def address(self, name: str) -> str:
        """Return where a program listens."""
        return self._children[name].program.address

    def clients(self, agents: str = "agents") -> contextlib.AbstractAsyncContextManager[Clients]:
        """Connect to the services, and to this replica of agents."""
        where = {name: self.address(name) for name in SERVICES} | {"agents": self.address(agents)}
        return connected(where, self.proof)

    @contextlib.asynccontextmanager
    async def running(self, count: int) -> AsyncIterator[None]:
        """Run everything, with so many characters, until the block ends."""
        PrincipalFiles(self._data / "auth").prepare(SERVICES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(processes, "_BACKOFF_SECONDS", (0.05,))
            async with processes.running(self._programs, self._data / "logs", self._tell) as children:
                self._children = {child.program.name: child for child in children}
                await asyncio.gather(*(child.wait_healthy() for child in children))
                async with self.clients() as clients:
                    at = Sandboxes(self.address("sandbox.x"), self.address("sandbox.solana"), self.token("sandbox.x"))
                    provisioned = await provision(clients, personas(count), at)
                assert provisioned.refused == [], "\n".join(provisioned.refused)
                yield

    def kill(self, name: str) -> None:
        """Kill a program; the last replica of agents comes back under another name, as pods do."""
        child = self._children[name]
        if name == self.agents[-1] != "agents":
            self._starts += 1
            named = {"PUPPET_AGENTS_EXECUTOR_ID": f"pod-{self._starts}"}
            child.program = replace(child.program, environment={**child.program.environment, **named})
        child.send(signal.SIGKILL)

    def pause(self, name: str, number: signal.Signals) -> None:
        """Freeze a program, or let it go on."""
        self._children[name].send(number)

    async def are_healthy(self) -> None:
        """Wait until every program serves."""
        async with asyncio.timeout(_HEALTHY_SECONDS):
            for child in self._children.values():
                while not (  # noqa: ASYNC110
                    child.pid and await processes.is_healthy(child.program.address, child.program.health)
                ):
                    await asyncio.sleep(0.05)

    def logged(self, words: str) -> list[str]:
        """Return the lines of all logs that contain this."""
        logs = sorted((self._data / "logs").glob("*.log*"))
        return [line for log in logs for line in log.read_text(errors="replace").splitlines() if words in line]

    def _tell(self, name: str, words: str) -> None:
        self.told.append(f"{name} {words}")


def _replica(agents: Program, number: int, port: int) -> Program:
    own = {"PUPPET_AGENTS_PORT": str(port), "PUPPET_AGENTS_EXECUTOR_ID": f"agents-{number}"}
    environment = {**agents.environment, **own}
    environment.pop("PUPPET_AGENTS_SOCKET", None)
    return replace(agents, name=f"agents-{number}", port=port, environment=environment)
