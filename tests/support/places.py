"""Places where characters live: the five services as they really are, on a folder of their own, one place at a time."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from puppetctl.clients import Clients, connected
from services.agents.bootstrap import opener as open_agents
from services.agents.settings import AgentsSettings
from services.llm.bootstrap import opener as open_llm
from services.llm.settings import LlmSettings, read_provider
from services.memory.bootstrap import opener as open_memory
from services.memory.settings import MemorySettings
from services.runtime.rpc.client import Proof
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import serving
from services.social.bootstrap import opener as open_social
from services.social.settings import SocialSettings
from services.trading.bootstrap import opener as open_trading
from services.trading.settings import TradingSettings

SERVICES = ("agents", "memory", "llm", "trading", "social")


@dataclass(frozen=True)
class Outside:
    """The world that all places share."""

    x_url: str
    chain_url: str


@contextlib.asynccontextmanager
async def place(folder: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """Run the five services on a folder, and let the command line find them."""
    files = PrincipalFiles(folder / "auth")
    if not files.registry.exists():
        files.prepare(SERVICES)
    here: Any = {"port": 0, "data_dir": folder, "drain_seconds": 0.2}
    memory = MemorySettings(**here)
    llm = LlmSettings(**here, providers=(read_provider("fake"),))
    trading = TradingSettings(**here, rpc_url=outside.chain_url, jupiter_url=f"{outside.chain_url}/jupiter")
    social = SocialSettings(**here, x_base_url=outside.x_url, visibility_seconds=0.3)
    openers: list[tuple[str, Any, Any]] = [
        ("memory", memory, open_memory(memory)),
        ("llm", llm, open_llm(llm)),
        ("trading", trading, open_trading(trading)),
        ("social", social, open_social(social)),
    ]
    async with contextlib.AsyncExitStack() as stack:
        where = {}
        for name, settings, opener in openers:
            where[name] = await stack.enter_async_context(serving(name, settings, opener))
        targets: Any = {f"{name}_target": address for name, address in where.items()}
        agents = AgentsSettings(**here, **targets, speed=1e-6, poll_seconds=0.05)
        where["agents"] = await stack.enter_async_context(serving("agents", agents, open_agents(agents)))
        for name, address in where.items():
            monkeypatch.setenv(f"PUPPET_CTL_{name.upper()}", address)
        credential = files.credential_path(OPERATOR)
        monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(credential))
        yield await stack.enter_async_context(connected(where, Proof(Credential.read(credential))))
