"""The command `puppetctl rehearse`: what it can be asked."""

import os
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DEMO_PERSONAS
from puppetctl.cli import BEGIN, Force, Model, Plain, Why, run

commands = typer.Typer()


@commands.command(rich_help_panel=BEGIN)
def rehearse(
    personas: Annotated[
        list[Path] | None, typer.Argument(help="Persona files; the demo characters where none is given.")
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(min=0.01, max=365, help="How many of their days they live.", show_default="7; with --posts: none"),
    ] = None,
    posts: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            help="Ask each for so many posts at once; with --days: end when each has posted so often.",
            show_default="none",
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=1, max=100_000, help="The most of their hours in one of ours; less where the model is slower."
        ),
    ] = 3600,
    seed: Annotated[int, typer.Option(help="Draws who writes to them, what and when.")] = 0,
    output: Annotated[Path | None, typer.Option(help="Where the page is written.", show_default="none")] = None,
    force: Force = False,
    beside: Annotated[
        Path | None, typer.Option(help="Another persona, such as the old one, that is rehearsed for comparison.")
    ] = None,
    provider: Annotated[
        str,
        typer.Option(help="Who writes, by the settings of the llm service, such as openai: tokens of it cost money."),
    ] = "local",
    model: Model = "",
    beside_provider: Annotated[
        str, typer.Option(help="Who writes in a second rehearsal, for comparison.", show_default="as in the first")
    ] = "",
    beside_model: Annotated[
        str,
        typer.Option(help="The sandbox's model in a second rehearsal, for comparison.", show_default="as in the first"),
    ] = "",
    alone: Annotated[bool, typer.Option("--alone", help="Without the demo characters as neighbours.")] = False,
    price_in: Annotated[
        float | None, typer.Option(min=0, help="US dollars for a million tokens that a model reads.")
    ] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="For a million that it writes.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep databases and logs in this folder.", show_default="nothing")
    ] = None,
    why: Why = False,
    plain: Plain = False,
) -> None:
    """Let characters live some days in minutes, against the sandbox, and report what they did; Ctrl-C ends it sooner.

    With --posts alone no day is lived: each is asked for posts, and all of them are shown; --why shows what fell, too.
    Nothing is published, traded or remembered anywhere else: settings and secrets of the real world are left out. Only
    --provider brings in something live, which is the language model alone.
    """
    from puppetctl.rehearsal.command import Options
    from puppetctl.rehearsal.command import run as run_rehearsal

    options = Options(
        personas=personas or [],
        days=days,
        posts=posts,
        speed=speed,
        seed=seed,
        output=output,
        force=force,
        beside=beside,
        provider=provider,
        is_alone=alone,
        price_in=price_in,
        price_out=price_out,
        keep=keep,
        is_plain=plain,
        model=model,
        beside_model=beside_model,
        beside_provider=beside_provider,
        explains=why,
    )
    run(run_rehearsal(options, os.environ, DEMO_PERSONAS))
