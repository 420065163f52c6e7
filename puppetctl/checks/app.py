"""The command `puppetctl doctor`: what it can be asked."""

import os
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR, DEMO_PERSONAS
from puppetctl.cli import SUITE, Json, run

app = typer.Typer()


@app.command(rich_help_panel=SUITE)
def doctor(
    data: Annotated[Path, typer.Option(help="The data folder that would be used.")] = DATA_DIR,
    personas: Annotated[
        Path, typer.Option(help="The folder of the characters' files.", show_default="personas")
    ] = DEMO_PERSONAS,
    as_json: Json = False,
) -> None:
    """Check this machine and what runs of the suite; the exit code is 1 when something needs mending."""
    from puppetctl.checks.doctor import doctor as run_doctor

    run(run_doctor(data, os.environ, personas, as_json=as_json))
