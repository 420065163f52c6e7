"""The commands that talk to a suite that runs, here or elsewhere."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
from rich.box import SIMPLE_HEAD
from rich.table import Table

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import DATA_DIR, web
from puppetctl.characters import versions as persona_versions
from puppetctl.characters.personas import read_personas
from puppetctl.characters.provision import Sandboxes, provision
from puppetctl.clients import Clients, connected, in_words, list_agents, proof_in, targets, wallet_of
from puppetctl.clients import watch as watch_activity
from puppetctl.datadir import sandbox_token
from puppetctl.suite import SOLANA, SuiteError, ThirdParty, X, is_live
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed, in_short, plain, told_of
from puppetctl.wallets import halts
from services.runtime.ids import new_id

# How long a model on a small machine may take for a post, and a chain for a trade.
_TRIGGER_SECONDS = 180.0

NOTHING_DONE, STILL_AT_WORK = 3, 4
"""The exit codes of a trigger after which nothing was published or traded, for a reason or as yet."""


async def apply(files: Sequence[Path], data_dir: Path) -> int:
    """Create or change characters; at the sandbox, whose token is in this folder, they get an account and money.

    What is wrong with a file costs that character, and the exit code is 1.
    """
    personas, refused = read_personas(files)
    _tell(refused)
    if personas:
        async with open_suite(data_dir) as (clients, where):
            token = sandbox_token(X.sandbox, data_dir, os.environ)
            x, solana = await _sandbox(X, where), await _sandbox(SOLANA, where)
            provisioned = await provision(clients, personas, Sandboxes(x, solana, token), update=True)
        for character in provisioned.characters:
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


async def agents(agent_ids: Sequence[str] = (), data_dir: Path = DATA_DIR) -> int:
    """Show these characters, or all, with their moods, deeds and plans, and whose trading is halted."""
    console, feed = open_console(), Feed()
    table = Table("character", "id", "mood", box=SIMPLE_HEAD, pad_edge=False)
    notices: list[str] = []
    for title in ("posts", "replies", "trades"):
        table.add_column(title, justify="right")
    table.add_column("next")
    async with open_suite(data_dir) as (clients, _):
        for agent in await _named(clients, agent_ids):
            status = await clients.agents.GetAgentStatus(pb.GetAgentStatusRequest(id=agent.id))
            deeds = map(str, (status.post_count, status.reply_count, status.trade_count))
            table.add_row(feed.name(agent.id, agent.name), agent.id, status.mood.label, *deeds, _next(status))
            notices += [f"{agent.id}: {words}" for words in in_short(told_of(status.notices))]
        halted = await halts.known(clients, agent_ids)
    console.print(table if table.row_count else "no characters yet: `puppetctl apply FILE` makes one")
    for words in notices + halted:
        console.print(words, markup=False, style="yellow")
    return 0


async def start(agent_ids: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Start these characters, or all."""
    async with open_suite(data_dir) as (clients, _):
        for agent in await _named(clients, agent_ids):
            await clients.agents.StartAgent(pb.StartAgentRequest(id=agent.id))
            open_console().print(f"{agent.id}: started", markup=False)
    return 0


async def stop(agent_ids: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Stop these characters, or all: they do nothing by themselves until they are started, through restarts too."""
    async with open_suite(data_dir) as (clients, _):
        for agent in await _named(clients, agent_ids):
            await clients.agents.StopAgent(pb.StopAgentRequest(id=agent.id))
            open_console().print(f"{agent.id}: stopped", markup=False)
    return 0


async def post(agent_id: str, topic: str, data_dir: Path = DATA_DIR) -> int:
    """Let a character post, and show what came of it."""
    async with open_suite(data_dir) as (clients, _):
        request = pb.TriggerPostRequest(agent_id=agent_id, topic=topic, request_id=new_id("ctl"))
        answer = await clients.agents.TriggerPost(request, timeout=_TRIGGER_SECONDS)
        return _outcome(answer.activity if answer.HasField("activity") else None)


async def trade(agent_id: str, data_dir: Path = DATA_DIR) -> int:
    """Let a character consider a trade, and show what came of it."""
    async with open_suite(data_dir) as (clients, _):
        request = pb.TriggerTradeRequest(agent_id=agent_id, request_id=new_id("ctl"))
        answer = await clients.agents.TriggerTrade(request, timeout=_TRIGGER_SECONDS)
        return _outcome(answer.activity if answer.HasField("activity") else None)


async def reply(agent_id: str, network_post_id: str, data_dir: Path = DATA_DIR) -> int:
    """Let a character answer a post, and show what came of it."""
    async with open_suite(data_dir) as (clients, _):
        request = pb.TriggerReplyRequest(agent_id=agent_id, network_post_id=network_post_id, request_id=new_id("ctl"))
        answer = await clients.agents.TriggerReply(request, timeout=_TRIGGER_SECONDS)
        return _outcome(answer.activity if answer.HasField("activity") else None)


async def watch(agent_ids: Sequence[str], data_dir: Path = DATA_DIR, *, is_plain: bool) -> int:
    """Show what characters do from now on."""
    console, feed = open_console(is_plain=is_plain), Feed()
    async with open_suite(data_dir) as (clients, _):
        # Asked before the stream, which would wait for a service that isn't there, and for a character that isn't.
        await _named(clients, agent_ids)
        async for activity in watch_activity(clients, "", agent_ids):
            console.print(feed.entry(activity))
    return 0


async def versions(agent_id: str, data_dir: Path = DATA_DIR) -> int:
    """Show the versions of a character's persona, newest first."""
    async with open_suite(data_dir) as (clients, _):
        async for line in persona_versions.told(clients, agent_id):
            open_console().print(line, markup=False, soft_wrap=True, highlight=False)
    return 0


async def rollback(agent_id: str, version: int, data_dir: Path = DATA_DIR) -> int:
    """Give a character the persona of an earlier version."""
    async with open_suite(data_dir) as (clients, _):
        request = pb.RollbackPersonaRequest(agent_id=agent_id, version=version, request_id=new_id("rollback"))
        agent = (await clients.agents.RollbackPersona(request)).agent
    words = f"{agent.id}: is as in version {version}, which is version {agent.persona_version} now"
    open_console().print(words, markup=False)
    return 0


async def halt(agent_id: str, reason: str, data_dir: Path = DATA_DIR) -> int:
    """Halt trading, of one character or of all. Raises SuiteError for one without a wallet."""
    async with open_suite(data_dir) as (clients, _):
        request = trading_pb.HaltTradingRequest(wallet_id=await _halted(clients, agent_id), reason=reason)
        answer = await clients.trading.HaltTrading(request)
    open_console().print(f"trading is halted: {agent_id or 'all wallets'}", markup=False)
    return 0 if answer.HasField("halt") else 1


async def resume(agent_id: str, data_dir: Path = DATA_DIR) -> int:
    """Lift a halt, of one character or the one over all. Raises SuiteError for one without a wallet.

    What stays halted all the same is named.
    """
    async with open_suite(data_dir) as (clients, _):
        request = trading_pb.ResumeTradingRequest(wallet_id=await _halted(clients, agent_id))
        answer = await clients.trading.ResumeTrading(request)
        still = [] if agent_id else await halts.of_single_wallets(clients)
    if answer.HasField("halt"):
        still = [halts.OF_ALL]
    console = open_console()
    console.print(f"the halt is lifted: {agent_id or 'the one over all wallets'}", markup=False)
    for words in still:
        console.print(words, markup=False, style="yellow")
    return 0


async def _named(clients: Clients, agent_ids: Sequence[str]) -> list[pb.Agent]:
    """Return these agents, or all when none is named; one that isn't there is refused by its id."""
    if agent_ids:
        requests = [pb.GetAgentRequest(id=agent_id) for agent_id in dict.fromkeys(agent_ids)]
        return [(await clients.agents.GetAgent(request)).agent for request in requests]
    try:
        return await list_agents(clients)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            raise
        raise SuiteError(f"{in_words(error)}\nName the characters that your credential is for") from None


async def _halted(clients: Clients, agent_id: str) -> str:
    """Return the wallet that a halt is over; empty for all of them."""
    return await wallet_of(clients, agent_id) if agent_id else ""


@asynccontextmanager
async def open_suite(data_dir: Path) -> AsyncIterator[tuple[Clients, Mapping[str, str]]]:
    """Connect to the suite of this folder, or where the environment says; with it comes where that is."""
    where = targets(os.environ, data_dir)
    async with connected(where, proof_in(os.environ, data_dir)) as clients:
        yield clients, where


async def _sandbox(party: ThirdParty, where: Mapping[str, str]) -> str | None:
    address = where.get(party.sandbox)
    return address if address and not is_live(party, os.environ) and await web.is_well(address) else None


def _no_sandbox(party: ThirdParty, where: Mapping[str, str]) -> str:
    """Return why a character got nothing there: its third party is real, or nobody stands in for it."""
    if is_live(party, os.environ) or party.sandbox not in where:
        return f"{party.name} is live, and nothing is given there"
    return f"no {party.name} sandbox answers at {where[party.sandbox]}"


def _outcome(activity: log_pb.Activity | None) -> int:
    console = open_console()
    if activity is None:
        console.print("it is still at work: `puppetctl watch` shows what comes of it")
        return STILL_AT_WORK
    console.print(Feed().entry(activity))
    return {log_pb.ACTIVITY_KIND_FAILURE: 1, log_pb.ACTIVITY_KIND_PASS: NOTHING_DONE}.get(activity.kind, 0)


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
    return plain(f"{name} in {_span(max(0.0, seconds))}")


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
