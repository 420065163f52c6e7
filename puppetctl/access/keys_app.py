"""`puppetctl keys`: what it can be asked."""

from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import run

app = typer.Typer(help="Rotate the keys that seal secrets at rest.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="`social` or `trading`.")]
Data = Annotated[Path, typer.Option(help="The data folder of the suite.")]


@app.command()
def rotate(service: Service, data: Data = DATA_DIR) -> None:
    """Put a new key in front: the service seals everything with it when it next starts."""
    from puppetctl.access.keys import rotate as run_rotate

    run(run_rotate(service, data))


@app.command()
def forget(service: Service, data: Data = DATA_DIR) -> None:
    """Forget all keys but the newest; refused while the service runs, or something is still sealed by an older one."""
    from puppetctl.access.keys import forget as run_forget

    run(run_forget(service, data))
