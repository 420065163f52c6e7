"""`puppetctl post`, `trade` and `reply`: let a character act now, and show what came of it."""

from pathlib import Path

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_document
from puppetctl.terminal.progress import waiting
from services.runtime.ids import new_id

# How long a model on a small machine may take for a post, and a chain for a trade.
_TRIGGER_SECONDS = 180.0

NOTHING_DONE, STILL_AT_WORK = 3, 4
"""The exit codes after which nothing was published or traded, for a reason or as yet."""


async def post(agent_id: str, topic: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character post."""
    async with opened(data_dir) as clients:
        request = pb.TriggerPostRequest(agent_id=agent_id, topic=topic, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await clients.agents.TriggerPost(request, timeout=_TRIGGER_SECONDS)
    return outcome(answer, as_json=as_json)


async def trade(agent_id: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character consider a trade."""
    async with opened(data_dir) as clients:
        request = pb.TriggerTradeRequest(agent_id=agent_id, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await clients.agents.TriggerTrade(request, timeout=_TRIGGER_SECONDS)
    return outcome(answer, as_json=as_json)


async def reply(agent_id: str, network_post_id: str, data_dir: Path, *, as_json: bool = False) -> int:
    """Let a character answer a post."""
    async with opened(data_dir) as clients:
        request = pb.TriggerReplyRequest(agent_id=agent_id, network_post_id=network_post_id, request_id=new_id("ctl"))
        with waiting("thinking"):
            answer = await clients.agents.TriggerReply(request, timeout=_TRIGGER_SECONDS)
    return outcome(answer, as_json=as_json)


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
