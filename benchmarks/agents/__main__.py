"""`python -m benchmarks.agents` prints what many characters cost, and how much they do beside bare workflows."""

import argparse
import asyncio
import os
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from benchmarks.agents.measuring import (
    FULL,
    QUICK,
    Crowd,
    Saturated,
    Size,
    measure_crowd,
    measure_saturated,
    postgres,
)

PARTS = ("crowd", "saturation")

console = Console()


async def main(parts: Iterable[str], *, quick: bool) -> None:
    """Measure what is asked for, one thing after the other."""
    size = QUICK if quick else FULL
    console.print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; the other services are fakes over "
        f"gRPC{', small sizes: the targets are for the full ones' if quick else ''}"
    )
    if "crowd" in parts:
        with console.status("crowd"):
            crowd = await measure_crowd(size)
        show_crowd(size, crowd)
    if "saturation" in parts:
        await show_saturation(size)


def show_crowd(size: Size, crowd: Crowd) -> None:
    """Print what many characters take, beside what they may."""
    table = Table(title=f"{size.characters:,} started characters on SQLite", title_justify="left")
    for column in ("", "measured", "target"):
        table.add_column(column, justify="right" if column else "left")
    for row in (
        ("created a second, in batches of 100", f"{crowd.created:.0f}", ">= 200"),
        ("created a second, one by one", f"{crowd.created_alone:.0f}", ""),
        ("seconds to serve, started again", f"{crowd.started:.1f}", ""),
        ("resident memory at rest, MB", f"{crowd.resting_mb:.0f}", ""),
        ("resident memory at work, MB", f"{crowd.rss_mb:.0f}", "<= 500"),
        (f"CPU at rest, with {crowd.looks:.1f} looks for mentions a second", f"{crowd.idle_cpu:.1%}", "<= 5%"),
        ("posts a second", f"{crowd.actions:.1f}", "5"),
        ("from due to sent, s: p50", f"{crowd.late_p50:.2f}", ""),
        ("from due to sent, s: p99", f"{crowd.late_p99:.2f}", "<= 2"),
        ("CPU at that", f"{crowd.busy_cpu:.1%}", ""),
    ):
        table.add_row(*row)
    console.print(table)


async def show_saturation(size: Size) -> None:
    """Measure and print how much can be done, beside bare workflows with as many steps."""
    table = Table(title="posts at saturation, beside bare workflows of as many steps", title_justify="left")
    for column in ("", "posts/s", "ms CPU", "bare/s", "ms CPU", "times the CPU", "times as slow"):
        table.add_column(column, justify="right" if column else "left")
    with postgres() as server, console.status("saturation"):
        for where, replicas, database in (
            ("SQLite", 1, None),
            ("Postgres", 1, server),
            ("Postgres, 3 replicas", 3, server),
        ):
            table.add_row(where, *_figures(await measure_saturated(size, replicas, database)))
    console.print(table)


def _figures(found: Saturated) -> Iterable[str]:
    yield from (f"{found.actions:.1f}", f"{found.action_ms:.1f}", f"{found.bare:.1f}", f"{found.bare_ms:.1f}")
    yield from (f"{found.times:.2f}", f"{found.bare / found.actions:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agents", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, in two minutes")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    asyncio.run(main(arguments.parts or PARTS, quick=arguments.quick))
