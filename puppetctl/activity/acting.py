"""`puppetctl post`, `trade` and `reply`: let a character act now, and show what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import opened
from puppetctl.datadir import running_addresses
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_document
from puppetctl.terminal.progress import waiting
from services.runtime.ids import new_id
from services.runtime.rpc.status import Remote

AnswerT = TypeVar("AnswerT", pb.TriggerPostResponse, pb.TriggerTradeResponse, pb.TriggerReplyResponse)

# How long a model on a small machine may take for a post, and a chain for a trade.
_TRIGGER_SECONDS = 180.0
# How long a service that has ended may take to be there again.
_RESTART_SECONDS, _RETRY_SECONDS = 60.0, 0.5

NOTHING_DONE, STILL_AT_WORK = 3, 4
"""The exit codes after which nothing was published or traded, for a reason or as yet."""


async def post(agent_id: str, topic: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character post."""
    async with opened(data_dir) as clients:
        request = pb.TriggerPostRequest(agent_id=agent_id, topic=topic, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await _answered(clients.agents.TriggerPost, request, data_dir)
    return outcome(answer, as_json=as_json)


async def trade(agent_id: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character consider a trade."""
    async with opened(data_dir) as clients:
        request = pb.TriggerTradeRequest(agent_id=agent_id, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await _answered(clients.agents.TriggerTrade, request, data_dir)
    return outcome(answer, as_json=as_json)


async def reply(agent_id: str, network_post_id: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character answer a post."""
    async with opened(data_dir) as clients:
        request = pb.TriggerReplyRequest(agent_id=agent_id, network_post_id=network_post_id, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await _answered(clients.agents.TriggerReply, request, data_dir)
    return outcome(answer, as_json=as_json)


async def _answered(call: Callable[..., Awaitable[AnswerT]], request: Message, data_dir: Path) -> AnswerT:
    """Return what came of a request. Raises grpc's errors.

    Where a suite runs, a service that has ended is started again: it is asked for the same once more, and does it once.
    """
    until = 0.0
    while True:
        try:
            return await call(request, timeout=_TRIGGER_SECONDS)
        except grpc.aio.AioRpcError as error:
            is_gone = error.code() is grpc.StatusCode.UNAVAILABLE and not Remote(error).reason
            until = until or time.monotonic() + _RESTART_SECONDS
            if not (is_gone and running_addresses(data_dir) and time.monotonic() < until):
                raise
        await asyncio.sleep(_RETRY_SECONDS)


def outcome(
    answer: pb.TriggerPostResponse | pb.TriggerTradeResponse | pb.TriggerReplyResponse, *, as_json: bool = False
) -> int:
    """Show what came of it, and return the exit code."""
    activity = answer.activity if answer.HasField("activity") else None
    if as_json:
        print_document(answer)
    elif activity is not None:
        open_console().print(Feed().entry(activity))
    else:
        open_console().print("it is still at work: `puppetctl watch` shows what comes of it")
    if activity is None:
        return STILL_AT_WORK
    return {log_pb.ACTIVITY_KIND_FAILURE: 1, log_pb.ACTIVITY_KIND_PASS: NOTHING_DONE}.get(activity.kind, 0)
