"""`puppetctl webhook`: what it can be asked. What a command needs is imported when it runs, as in `__main__`."""

import typer

from puppetctl.cli import run

app = typer.Typer(help="Messages to a person: that a draft waits, and alerts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the command's name, though it is the only one."""


@app.command()
def test() -> None:
    """Send a test message to where PUPPET_AGENTS_WEBHOOK_URL says, signed with PUPPET_AGENTS_WEBHOOK_SECRET."""
    from puppetctl.webhook.commands import send_test

    run(send_test())
