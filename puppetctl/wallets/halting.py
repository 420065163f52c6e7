"""`puppetctl halt` and `resume`."""

from pathlib import Path

from puppet.trading.v1 import trading_service_pb2 as pb
from puppetctl import DATA_DIR
from puppetctl.clients import Clients, opened, wallet_of
from puppetctl.terminal.display import open_console
from puppetctl.wallets import halts


async def halt(agent_id: str, reason: str, data_dir: Path = DATA_DIR) -> int:
    """Halt trading, of one character or of all. Raises SuiteError for one without a wallet."""
    async with opened(data_dir) as clients:
        request = pb.HaltTradingRequest(wallet_id=await _halted(clients, agent_id), reason=reason)
        answer = await clients.trading.HaltTrading(request)
    open_console().print(f"trading is halted: {agent_id or 'all wallets'}", markup=False)
    return 0 if answer.HasField("halt") else 1


async def resume(agent_id: str, data_dir: Path = DATA_DIR) -> int:
    """Lift a halt, of one character or the one over all. Raises SuiteError for one without a wallet.

    What stays halted all the same is named.
    """
    async with opened(data_dir) as clients:
        request = pb.ResumeTradingRequest(wallet_id=await _halted(clients, agent_id))
        answer = await clients.trading.ResumeTrading(request)
        still = [] if agent_id else await halts.of_single_wallets(clients)
    if answer.HasField("halt"):
        still = [halts.OF_ALL]
    console = open_console()
    console.print(f"the halt is lifted: {agent_id or 'the one over all wallets'}", markup=False)
    for words in still:
        console.print(words, markup=False, style="yellow")
    return 0


async def _halted(clients: Clients, agent_id: str) -> str:
    """Return the wallet that a halt is over; empty for all of them."""
    return await wallet_of(clients, agent_id) if agent_id else ""
