"""The commands about wallets: what they can be asked. What a command needs is imported when it runs."""

from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import WALLETS, AgentId, Data, Json, run
from puppetctl.completion import complete_agents

app = typer.Typer()

Everyone = Annotated[bool, typer.Option("--all", help="All characters.")]


@app.command(rich_help_panel=WALLETS)
def portfolio(
    agent: AgentId,
    everything: Annotated[bool, typer.Option("--all", help="Also what came in otherwise than by trades.")] = False,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what a character's wallet holds, what that cost and gained in SOL, and what it may still trade."""
    from puppetctl.wallets.books import portfolio as run_portfolio

    run(run_portfolio(agent, data, everything=everything, as_json=as_json), "trading")


@app.command(rich_help_panel=WALLETS)
def trades(
    agent: AgentId,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """List a character's trades, newest first."""
    from puppetctl.wallets.books import trades as run_trades

    run(run_trades(agent, limit, data, as_json=as_json), "trading")


def _refuse_both(agent: str, everyone: bool) -> None:
    if agent and everyone:
        raise typer.BadParameter("name a character, or give --all")


@app.command(rich_help_panel=WALLETS)
def halt(
    agent: Annotated[
        str,
        typer.Argument(help="The character whose wallet is halted; all when left out.", autocompletion=complete_agents),
    ] = "",
    everyone: Everyone = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Halt trading at once, until `resume`, through restarts too: nothing is signed any more."""
    from puppetctl.wallets.halting import halt as run_halt

    _refuse_both(agent, everyone)
    run(run_halt(agent, reason, data), "trading")


@app.command(rich_help_panel=WALLETS)
def resume(
    agent: Annotated[
        str,
        typer.Argument(
            help="The character whose wallet is resumed; the halt over all when left out.",
            autocompletion=complete_agents,
        ),
    ] = "",
    everyone: Everyone = False,
    data: Data = DATA_DIR,
) -> None:
    """Lift a halt of trading."""
    from puppetctl.wallets.halting import resume as run_resume

    _refuse_both(agent, everyone)
    run(run_resume(agent, data), "trading")
