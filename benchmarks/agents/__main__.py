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
    Equipped,
    Resting,
    Saturated,
    Size,
    Working,
    measure_crowd,
    measure_equipped,
    measure_saturated,
    postgres,
)
from benchmarks.agents.workflows import STEPS, STORED

PARTS = ("crowd", "suite", "saturation")

console = Console()


async def main(parts: Iterable[str], *, quick: bool) -> None:
    """Measure what is asked for, one thing after the other."""
    size = QUICK if quick else FULL
    console.print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; but for `suite` the other services are fakes over "
        f"gRPC{', small sizes: the targets are for the full ones' if quick else ''}"
    )
    if "crowd" in parts:
        console.print(f"{size.characters:,} started characters on SQLite")
        with console.status("crowd"):
            await measure_crowd(size, show_crowd)
    if "suite" in parts:
        with console.status("the five services"):
            show_equipped(await measure_equipped(size))
    if "saturation" in parts:
        await show_saturation(size)


def show_crowd(found: Resting | Working) -> None:
    """Print what many characters take, beside what they may."""
    table = Table(title="at rest" if isinstance(found, Resting) else "at work", title_justify="left")
    for column in ("", "measured", "target"):
        table.add_column(column, justify="right" if column else "left")
    for row in _rows_at_rest(found) if isinstance(found, Resting) else _rows_at_work(found):
        table.add_row(*row)
    console.print(table)


def show_equipped(found: Equipped) -> None:
    """Print how fast characters are created with all that they have at the other services."""
    title = "created with the real five services, 3 memories and 2 relationships each, in batches of 100"
    table = Table(title=title, title_justify="left")
    for column in ("", "measured", "target"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("created a second", f"{found.created:.0f}", ">= 200")
    for name, cpu_ms in found.cpu_ms.items():
        table.add_row(f"CPU of {name}, ms each", f"{cpu_ms:.2f}", "")
    table.add_row("CPU of all, ms each", f"{sum(found.cpu_ms.values()):.2f}", "")
    console.print(table)


def _rows_at_rest(found: Resting) -> Iterable[tuple[str, str, str]]:
    yield "created a second, in batches of 100", f"{found.created:.0f}", ">= 200"
    yield "created a second, one by one", f"{found.created_alone:.0f}", ""
    yield "seconds to serve, started again at another speed", f"{found.started:.1f}", ""
    yield "resident memory, MB", f"{found.rss_mb:.0f}", "<= 500"
    yield f"CPU, with {found.looks:.1f} looks for mentions a second", f"{found.cpu:.1%}", "<= 5%"


def _rows_at_work(found: Working) -> Iterable[tuple[str, str, str]]:
    yield "posts a second", f"{found.posts:.1f}", "5"
    yield "from due to sent, s: p50", f"{found.late_p50:.2f}", ""
    yield "from due to sent, s: p99", f"{found.late_p99:.2f}", "<= 2"
    yield "resident memory, MB", f"{found.rss_mb:.0f}", "<= 500"
    yield "CPU", f"{found.cpu:.1%}", ""


async def show_saturation(size: Size) -> None:
    """Measure and print how much can be done, beside workflows of DBOS that do less."""
    table = Table(title="posts at saturation: a second / ms of CPU for one", title_justify="left")
    table.add_column("")
    with postgres() as server, console.status("saturation"):
        places = (("SQLite", 1, None), ("Postgres", 1, server), ("3 replicas", 3, server))
        columns = []
        for where, replicas, database in places:
            table.add_column(where, justify="right")
            columns.append(dict(_figures(await measure_saturated(size, replicas, database))))
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    console.print(table)


def _figures(found: Saturated) -> Iterable[tuple[str, str]]:
    for name, pace in (
        ("posts", found.posts),
        (f"bare workflows of {len(STEPS)} stored steps", found.bare),
        (f"those of {STORED}, as a post stores", found.stored),
        ("those with a post's calls, transactions", found.equal),
    ):
        yield name, f"{pace.a_second:.1f} / {pace.cpu_ms:.1f}"
    whole = found.posts.cpu_ms
    yield f"posts beside {len(STEPS)} steps (target: 1.5)", f"{whole / found.bare.cpu_ms:.2f} times"
    yield f"posts beside {STORED}", f"{whole / found.stored.cpu_ms:.2f} times"
    # What the baselines don't do is the rest: reading a persona, composing a prompt, judging texts, telling why.
    yield "of a post: the workflow", f"{found.stored.cpu_ms / whole:.0%}"
    yield "of a post: calls, transactions", f"{(found.equal.cpu_ms - found.stored.cpu_ms) / whole:.0%}"
    yield "of a post: persona, prompt, judging, log", f"{(whole - found.equal.cpu_ms) / whole:.0%}"
    yield "the other services, ms of CPU for a post", f"{found.neighbours_ms:.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agents", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, in a few minutes for each part")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    asyncio.run(main(arguments.parts or PARTS, quick=arguments.quick))
