"""Whose trading is halted, in words that say how it is resumed."""

import asyncio
from collections.abc import Sequence

import grpc

from puppet.trading.v1 import trading_service_pb2 as pb
from puppetctl.clients import Clients
from puppetctl.terminal.words import plain

OF_ALL = "all trading is still halted: puppetctl resume"
_LOOK_SECONDS = 5.0
_TOLERATED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
)


async def known(clients: Clients, agent_ids: Sequence[str] = ()) -> list[str]:
    """Return a line for each halt that holds for these agents, or for all; none where the service doesn't tell."""
    try:
        pages = await asyncio.gather(*(_wallets(clients, agent_id) for agent_id in agent_ids or ("",)))
    except grpc.aio.AioRpcError as error:
        if error.code() in _TOLERATED:
            return []
        raise
    halted = [wallet for wallets in pages for wallet in wallets if wallet.HasField("halt")]
    of_all = [f"all trading is halted{_reason(wallet.halt)}: puppetctl resume" for wallet in halted if _is_all(wallet)]
    return [*of_all[:1], *(_alone(wallet, "halted") for wallet in halted if not _is_all(wallet))]


async def of_single_wallets(clients: Clients) -> list[str]:
    """Return a line for each wallet that is halted on its own. Raises grpc's errors."""
    halted = [wallet for wallet in await _wallets(clients, "") if wallet.HasField("halt") and not _is_all(wallet)]
    return [_alone(wallet, "still halted") for wallet in halted]


async def _wallets(clients: Clients, agent_id: str) -> list[pb.Wallet]:
    request = pb.ListWalletsRequest(agent_id=agent_id, page_size=500)
    found: list[pb.Wallet] = []
    while True:
        page = await clients.trading.ListWallets(request, timeout=_LOOK_SECONDS)
        found += page.wallets
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _is_all(wallet: pb.Wallet) -> bool:
    return wallet.halt.is_for_all


def _alone(wallet: pb.Wallet, how: str) -> str:
    agent_id = plain(wallet.agent_id)
    return f"{agent_id} is {how} on its own{_reason(wallet.halt)}: puppetctl resume {agent_id}"


def _reason(halt: pb.Halt) -> str:
    return f" ({plain(halt.reason)})" if halt.reason else ""
