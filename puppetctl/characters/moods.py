"""How a character felt: a curve of text for each side of its mood."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import print_document
from puppetctl.terminal.words import plain
from services.runtime.ids import new_id

_POINTS = 60
_BARS = "▁▂▃▄▅▆▇█"
_RANGES = {"valence": (-1.0, 1.0), "arousal": (0.0, 1.0), "dominance": (0.0, 1.0)}


async def mood(
    agent_id: str, levels: dict[str, float], reason: str, data_dir: Path, *, is_push: bool, as_json: bool = False
) -> int:
    """Show how a character felt of late; before that change it, where there are levels to set or to add."""
    async with opened(data_dir) as clients:
        if levels:
            request = pb.AdjustMoodRequest(agent_id=agent_id, reason=reason, request_id=new_id("ctl"))
            if is_push:
                request.push.CopyFrom(pb.MoodPush(**levels))
            else:
                request.levels.CopyFrom(pb.MoodLevels(**levels))
            await clients.agents.AdjustMood(request)
        asked = pb.GetMoodHistoryRequest(agent_id=agent_id, max_points=_POINTS)
        history = await clients.agents.GetMoodHistory(asked)
    if as_json:
        print_document(history)
        return 0
    console = open_console()
    for line in curve(history.points, history.usual):
        console.print(line, soft_wrap=True)
    return 0


def curve(points: Sequence[pb.MoodPoint], usual: log_pb.Mood) -> list[RenderableType]:
    """Return a line for each side of a mood, oldest first, with what it is now and usually, and what moved it last."""
    if not points:
        return [Text("nothing is known of its mood in this time")]
    first, last = points[0], points[-1]
    lines = [
        Text.assemble(
            f"{side:<10}",
            ("".join(_bar(getattr(point.mood, side), *bounds) for point in points), "cyan"),
            f"  {getattr(last.mood, side):+.2f}",
            (f"  usually {getattr(usual, side):+.2f}", "dim"),
        )
        for side, bounds in _RANGES.items()
    ]
    begin, end = (point.time.ToDatetime(tzinfo=UTC) for point in (first, last))
    told = f"{_clock(begin, end)} to {_clock(end, begin)} UTC: {plain(first.mood.label)}, now {plain(last.mood.label)}"
    lines.append(Text(told, "dim"))
    if causes := next((point.causes for point in reversed(points) if point.causes), None):
        lines.append(Text(plain(f"moved last by: {', '.join(causes).replace('_', ' ')}"), "dim"))
    return list(lines)


def _bar(value: float, least: float, limit: float) -> str:
    share = (value - least) / (limit - least)
    return _BARS[min(len(_BARS) - 1, max(0, int(share * len(_BARS))))]


def _clock(time: datetime, other: datetime) -> str:
    return f"{time:%H:%M:%S}" if time.date() == other.date() else f"{time:%Y-%m-%d %H:%M}"
