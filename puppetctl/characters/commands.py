"""The commands that make, list, start and stop characters."""

import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import grpc
from google.protobuf import json_format

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl import DATA_DIR, web
from puppetctl.characters import versions as persona_versions
from puppetctl.characters.personas import read_personas
from puppetctl.characters.provision import Sandboxes, provision
from puppetctl.clients import Clients, connected, in_words, named_agents, opened, proof_in, targets
from puppetctl.datadir import sandbox_token
from puppetctl.knowledge.reading import named_files
from puppetctl.knowledge.storing import forget_files
from puppetctl.suite import SOLANA, ThirdParty, X, is_live
from puppetctl.terminal.display import open_console
from puppetctl.terminal.errors import with_next
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import Listing, as_object, print_line
from puppetctl.terminal.progress import waiting
from puppetctl.terminal.words import in_short, plain, span, told_of
from puppetctl.wallets import halts
from services.runtime.ids import new_id
from services.runtime.rpc.status import Remote

_OF_ONE = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.PERMISSION_DENIED)
"""Refusals that are about the one character that was named."""


async def apply(files: Sequence[Path], data_dir: Path, *, as_json: bool = False) -> int:
    """Create or change characters; at the sandbox, whose token is in this folder, they get an account and money.

    What is wrong with a file costs that character, and the exit code is 1.
    """
    personas, refused = read_personas(files)
    _tell(refused)
    if personas:
        where = targets(os.environ, data_dir)
        async with connected(where, proof_in(os.environ, data_dir)) as clients:
            token = sandbox_token(X.sandbox, data_dir, os.environ)
            x, solana = await _sandbox(X, where), await _sandbox(SOLANA, where)
            with waiting(f"bringing {len(personas)} to life" if len(personas) > 1 else "bringing it to life"):
                provisioned = await provision(clients, personas, Sandboxes(x, solana, token), update=True)
        for character in provisioned.characters:
            if as_json:
                print_line(asdict(character))
                continue
            words = character.change
            if x is None and not character.handle:
                words += f" without an account: {_no_sandbox(X, where)}"
            if solana is None and character.lamports == 0:
                words += f"; its wallet is empty: {_no_sandbox(SOLANA, where)}"
            words = "; ".join((words, *in_short(character.notices)))
            open_console().print(f"{character.id}: {words}", markup=False, soft_wrap=True)
        _tell(provisioned.refused)
        refused += provisioned.refused
    return 1 if refused else 0


def _tell(errors: Sequence[str]) -> None:
    for words in errors:
        open_console(to_errors=True).print(words, markup=False, soft_wrap=True, style="red")


async def agents(agent_ids: Sequence[str] = (), data_dir: Path = DATA_DIR, *, as_json: bool = False) -> int:
    """Show these characters, or all, with their moods, deeds and plans, and whose trading is halted."""
    feed, notices = Feed(), []
    titles = ("character", "id", "mood", ">posts", ">replies", ">trades", "next")
    listing = Listing(*titles, as_json=as_json, empty="no characters yet: `puppetctl new` makes one")
    async with opened(data_dir) as clients:
        for agent in await named_agents(clients, agent_ids):
            status = await clients.agents.GetAgentStatus(pb.GetAgentStatusRequest(id=agent.id))
            deeds = map(str, (status.post_count, status.reply_count, status.trade_count))
            item = {"id": agent.id, "name": agent.name, **as_object(status)}
            listing.add(item, feed.name(agent.id, agent.name), agent.id, status.mood.label, *deeds, _next(status))
            notices += [f"{agent.id}: {words}" for words in in_short(told_of(status.notices))]
        halted = [] if as_json else await halts.known(clients, agent_ids)
    listing.show()
    if not as_json:
        for words in notices + halted:
            open_console().print(words, markup=False, style="yellow")
    return 0


async def start(agent_ids: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Start these characters, or all."""
    return await _each(agent_ids, data_dir, "started", _start)


async def stop(agent_ids: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Stop these characters, or all: they do nothing by themselves until they are started, through restarts too."""
    return await _each(agent_ids, data_dir, "stopped", _stop)


async def _start(clients: Clients, agent_id: str) -> None:
    await clients.agents.StartAgent(pb.StartAgentRequest(id=agent_id))


async def _stop(clients: Clients, agent_id: str) -> None:
    await clients.agents.StopAgent(pb.StopAgentRequest(id=agent_id))


async def _each(
    agent_ids: Sequence[str], data_dir: Path, done: str, change: Callable[[Clients, str], Awaitable[None]]
) -> int:
    """Change these characters, or all, and say so of each; what is refused costs that one, and the exit code is 1."""
    refused = []
    async with opened(data_dir) as clients:
        for agent_id in dict.fromkeys(agent_ids) or [agent.id for agent in await named_agents(clients, ())]:
            try:
                await change(clients, agent_id)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _OF_ONE:
                    raise
                refused.append(with_next(in_words(error), Remote(error).reason))
            else:
                open_console().print(f"{agent_id}: {done}", markup=False)
    _tell(refused)
    return 1 if refused else 0


async def versions(agent_id: str, data_dir: Path = DATA_DIR, *, as_json: bool = False) -> int:
    """Show the versions of a character's persona, newest first."""
    async with opened(data_dir) as clients:
        async for version in persona_versions.kept(clients, agent_id):
            if as_json:
                print_line(version)
            else:
                words = persona_versions.in_words(version)
                open_console().print(words, markup=False, soft_wrap=True, highlight=False)
    return 0


async def rollback(agent_id: str, version: int, data_dir: Path = DATA_DIR) -> int:
    """Give a character the persona of an earlier version, and let it forget the files that this doesn't name."""
    async with opened(data_dir) as clients:
        request = pb.RollbackPersonaRequest(agent_id=agent_id, version=version, request_id=new_id("rollback"))
        agent = (await clients.agents.RollbackPersona(request)).agent
        words = f"{agent.id}: is as in version {version}, which is version {agent.persona_version} now"
        open_console().print(words, markup=False)
        files = dict.fromkeys(str(name) for _, name in named_files(json_format.MessageToDict(agent.persona)))
        removed, known = await forget_files(clients, agent.id, files)
    told = {
        f"forgets {removed:,} passages of files that this version doesn't name": removed,
        f"knows {_listed(files, known)} as of the last `puppetctl apply` that named it": known,
        f"knows nothing of {_listed(files, files.keys() - known)}, which this version names: "
        f"`puppetctl apply` a persona file that names it": files.keys() - known,
    }
    for words, is_so in told.items():
        if is_so:
            open_console().print(f"{agent.id}: {words}", markup=False, soft_wrap=True)
    return 0


def _listed(files: Iterable[str], those: Collection[str]) -> str:
    return ", ".join(file for file in files if file in those)


async def _sandbox(party: ThirdParty, where: Mapping[str, str]) -> str | None:
    address = where.get(party.sandbox)
    return address if address and not is_live(party, os.environ) and await web.is_well(address) else None


def _no_sandbox(party: ThirdParty, where: Mapping[str, str]) -> str:
    """Return why a character got nothing there: its third party is real, or nobody stands in for it."""
    if is_live(party, os.environ) or party.sandbox not in where:
        return f"{party.name} is live, and nothing is given there"
    return f"no {party.name} sandbox answers at {where[party.sandbox]}"


def _next(status: pb.GetAgentStatusResponse) -> str:
    if not status.is_active:
        return "stopped"
    # It looks for mentions all the time, which would be all that stands here, and for something to think about.
    looks = ("reply", "reflect")
    first = next((action for action in status.schedule if action.behaviour not in looks), None)
    if first is None:
        return "nothing"
    seconds = (first.due_time.ToDatetime(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    name = pb.ActionKind.Name(first.kind).removeprefix("ACTION_KIND_").lower()
    return plain(f"{name} in {span(max(0.0, seconds))}")
