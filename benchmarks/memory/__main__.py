"""`python -m benchmarks.memory` prints how fast the memory service is and how much it finds, beside simple stores."""

import argparse
import asyncio
import os
from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.memory.recall import DEPTHS, SERVICE, Evaluation, Found, gain, measure_recall
from benchmarks.memory.speed import FULL, QUICK, Figure, Size, measure_creates, measure_shape

PARTS = ("speed", "recall")
CONVERSATIONS, QUICK_CONVERSATIONS = 10, 2

_LABEL_WIDTH, _FIGURE_WIDTH = 31, 7

console = Console()


async def main(parts: Iterable[str], *, quick: bool) -> None:
    """Measure what is asked for, one thing after the other."""
    console.print(f"{os.cpu_count()} cores{', small sizes: the targets are for the full ones' if quick else ''}")
    if "speed" in parts:
        await show_speed(QUICK if quick else FULL)
    if "recall" in parts:
        with console.status("recall"):
            evaluation = await measure_recall(QUICK_CONVERSATIONS if quick else CONVERSATIONS)
        show_recall(evaluation)


async def show_speed(size: Size) -> None:
    """Measure the speed, and print each part when it is known."""
    with console.status("empty store"):
        _show("empty store", await measure_creates(size))
    for shape in size.shapes:
        with console.status(str(shape)):
            _show(str(shape), await measure_shape(shape, size))


def show_recall(evaluation: Evaluation) -> None:
    """Print the recall of each method by kind, and how many times that of the best other method the service has."""
    asked = f"evidence recall: {evaluation.questions:,} questions about {evaluation.turns:,} texts"
    sharing = f"{evaluation.sharing:.0%} of those about short turns share a rare word with their evidence"
    mean = f"in the mean {evaluation.mean_gain:.2f} times the best other method on a kind of texts"
    _show_found(f"{asked};\n{mean}", "texts", evaluation.by_text)
    _show_found(f"short turns; {sharing}", "questions", evaluation.by_question)


def _show_found(title: str, what: str, by_kind: Mapping[str, Found]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column(what, no_wrap=True)
    table.add_column("first", justify="right")
    for name in next(iter(by_kind.values())):
        table.add_column(name, justify="right")
    table.add_column("times", justify="right")
    for kind, found in by_kind.items():
        for depth in DEPTHS:
            label = f"{kind} ({found[SERVICE].questions})" if depth == DEPTHS[0] else ""
            times = f"{gain(found):.2f}" if depth == DEPTHS[1] else ""
            table.add_row(label, str(depth), *(f"{each.at[depth]:.2f}" for each in found.values()), times)
        table.add_section()
    console.print(table)


def _show(title: str, figures: Iterable[Figure]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True, min_width=_LABEL_WIDTH)
    for column in ("target", "service", "met", "Chroma", "LIKE"):
        table.add_column(column, justify="right", no_wrap=True, min_width=_FIGURE_WIDTH)
    for figure in figures:
        target = figure.target
        service, chroma, like = (*figure.values, None, None)[:3]
        table.add_row(
            figure.what,
            f"{'>=' if target.at_least else '<='} {_number(target.value)}" if target else "",
            _number(service),
            _yes(figure.met),
            _number(chroma),
            _number(like),
        )
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    decimals = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"


def _yes(met: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[met]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; both when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.parts or PARTS, quick=arguments.quick))
