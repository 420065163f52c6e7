"""What is kept of a rehearsal: all of it read through the services' public RPCs."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relations_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.clients import Clients
from puppetctl.rehearsal.own_clock import OwnClock
from services.agents.domain.persona import Behavior

_PAGE_SIZE = 500
_TRADES_PAGE_SIZE = 100
_MOOD_POINTS = 300


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one character: its activities oldest first, from the beginning to the end."""

    agent_id: str
    name: str
    handle: str
    behavior: Behavior
    activities: Sequence[log_pb.Activity] = ()
    moods: Sequence[pb.MoodPoint] = ()
    usual_mood: log_pb.Mood = field(default_factory=log_pb.Mood)
    before: Mapping[str, relations_pb.Relationship] = field(default_factory=dict)
    """What it thought of whom at the beginning, by counterpart."""
    after: Mapping[str, relations_pb.Relationship] = field(default_factory=dict)
    trades: Sequence[trading_pb.Trade] = ()
    portfolio: trading_pb.Portfolio | None = None
    """None for a character without a wallet."""
    holdings: Sequence[trading_pb.Holding] = ()
    notices: Sequence[str] = ()
    persona: Mapping[str, Any] = field(default_factory=dict)
    """What it was made from."""
    rounds: int = 0
    """How often it was asked for a post, where it was asked and didn't live."""
    seconds: float = 0.0
    """How long its posts took then, by our clock."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A rehearsal that is over."""

    title: str
    lives: Sequence[Life]
    clock: OwnClock
    end: datetime
    asked_speed: float
    asked_days: float
    seed: int
    provider: str
    neighbours: Sequence[str] = ()
    """Their names."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What counterparts are called, by their ids."""
    ending: str = ""
    """Why it ended before its time, in words; empty when it didn't."""
    is_asked: bool = False
    """True when the characters were asked for posts, and no time passed."""

    @property
    def lived(self) -> timedelta:
        """How much of their own time the characters have lived."""
        return self.clock.lived(self.end)


async def relationships(clients: Clients, agent_id: str) -> dict[str, relations_pb.Relationship]:
    """Return what an agent thinks of whom, by counterpart."""
    found: dict[str, relations_pb.Relationship] = {}
    request = relations_pb.ListRelationshipsRequest(agent_id=agent_id, page_size=_PAGE_SIZE)
    while True:
        page = await clients.relationships.ListRelationships(request)
        found |= {one.counterpart: one for one in page.relationships}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def recorded(clients: Clients, life: Life, begin: datetime, end: datetime) -> Life:
    """Return a life with all that came of it between two times of ours."""
    portfolio, holdings = await _books(clients, life.agent_id)
    history = await _moods(clients, life.agent_id, begin, end)
    return replace(
        life,
        activities=await _activities(clients, life.agent_id, begin, end),
        moods=history.points,
        usual_mood=history.usual,
        after=await relationships(clients, life.agent_id),
        trades=await _trades(clients, portfolio, begin) if portfolio else (),
        portfolio=portfolio,
        holdings=holdings,
    )


async def _activities(clients: Clients, agent_id: str, begin: datetime, end: datetime) -> list[log_pb.Activity]:
    found: list[log_pb.Activity] = []
    request = pb.ListActivityRequest(
        agent_ids=[agent_id], page_size=_PAGE_SIZE, start_time=_stamp(begin), end_time=_stamp(end)
    )
    while True:
        page = await clients.agents.ListActivity(request)
        found += page.activities
        if not page.next_page_token:
            return found[::-1]
        request.page_token = page.next_page_token


async def _moods(clients: Clients, agent_id: str, begin: datetime, end: datetime) -> pb.GetMoodHistoryResponse:
    request = pb.GetMoodHistoryRequest(
        agent_id=agent_id, start_time=_stamp(begin), end_time=_stamp(end), max_points=_MOOD_POINTS
    )
    return await clients.agents.GetMoodHistory(request)


async def _books(clients: Clients, agent_id: str) -> tuple[trading_pb.Portfolio | None, Sequence[trading_pb.Holding]]:
    wallets = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(agent_id=agent_id, page_size=1))).wallets
    if not wallets:
        return None, ()
    request = trading_pb.GetPortfolioRequest(wallet_id=wallets[0].id, has_trades=True, page_size=_TRADES_PAGE_SIZE)
    # What the chain doesn't tell costs this part of the report, and no other.
    with contextlib.suppress(grpc.aio.AioRpcError):
        answer = await clients.trading.GetPortfolio(request)
        return answer.portfolio, answer.holdings
    return None, ()


async def _trades(clients: Clients, portfolio: trading_pb.Portfolio, begin: datetime) -> list[trading_pb.Trade]:
    found: list[trading_pb.Trade] = []
    request = trading_pb.ListTradesRequest(wallet_id=portfolio.wallet_id, page_size=_TRADES_PAGE_SIZE)
    while True:
        page = await clients.trading.ListTrades(request)
        found += [trade for trade in page.trades if trade.create_time.ToMicroseconds() >= begin.timestamp() * 1e6]
        if not page.next_page_token:
            return found[::-1]
        request.page_token = page.next_page_token


def _stamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
