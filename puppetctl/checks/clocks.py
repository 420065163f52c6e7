"""Whether this machine's clock is right: signatures and tokens are refused when it is off by minutes."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl import web
from puppetctl.checks.findings import Finding, Mark
from puppetctl.clients import opened
from puppetctl.suite import THIRD_PARTIES, SuiteError

_MAX_OFF = timedelta(seconds=60)
_LOOK_SECONDS = 5.0
_REMEDY = "set it by a time server: X, tokens between hosts, and what is due all go by it"


async def clocks(environment: Mapping[str, str], data_dir: Path, healthy: Collection[str]) -> list[Finding]:
    """Compare the clock with those of the third parties that are live, and with the newest entry of the log."""
    urls = [environment[name] for party in THIRD_PARTIES for name in party.settings if environment.get(name)]
    hosts = {urlsplit(url).hostname or "": url for url in urls}
    times = await asyncio.gather(*(web.date_at(url, _LOOK_SECONDS) for url in hosts.values()))
    told = dict(zip(hosts, times, strict=True))
    if "agents" in healthy and (newest := await _newest(data_dir)) is not None and newest > _now():
        # Nothing is logged before it happens: either the clock was put back, or that of the service is ahead.
        told["the activity log"] = newest.isoformat()
    return [judged(told, _now())]


def judged(told: Mapping[str, str | None], now: datetime) -> Finding:
    """Return what to say of a clock that shows `now`, by what others have told, as in HTTP's `Date` or in ISO 8601."""
    off = {name: now - time for name, given in told.items() if given and (time := _read(given)) is not None}
    wrong = {name: by for name, by in off.items() if abs(by) > _MAX_OFF}
    if wrong:
        name, by = max(wrong.items(), key=lambda item: abs(item[1]))
        side = "ahead of" if by > timedelta() else "behind"
        return Finding(Mark.BAD, "clock", f"{abs(by).total_seconds():.0f} s {side} {name}", _REMEDY)
    if off:
        return Finding(Mark.OK, "clock", f"within {_MAX_OFF.seconds} s of {', '.join(off)}")
    return Finding(Mark.OK, "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC; nobody outside is live to compare it with")


def _read(time: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(time)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


async def _newest(data_dir: Path) -> datetime | None:
    try:
        async with opened(data_dir) as clients:
            page = await clients.agents.ListActivity(pb.ListActivityRequest(page_size=1), timeout=_LOOK_SECONDS)
    except (SuiteError, grpc.aio.AioRpcError):
        return None
    return page.activities[0].create_time.ToDatetime(tzinfo=UTC) if page.activities else None


def _now() -> datetime:
    return datetime.now(UTC)
