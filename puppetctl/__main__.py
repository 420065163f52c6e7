"""`puppetctl`: what it can be asked. What a command needs is imported when it runs, so that `--help` comes at once."""

import io
import os
import sys
from typing import Annotated

import typer

from puppetctl.access.app import commands as access_app
from puppetctl.access.app import principals as principals_app
from puppetctl.access.keys_app import app as keys_app
from puppetctl.activity.app import app as activity_app
from puppetctl.archives.app import app as archives_app
from puppetctl.characters.app import app as characters_app
from puppetctl.checks.app import app as checks_app
from puppetctl.cli import ACCESS, ACTIVITY, CHARACTERS, SUITE
from puppetctl.drafts.app import app as drafts_app
from puppetctl.events.app import app as events_app
from puppetctl.local.app import app as local_app
from puppetctl.memory.app import app as memory_app
from puppetctl.rehearsal.app import commands as rehearsal_app
from puppetctl.wallets.app import app as wallets_app
from puppetctl.webhook.app import app as webhook_app

app = typer.Typer(
    name="puppetctl",
    help="Run Puppet Engine on this machine, and talk to it wherever it runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
# In the order in which somebody who is new needs them.
app.add_typer(local_app)
app.add_typer(characters_app)
app.add_typer(rehearsal_app)
app.add_typer(activity_app)
app.add_typer(drafts_app, name="drafts", rich_help_panel=ACTIVITY)
app.add_typer(events_app, name="events", rich_help_panel=ACTIVITY)
app.add_typer(memory_app, name="memory", rich_help_panel=CHARACTERS)
app.add_typer(archives_app)
app.add_typer(wallets_app)
app.add_typer(checks_app)
app.add_typer(webhook_app, name="webhook", rich_help_panel=SUITE)
app.add_typer(principals_app, name="principals", rich_help_panel=ACCESS)
app.add_typer(access_app)
app.add_typer(keys_app, name="keys", rich_help_panel=ACCESS)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"puppet-engine {version('puppet-engine')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    # What it writes, exports of memories and logs too, is for the eyes of the user who runs it.
    os.umask(0o077)
    # gRPC's core writes its own notes to standard error, in the middle of the feed.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for stream in (sys.stdout, sys.stderr):
        # Names and posts hold any letter; a terminal that doesn't know one gets `?` and no traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()
