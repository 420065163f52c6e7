"""The commands that say who may call: tokens, delegations, principals and certificates."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import ACCESS, Json, Yes, run_now

Data = Annotated[Path, typer.Option(help="The data folder of the suite, with its principals.")]
Name = Annotated[str, typer.Argument(help="The principal's name.")]

principals = typer.Typer(help="Who may call the services, and what each may do.", no_args_is_help=True)
commands = typer.Typer()


@commands.command(rich_help_panel=ACCESS)
def token(
    service: Annotated[
        str, typer.Argument(help="The service that it opens: agents, memory, llm, trading, social or gateway.")
    ],
    hours: Annotated[float, typer.Option(min=0.01, help="How long it holds; 744 at most.")] = 1,
    data: Data = DATA_DIR,
) -> None:
    """Print a token for one service, for others to send as `authorization: Bearer TOKEN`."""
    from puppetctl.access import commands as access

    run_now(lambda: access.token(service, timedelta(hours=hours), data, os.environ))


@commands.command(rich_help_panel=ACCESS)
def delegate(
    method: Annotated[str, typer.Argument(help="The RPC that is to be called, for example agents/CreateAgent.")],
    agent: Annotated[str, typer.Argument(help="The character that it is about.")],
    data: Data = DATA_DIR,
) -> None:
    """Print what an RPC needs that goes on to other services, for `-H "puppet-delegation: ..."`; it holds 2 minutes."""
    from puppetctl.access import commands as access

    run_now(lambda: access.delegation(method, agent, data, os.environ))


@commands.command(rich_help_panel=ACCESS)
def certs(
    folder: Annotated[Path, typer.Argument(help="Where they are written; an authority that is there is used again.")],
    host: Annotated[
        list[str] | None, typer.Option(help="Where a service is, for example memory=10.0.0.4; repeatable.")
    ] = None,
    principal: Annotated[list[str] | None, typer.Option(help="A further principal; repeatable.")] = None,
) -> None:
    """Make an authority and the certificates of the five services and the operator."""
    from puppetctl.access import commands as access

    run_now(lambda: access.certificates(folder, host or [], principal or []))


@commands.command(rich_help_panel=ACCESS)
def mcp(data: Data = DATA_DIR) -> None:
    """Let an assistant look after the characters: the Model Context Protocol, on standard input and output.

    It has the rights of the credential at PUPPET_CTL_CREDENTIAL, else the operator's.
    """
    from puppetctl.access.mcp import run as run_mcp

    run_now(lambda: run_mcp(data))


@principals.command("list")
def list_(as_json: Json = False, data: Data = DATA_DIR) -> None:
    """List the principals."""
    from puppetctl.access import commands as access

    run_now(lambda: access.show(data, as_json=as_json))


@principals.command()
def add(
    name: Name,
    kind: Annotated[str, typer.Option(help="operator, reader or client; service for one that was revoked.")] = "client",
    agent: Annotated[
        list[str] | None, typer.Option(help="A character that a client may be about; repeatable; all when left out.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Let a client change things, not only read.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Add a principal, and say where its credential is."""
    from puppetctl.access import commands as access

    run_now(lambda: access.add(name, kind, agent, data, may_write=write))


@principals.command()
def rotate(name: Name, data: Data = DATA_DIR) -> None:
    """Give a principal a new key: what the old one has signed is refused from now on."""
    from puppetctl.access import commands as access

    run_now(lambda: access.rotate(name, data))


@principals.command()
def revoke(name: Name, yes: Yes = False, data: Data = DATA_DIR) -> None:
    """Take a principal out: its credential opens nothing any more, from the next call on.

    A service and the last operator go only with --yes.
    """
    from puppetctl.access import commands as access

    run_now(lambda: access.revoke(name, data, is_sure=yes))
