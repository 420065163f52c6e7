"""`puppetctl backup`: each service exports what it owns of a character, and here it is put together in one file."""

import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from rich.text import Text

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import DATA_DIR
from puppetctl.archives import file
from puppetctl.archives.file import (
    ACCOUNT,
    AGENT,
    BUDGET,
    MEMORIES,
    RELATIONSHIPS,
    WALLET,
    Character,
    Manifest,
    Section,
)
from puppetctl.archives.secrets import ask, new_key
from puppetctl.clients import Clients, find_agent, list_agents, opened
from puppetctl.files import check_free
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from puppetctl.terminal.progress import steps
from services.runtime.ids import new_id

LONG_SECONDS = 600.0
"""How long a service may take for what it has of one character."""


async def backup(
    agent_ids: Sequence[str],
    output: Path,
    data_dir: Path = DATA_DIR,
    *,
    with_secrets: bool = False,
    force: bool = False,
) -> int:
    """Write these characters, or all, to a file. Raises SuiteError, where one is there unless it is forced."""
    check_free(output, force=force)
    async with opened(data_dir) as clients:
        await back_up(clients, agent_ids, output, os.environ, with_secrets=with_secrets, force=force)
    return 0


async def back_up(
    clients: Clients,
    agent_ids: Sequence[str],
    output: Path,
    environment: Mapping[str, str],
    *,
    with_secrets: bool,
    force: bool,
) -> None:
    """Write these characters, or all, to a file, and say so. Raises SuiteError."""
    agents = [await _agent(clients, agent_id) for agent_id in dict.fromkeys(agent_ids)] or await list_agents(clients)
    derivation, key = new_key(ask(environment, is_new=True)) if with_secrets else (None, "")
    manifest = Manifest(
        new_id("arc"), file.now(), version("puppet-engine"), not agent_ids, derivation.told() if derivation else None
    )
    console = open_console()
    with file.writing(output, manifest, force=force) as writer, steps("writing", len(agents)) as bar:
        for agent in agents:
            bar.say(f"writing {agent.id}")
            sections: dict[str, Section] = {}
            # What agents have comes first: what is done meanwhile, the others know, and it isn't done twice.
            for name, rows in _exports(clients, agent, key):
                with writer.section(name, sections) as lines:
                    async for row in rows:
                        lines.write(_line(row))
            manifest.characters.append(Character(agent.id, agent.name, agent.is_active, sections))
            console.print(Text(f"{agent.id}: written; records of {_counted(sections)}"))
            bar.done()
    what = "the whole suite" if manifest.is_suite else ", ".join(agent.id for agent in agents)
    secrets = "with secrets" if with_secrets else "without secrets"
    console.print(Text(f"{what} in {output}, {secrets}"), soft_wrap=True)


async def _agent(clients: Clients, agent_id: str) -> pb.Agent:
    if (agent := await find_agent(clients, agent_id)) is None:
        raise SuiteError(f"there is no agent {agent_id!r}")
    return agent


def _exports(clients: Clients, agent: pb.Agent, key: str) -> list[tuple[str, AsyncIterable[Any]]]:
    account = social_pb.ExportAccountRequest(agent_id=agent.id, sealing_key=key)
    wallet = trading_pb.ExportWalletRequest(agent_id=agent.id, sealing_key=key)
    relationships = relationship_pb.ExportRelationshipsRequest(agent_id=agent.id)
    memories = memory_pb.ExportMemoriesRequest(agent_id=agent.id)
    return [
        (AGENT, clients.agents.ExportAgent(pb.ExportAgentRequest(agent_id=agent.id), timeout=LONG_SECONDS)),
        (BUDGET, _limits(clients, agent.id)),
        # Where it has none, there may be no such service either.
        (ACCOUNT, clients.social.ExportAccount(account, timeout=LONG_SECONDS) if agent.account_id else _nothing()),
        (WALLET, clients.trading.ExportWallet(wallet, timeout=LONG_SECONDS) if agent.wallet_id else _nothing()),
        (RELATIONSHIPS, clients.relationships.ExportRelationships(relationships, timeout=LONG_SECONDS)),
        (MEMORIES, clients.memory.ExportMemories(memories, timeout=LONG_SECONDS)),
    ]


async def _limits(clients: Clients, agent_id: str) -> AsyncIterator[llm_pb.SetBudgetRequest]:
    """Yield what sets the limits of its budget again, if it has any."""
    budget = (await clients.llm.GetBudget(llm_pb.GetBudgetRequest(agent_id=agent_id))).budget
    tokens = budget.tokens_per_day if budget.HasField("tokens_per_day") else None
    if budget.usd_per_day or tokens is not None:
        yield llm_pb.SetBudgetRequest(agent_id=agent_id, usd_per_day=budget.usd_per_day, tokens_per_day=tokens)


async def _nothing() -> AsyncIterator[Any]:
    rows: tuple[Any, ...] = ()
    for row in rows:
        yield row


def _line(row: Any) -> str:
    if isinstance(row, memory_pb.ExportMemoriesResponse):
        row.ClearField("cursor")
    return json.dumps(json_format.MessageToDict(row), sort_keys=True)


def _counted(sections: Mapping[str, Section]) -> str:
    return ", ".join(f"{name} {section.lines:,}" for name, section in sections.items() if section.lines)
