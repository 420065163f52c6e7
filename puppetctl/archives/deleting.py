"""`puppetctl delete`: a character and all that it left, backed up first if that is asked for."""

import os
from pathlib import Path

import grpc
from rich.text import Text

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import DATA_DIR
from puppetctl.archives.backup import back_up
from puppetctl.clients import Clients, find_agent, in_words, opened
from puppetctl.files import check_free
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from services.runtime.ids import new_id

_ASK_SECONDS = 10.0


async def delete(
    agent_id: str,
    saved: Path | None,
    data_dir: Path = DATA_DIR,
    *,
    with_secrets: bool = False,
    keeps_wallet: bool = False,
    force: bool = False,
) -> int:
    """Delete a character, and wait until all is gone. Raises SuiteError."""
    console = open_console()
    async with opened(data_dir) as clients:
        agent = await find_agent(clients, agent_id)
        if agent is None:
            raise SuiteError(f"there is no agent {agent_id!r}")
        if saved is not None and not agent.HasField("delete_time"):
            check_free(saved, force=force)
            # Stopped first: what it did after the backup would be lost.
            agent = (await clients.agents.StopAgent(pb.StopAgentRequest(id=agent_id))).agent
            await back_up(clients, [agent_id], saved, os.environ, with_secrets=with_secrets, force=force)
        request = pb.DeleteAgentRequest(
            id=agent_id, etag=agent.etag, is_wallet_kept=keeps_wallet, request_id=new_id("ctl")
        )
        told = ""
        while not (answer := await clients.agents.DeleteAgent(request, timeout=_ASK_SECONDS)).is_done:
            waiting = answer.waiting
            words = f"{agent_id}: waits at {waiting.step}: {waiting.description or 'not done yet'}"
            if words != told:
                console.print(Text(f"{words}. It goes on by itself, also without this command"), soft_wrap=True)
                told = words
        limits = await _lift_limits(clients, agent_id)
        kept = (
            await clients.trading.ListWallets(trading_pb.ListWalletsRequest(agent_id=agent_id))
            if agent.wallet_id
            else None
        )
    stays = f"; its wallet {kept.wallets[0].id} stays, with its key" if kept and kept.wallets else ""
    console.print(Text(f"{agent_id}: deleted{stays}{limits}"), soft_wrap=True)
    return 0


async def _lift_limits(clients: Clients, agent_id: str) -> str:
    """Lift the limits of its budget, which are an operator's; words when they stay, as the character is gone then."""
    try:
        await clients.llm.SetBudget(llm_pb.SetBudgetRequest(agent_id=agent_id))
    except grpc.aio.AioRpcError as error:
        return f"; the limits of its budget stay, for whoever is made with this id ({in_words(error, 'llm')})"
    return ""
