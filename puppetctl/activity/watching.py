"""`puppetctl watch` and `history`: what characters do from now on, and what they have done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import activities, named_agents, opened
from puppetctl.clients import watch as watch_activity
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_line

_MAX_IN_A_PAGE = 500

KINDS = {
    name.removeprefix("ACTIVITY_KIND_").lower(): number
    for name, number in log_pb.ActivityKind.items()
    if number != log_pb.ACTIVITY_KIND_UNSPECIFIED
}
"""What an activity may be, as people write it."""


@dataclass(frozen=True, slots=True)
class View:
    """How activities are shown."""

    as_json: bool = False
    explains: bool = False
    """With all reasons, scores and models."""
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the log is asked for, the newest `limit` of it."""

    agent_ids: Sequence[str] = ()
    kinds: Sequence[str] = ()
    limit: int = 20
    since: timedelta | None = None
    """How far back; None for as far as it is kept."""

    def request(self, now: datetime) -> pb.ListActivityRequest:
        """Return what the log is asked."""
        kinds = [KINDS[name] for name in self.kinds]
        size = min(self.limit, _MAX_IN_A_PAGE)
        request = pb.ListActivityRequest(agent_ids=self.agent_ids, kinds=kinds, page_size=size)
        if self.since is not None:
            request.start_time.FromDatetime(now - self.since)
        return request


async def watch(agent_ids: Sequence[str], data_dir: Path, view: View) -> int:
    """Show what characters do from now on."""
    console, feed = open_console(is_plain=view.is_plain), Feed(explains=view.explains)
    async with opened(data_dir) as clients:
        # Asked before the stream, which would wait for a service that isn't there, and for a character that isn't.
        await named_agents(clients, agent_ids)
        async for activity in watch_activity(clients, "", agent_ids):
            if view.as_json:
                print_line(activity)
            else:
                console.print(feed.entry(activity))
    return 0


async def history(wanted: Wanted, data_dir: Path, view: View) -> int:
    """Show what characters have done, oldest first: a reply stands below what it answers."""
    found: list[log_pb.Activity] = []
    async with opened(data_dir) as clients:
        if wanted.agent_ids:
            await named_agents(clients, wanted.agent_ids)
        async for activity in activities(clients, wanted.request(datetime.now(UTC))):
            found.append(activity)
            if len(found) == wanted.limit:
                break
    found.reverse()
    if view.as_json:
        for activity in found:
            print_line(activity)
        return 0
    console, feed = open_console(is_plain=view.is_plain), Feed(explains=view.explains)
    for entry in feed.threads(found):
        console.print(entry)
    if not found:
        console.print("nothing yet: `puppetctl post ID` lets a character post now")
    return 0
