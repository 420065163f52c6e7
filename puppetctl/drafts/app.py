"""`puppetctl drafts`: what it can be asked. What a command needs is imported when it runs, as in `__main__`."""

from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import Data, Json, SomeAgents, run

app = typer.Typer(help="See what the characters propose, and decide about it.", no_args_is_help=True)

DraftId = Annotated[str, typer.Argument(help="The draft's id.")]


@app.command("list")
def list_(
    agents: SomeAgents = None,
    every: Annotated[bool, typer.Option("--all", help="Those that were decided, too.")] = False,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """List the drafts that wait for somebody, newest first."""
    from puppetctl.drafts.commands import list_drafts

    run(list_drafts(agents or [], data, is_every=every, as_json=as_json))


@app.command()
def approve(draft: DraftId, data: Data = DATA_DIR) -> None:
    """Let a draft be carried out, and show what came of it."""
    from puppetctl.drafts.commands import approve as run_approve

    run(run_approve(draft, data))


@app.command()
def edit(
    draft: DraftId, text: Annotated[str, typer.Argument(help="What it is to say.")], data: Data = DATA_DIR
) -> None:
    """Change a draft's text; it goes on waiting."""
    from puppetctl.drafts.commands import edit as run_edit

    run(run_edit(draft, text, data))


@app.command()
def reject(
    draft: DraftId,
    comment: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Let nothing come of a draft."""
    from puppetctl.drafts.commands import reject as run_reject

    run(run_reject(draft, comment, data))
