"""The plots of the page, as inline SVG that takes its colours from the page. Pure; no text of others is in them."""

from collections.abc import Sequence
from datetime import UTC

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.rehearsal.own_clock import OwnClock
from services.agents.domain.persona import Behavior

_WIDTH, _LEFT, _RIGHT = 340.0, 22.0, 4.0
_TOP, _HEIGHT, _BOTTOM = 8.0, 120.0, 22.0
_HOURS = 24
_SIDES = ("valence", "arousal", "dominance")


def hours_plot(hours: Sequence[int], behavior: Behavior) -> str:
    """Return bars of how often a character posted in which hour of its day, with its peak and its quiet hours."""
    limit = max(1, *hours)
    step = (_WIDTH - _LEFT - _RIGHT) / _HOURS
    parts = []
    for hour, count in enumerate(hours):
        left, height = _LEFT + hour * step, _HEIGHT * count / limit
        if _is_quiet(behavior, hour):
            parts.append(_box(left, _TOP, step, _HEIGHT, "--quiet"))
        colour = "--peak" if hour in behavior.peak_posting_hours else "--bar"
        if count:
            parts.append(_box(left + 1.5, _TOP + _HEIGHT - height, step - 3, height, colour, f"{hour:02}:00: {count}"))
        if hour % 3 == 0:
            parts.append(_words(left + step / 2, _TOP + _HEIGHT + 14, f"{hour:02}", "middle"))
    parts += [
        _line(_TOP + _HEIGHT),
        _words(_LEFT - 5, _TOP + 9, f"{limit}", "end"),
        _words(_LEFT - 5, _TOP + _HEIGHT, "0", "end"),
    ]
    keys = [("--bar", "posts")]
    keys += [("--peak", "in peak hours")] if behavior.peak_posting_hours else []
    keys += [("--quiet", "asleep")] if behavior.quiet_hours else []
    told = ", ".join(f"{hour}:00 {count}" for hour, count in enumerate(hours) if count) or "none"
    return _figure(f"Posts by hour of its day: {told}", parts) + _legend(keys)


def mood_plot(points: Sequence[pb.MoodPoint], clock: OwnClock) -> str:
    """Return a line for each side of a mood, from -1 to 1, over the days that were lived."""
    times = [clock.lived(point.time.ToDatetime(tzinfo=UTC)).total_seconds() / 86_400 for point in points]
    last = max(times[-1], 1e-9)
    places = [_LEFT + (_WIDTH - _LEFT - _RIGHT) * max(0.0, time) / last for time in times]
    parts = [_line(_height(level)) for level in (-1, 0, 1)]
    parts += [_words(_LEFT - 5, _height(level) + 4, f"{level}", "end") for level in (-1, 0, 1)]
    for side in _SIDES:
        drawn = " ".join(
            f"{place:.1f},{_height(getattr(point.mood, side)):.1f}" for place, point in zip(places, points, strict=True)
        )
        parts.append(f'<polyline points="{drawn}" fill="none" style="stroke:var(--{side})" stroke-width="1.8"/>')
    ticks = max(1, -(-int(last) // 7))
    for day in range(0, max(1, round(last)), ticks):
        place = _LEFT + (_WIDTH - _LEFT - _RIGHT) * day / last
        parts.append(_words(place, _TOP + _HEIGHT + 14, f"day {day + 1}" if not day else f"{day + 1}", "start"))
    ends = ", ".join(f"{side} {getattr(points[-1].mood, side):+.2f}" for side in _SIDES)
    return _figure(f"Mood over {last:.1f} days; at the end {ends}", parts) + _legend(
        [(f"--{side}", side) for side in _SIDES]
    )


def _is_quiet(behavior: Behavior, hour: int) -> bool:
    quiet = behavior.quiet_hours
    return quiet is not None and (hour - quiet.begin) % _HOURS < (quiet.end - quiet.begin) % _HOURS


def _height(level: float) -> float:
    return _TOP + _HEIGHT * (1 - (level + 1) / 2)


def _figure(label: str, parts: Sequence[str]) -> str:
    box = f"0 0 {_WIDTH:g} {_TOP + _HEIGHT + _BOTTOM:g}"
    return f'<svg viewBox="{box}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _legend(keys: Sequence[tuple[str, str]]) -> str:
    shown = " &nbsp; ".join(
        f'<span class="key" style="background:var({colour})"></span> {name}' for colour, name in keys
    )
    return f'<p class="soft">{shown}</p>'


def _box(left: float, top: float, width: float, height: float, colour: str, title: str = "") -> str:
    told = f"<title>{title}</title>" if title else ""
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} style="fill:var({colour})">{told}</rect>'


def _line(height: float) -> str:
    ends = f'x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}" y1="{height:.1f}" y2="{height:.1f}"'
    return f'<line {ends} style="stroke:var(--line)"/>'


def _words(left: float, top: float, words: str, anchor: str) -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{words}</text>'
