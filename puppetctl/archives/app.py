"""`puppetctl backup`, `restore` and `delete`: what they can be asked."""

from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import CHARACTERS, AgentId, Data, Force, SomeAgents, Yes, run

app = typer.Typer()

Secrets = Annotated[
    bool,
    typer.Option(
        "--secrets",
        help="With credentials and keys, sealed by a passphrase: PUPPET_CTL_PASSPHRASE, or it is asked for.",
    ),
]


@app.command(rich_help_panel=CHARACTERS)
def backup(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    agents: SomeAgents = None,
    secrets: Secrets = False,
    force: Force = False,
    data: Data = DATA_DIR,
) -> None:
    """Write characters to a file: personas, memories, relationships, moods, plans, accounts, posts, wallets, trades.

    They may live on meanwhile. To move one, stop it first, and don't start it here again.
    """
    from puppetctl.archives.backup import backup as run_backup

    run(run_backup(agents or [], output, data, with_secrets=secrets, force=force))


@app.command(rich_help_panel=CHARACTERS)
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    agents: SomeAgents = None,
    start: Annotated[
        bool, typer.Option("--start", help="Start them: you say that they live nowhere else any more.")
    ] = False,
    no_secrets: Annotated[bool, typer.Option("--no-secrets", help="Leave the archive's secrets out.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Bring characters back from a file, stopped; one that is here already is never changed.

    A file that is damaged, or of a newer version, is refused before anything is written.
    """
    from puppetctl.archives.restore import Options
    from puppetctl.archives.restore import restore as run_restore

    run(run_restore(path, Options(agents or [], start, not no_secrets), data))


@app.command(rich_help_panel=CHARACTERS)
def delete(
    agent: AgentId,
    backup: Annotated[Path | None, typer.Option(help="Stop it, and write it to this file first.")] = None,
    secrets: Secrets = False,
    force: Force = False,
    keep_wallet: Annotated[
        bool, typer.Option("--keep-wallet", help="Let the wallet stay with its key, whatever it holds.")
    ] = False,
    yes: Yes = False,
    data: Data = DATA_DIR,
) -> None:
    """Delete a character, and all that it left in every service; what it posted stays on the network.

    A wallet that holds anything is never deleted.
    """
    from puppetctl.archives.deleting import delete as run_delete

    if not yes:
        typer.confirm(f"Delete {agent} with its memories, relationships, account and log?", abort=True)
    run(run_delete(agent, backup, data, with_secrets=secrets, keeps_wallet=keep_wallet, force=force))
