"""`puppetctl costs`: what the words of the characters took, from what the log keeps of each activity."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import activities, named_agents, opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import Listing
from puppetctl.terminal.progress import steps

_SAID = (log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_REPLY)


@dataclass(slots=True)
class Costs:
    """What one character's words took."""

    agent_id: str
    name: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    published: int = 0
    models: set[str] = field(default_factory=set)
    usd: Decimal = Decimal(0)
    unpriced: int = 0
    """Of the calls, those whose price nobody told."""

    def add(self, activity: log_pb.Activity) -> None:
        """Add what an activity took."""
        writing = activity.writing
        self.calls += len(writing.calls) or 1
        self.prompt_tokens += writing.prompt_tokens
        self.completion_tokens += writing.completion_tokens
        self.published += activity.kind in _SAID
        self.models.add("/".join(filter(None, (writing.provider, writing.model))))
        try:
            self.usd += Decimal(writing.cost_usd)
        except InvalidOperation:
            self.unpriced += len(writing.calls) or 1

    def object(self) -> dict[str, Any]:
        """Return what a program gets."""
        return {
            "agent_id": self.agent_id,
            "name": self.name,
            "calls": self.calls,
            "published": self.published,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "models": sorted(filter(None, self.models)),
            "cost_usd": str(self.usd) if self.unpriced == 0 else "",
        }

    @property
    def price(self) -> str:
        """What it cost in US dollars, as far as that is known."""
        if self.unpriced == self.calls:
            return "not told"
        return f"${self.usd:.4f}" + (f" + {self.unpriced} calls" if self.unpriced else "")


class Ledger:
    """Adds up what words took, by character."""

    def __init__(self) -> None:
        self._costs: dict[str, Costs] = {}

    def add(self, activity: log_pb.Activity) -> None:
        """Add an activity, which counts when a model has written for it."""
        if activity.HasField("writing"):
            mine = self._costs.setdefault(activity.agent_id, Costs(activity.agent_id, activity.agent_name))
            mine.add(activity)

    def most_first(self) -> list[Costs]:
        """Return the characters, those whose words took most first."""
        return sorted(self._costs.values(), key=lambda one: (-one.prompt_tokens - one.completion_tokens, one.agent_id))


async def costs(agent_ids: Sequence[str], since: timedelta | None, data_dir: Path, *, as_json: bool) -> int:
    """Show what these characters' words took, or all characters'."""
    request = pb.ListActivityRequest(agent_ids=agent_ids, page_size=500)
    if since is not None:
        request.start_time.FromDatetime(datetime.now(UTC) - since)
    ledger = Ledger()
    async with opened(data_dir) as clients:
        if agent_ids:
            await named_agents(clients, agent_ids)
        with steps("reading the log") as bar:
            async for activity in activities(clients, request):
                ledger.add(activity)
                bar.done()
    titles = ("character", "id", ">calls", ">tokens read", ">written", ">a post", "cost")
    listing, feed = Listing(*titles, as_json=as_json, empty="no model has written anything yet"), Feed()
    for one in ledger.most_first():
        each = (one.prompt_tokens + one.completion_tokens) // one.published if one.published else 0
        figures = (str(one.calls), f"{one.prompt_tokens:,}", f"{one.completion_tokens:,}", f"{each:,}" if each else "")
        listing.add(one.object(), feed.name(one.agent_id, one.name), one.agent_id, *figures, one.price)
    listing.show()
    if listing and not as_json:
        words = "Counted from the activity log. Dollars are told where the provider's price is known."
        open_console().print(words, style="dim", soft_wrap=True)
    return 0
