"""The commands about the suite on this machine: what they can be asked. What a command needs is imported then."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR, DEMO_PERSONAS
from puppetctl.cli import BEGIN, SUITE, Data, Json, Model, Plain, Why, run, run_now

app = typer.Typer()


class Level(StrEnum):
    """How much a line of a log matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.command(rich_help_panel=BEGIN)
def up(
    data: Annotated[
        Path,
        typer.Option(
            help="Where everything is kept, below the current folder: databases and logs; keys are in ~/.config."
        ),
    ] = DATA_DIR,
    personas: Annotated[
        Path, typer.Option(help="The folder of the characters' files.", show_default="personas")
    ] = DEMO_PERSONAS,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=100_000, help="How many of their hours pass in one of ours.", show_default="240; live: 1"
        ),
    ] = None,
    until: Annotated[str, typer.Option(help="Stop when this was seen: posts>=3,replies>=1,trades>=1")] = "",
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Stop after this many seconds.")] = None,
    why: Why = False,
    plain: Plain = False,
    ports: Annotated[str, typer.Option(help="`auto` for free ports, or a number added to the usual ones.")] = "",
    gateway: Annotated[bool, typer.Option(help="Start the gateway too: REST, events and the page.")] = True,
    model: Model = "",
) -> None:
    """Start the whole suite and show what the characters do; Ctrl-C stops it.

    With --until the exit code is 0 when all of it was seen, and 1 when it was stopped before.
    """
    from puppetctl.local.until import Goals
    from puppetctl.local.up import Options
    from puppetctl.local.up import up as run_up
    from puppetctl.terminal.display import open_console

    try:
        goals = Goals.parse(until) if until else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from None
    options = Options(
        data, personas, speed, goals, timeout, plain, ports, explains=why, has_gateway=gateway, model=model
    )
    run(run_up(options, os.environ, open_console(is_plain=plain)))


@app.command("open", rich_help_panel=BEGIN)
def open_(
    show: Annotated[bool, typer.Option("--print", help="Print the link, and open nothing.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Open the page of the suite that runs, signed in: what the characters do, and what waits for you.

    The link that it prints works once, within ten minutes, and signs in for twelve hours.
    """
    from puppetctl.local.page import open_page

    run_now(lambda: open_page(data, os.environ, opens=not show))


def _programs() -> list[str]:
    from puppetctl.suite import DEFAULT_PORTS

    return list(DEFAULT_PORTS)


def _models() -> list[str]:
    from sandbox.llm.model import PACKED

    return list(PACKED)


@app.command(rich_help_panel=SUITE)
def logs(
    programs: Annotated[
        list[str] | None,
        typer.Argument(help="Only these, such as agents or sandbox.x.", show_default="all", autocompletion=_programs),
    ] = None,
    level: Annotated[Level, typer.Option(help="Only what matters at least so much.")] = Level.INFO,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="At most so many, the last.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")] = False,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what the services and sandboxes have logged, by their times."""
    from puppetctl.local.logs import Wanted
    from puppetctl.local.logs import logs as run_logs

    run_now(lambda: run_logs(Wanted(programs or [], level.value, lines, follow), data, as_json=as_json))


@app.command(rich_help_panel=SUITE)
def model(
    name: Annotated[
        str, typer.Argument(help="Which one is to be here.", show_default="a list of them", autocompletion=_models)
    ] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You have read the terms that it comes under, and accept them.")
    ] = False,
) -> None:
    """Show the packed models of the sandbox, or fetch one: `up --model` and `rehearse --model` use it by its name."""
    from puppetctl.local.model import model as run_model

    run(run_model(name, os.environ, accepts=accept_terms))


@app.command(rich_help_panel=SUITE)
def call(
    method: Annotated[str, typer.Argument(help="For example memory/ListMemories.")],
    request: Annotated[str, typer.Argument(help="The request in JSON; `-` reads it from standard input.")] = "{}",
    timeout: Annotated[float | None, typer.Option(min=0.01, help="The deadline in seconds.", show_default="30")] = None,
    data: Data = DATA_DIR,
) -> None:
    """Call any RPC, and print its answer in JSON."""
    from puppetctl.call import call as run_call
    from puppetctl.call import service_of_or_agents

    run(run_call(method, request, timeout, data), service_of_or_agents(method))
