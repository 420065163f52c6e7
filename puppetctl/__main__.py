"""`puppetctl`: what it can be asked. What a command needs is imported when it runs, so that `--help` comes at once."""

import os
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR, DEMO_PERSONAS
from puppetctl.access import app as access_app
from puppetctl.access.keys_app import app as keys_app
from puppetctl.archives.app import app as archives_app
from puppetctl.cli import AgentId, Data, Plain, run
from puppetctl.drafts.app import app as drafts_app
from puppetctl.events.app import app as events_app
from puppetctl.memory.app import app as memory_app
from puppetctl.rehearsal.app import commands as rehearsal_app
from puppetctl.webhook.app import app as webhook_app

app = typer.Typer(
    name="puppetctl",
    help="Run Puppet Engine on this machine, and talk to it wherever it runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(memory_app, name="memory")
app.add_typer(events_app, name="events")
app.add_typer(drafts_app, name="drafts")
app.add_typer(webhook_app, name="webhook")
app.add_typer(access_app.principals, name="principals")
app.add_typer(access_app.commands)
app.add_typer(keys_app, name="keys")
app.add_typer(archives_app)
app.add_typer(rehearsal_app)

Agents = Annotated[list[str] | None, typer.Argument(help="Only these characters' ids.", show_default=False)]

Everyone = Annotated[bool, typer.Option("--all", help="All characters.")]


@app.command()
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
    plain: Plain = False,
    ports: Annotated[str, typer.Option(help="`auto` for free ports, or a number added to the usual ones.")] = "",
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
    options = Options(data, personas, speed, goals, timeout, plain, ports)
    run(run_up(options, os.environ, open_console(is_plain=plain)))


@app.command()
def apply(
    files: Annotated[list[Path], typer.Argument(help="Persona files.")],
    data: Data = DATA_DIR,
) -> None:
    """Create characters from their files, or change those that exist, and start them.

    One whose file says `"is_active": false` is stopped. A bad file costs its character, and the exit code is 1.
    """
    from puppetctl.characters.commands import apply as run_apply

    run(run_apply(files, data))


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders to look through.", metavar="PATH...")],
    out: Annotated[Path, typer.Option(help="The folder that the persona files are written to.")] = Path(),
    form: Annotated[
        str,
        typer.Option("--format", help="elizaos, zerepy, tavern, soul or puppet, where it isn't recognised."),
    ] = "",
    name: Annotated[str, typer.Option(help="What to call the character; its id is made from it.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was taken as JSON.")] = False,
) -> None:
    """Make persona files of other projects' characters: elizaOS, ZerePy, SillyTavern, SOUL.md, Puppet Engine.

    It shows what became of every value of a file, and writes no secrets. A bad file costs its character, and the exit
    code is 1.
    """
    from puppetctl.cli import run_now
    from puppetctl.importing.command import Options
    from puppetctl.importing.command import run as run_import

    run_now(lambda: run_import(paths, Options(out, form, name, force, as_json)))


@app.command()
def agents(agents: Agents = None, data: Data = DATA_DIR) -> None:
    """List the characters: how they feel, what they did, what comes next, and whose trading is halted."""
    from puppetctl.characters.commands import agents as run_agents

    run(run_agents(agents or [], data))


@app.command()
def start(agents: Agents = None, everyone: Everyone = False, data: Data = DATA_DIR) -> None:
    """Start characters that were stopped."""
    from puppetctl.characters.commands import start as run_start

    run(run_start(_wanted(agents, everyone), data))


@app.command()
def stop(agents: Agents = None, everyone: Everyone = False, data: Data = DATA_DIR) -> None:
    """Stop characters: they do nothing by themselves until `start`, through restarts too."""
    from puppetctl.characters.commands import stop as run_stop

    run(run_stop(_wanted(agents, everyone), data))


def _wanted(agents: list[str] | None, everyone: bool) -> list[str]:
    """Return who is meant; nobody named is all, and has to be said."""
    if bool(agents) is everyone:
        raise typer.BadParameter("name characters, or give --all")
    return agents or []


@app.command()
def post(
    agent: AgentId,
    topic: Annotated[str, typer.Option(help="What about; the character chooses.")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Let a character post now.

    The exit code is 0 when it did, 1 when it failed, 3 when it published nothing, and 4 when it is still at work.
    """
    from puppetctl.characters.commands import post as run_post

    run(run_post(agent, topic, data))


@app.command()
def trade(agent: AgentId, data: Data = DATA_DIR) -> None:
    """Let a character consider a trade now; it may decide to hold.

    The exit code is 0 when it traded, 1 when it failed, 3 when it did nothing, and 4 when it is still at work.
    """
    from puppetctl.characters.commands import trade as run_trade

    run(run_trade(agent, data))


@app.command()
def reply(
    agent: AgentId,
    post: Annotated[str, typer.Argument(help="The network's id of the post, such as a mention's.")],
    data: Data = DATA_DIR,
) -> None:
    """Let a character answer a post now.

    The exit code is 0 when it did, 1 when it failed, 3 when it published nothing, and 4 when it is still at work.
    """
    from puppetctl.characters.commands import reply as run_reply

    run(run_reply(agent, post, data))


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="An activity, a post, a trade or a workflow, by its id.", metavar="ID")],
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as JSON.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The whole prompt, and every candidate.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Explain what a character did: why then, why about that, from which memories, and what it chose from."""
    from puppetctl.characters.explain import explain as run_explain

    run(run_explain(name, data, as_json=as_json, is_full=full))


@app.command()
def preview(
    agent: AgentId,
    to: Annotated[str, typer.Option(help="What is to be answered.")] = "",
    by: Annotated[str, typer.Option(help="The character that says that; a stranger when left out.")] = "",
    topic: Annotated[str, typer.Option(help="What to post about; the character chooses.")] = "",
    behaviour: Annotated[
        str, typer.Option(help="post, reply, trade_post, remark or reflect.", show_default="reply with --to, else post")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what a model would be asked now; nothing is written, remembered or counted, and no model is called."""
    from puppetctl.characters.explain import Wanted
    from puppetctl.characters.explain import preview as run_preview

    run(run_preview(Wanted(agent, behaviour, to, by, topic), data, as_json=as_json))


@app.command()
def mood(
    agent: AgentId,
    valence: Annotated[float | None, typer.Option(min=-2, max=2, help="-1, unhappy, to 1, happy.")] = None,
    arousal: Annotated[float | None, typer.Option(min=-1, max=1, help="0, calm, to 1, excited.")] = None,
    dominance: Annotated[float | None, typer.Option(min=-1, max=1, help="0, submissive, to 1, in control.")] = None,
    push: Annotated[bool, typer.Option("--push", help="Add these to how it feels, in place of setting them.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Show a character's mood as a curve; with values, change it first. How it trades is not moved by this."""
    from puppetctl.characters.moods import mood as run_mood

    given = {"valence": valence, "arousal": arousal, "dominance": dominance}
    levels = {side: value for side, value in given.items() if value is not None}
    if not levels and (push or reason):
        raise typer.BadParameter("name what to change: --valence, --arousal, --dominance")
    run(run_mood(agent, levels, reason, data, is_push=push))


@app.command()
def watch(
    agents: Agents = None,
    plain: Plain = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what the characters do from now on; Ctrl-C ends it."""
    from puppetctl.characters.commands import watch as run_watch

    run(run_watch(agents or [], data, is_plain=plain))


@app.command()
def portfolio(
    agent: AgentId,
    everything: Annotated[bool, typer.Option("--all", help="Also what came in otherwise than by trades.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what a character's wallet holds, what that cost and gained in SOL, and what it may still trade."""
    from puppetctl.wallets.books import portfolio as run_portfolio

    run(run_portfolio(agent, data, everything=everything), "trading")


@app.command()
def trades(
    agent: AgentId,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    data: Data = DATA_DIR,
) -> None:
    """List a character's trades, newest first."""
    from puppetctl.wallets.books import trades as run_trades

    run(run_trades(agent, limit, data), "trading")


@app.command()
def versions(agent: AgentId, data: Data = DATA_DIR) -> None:
    """List the versions of a character's persona, newest first: when, by whom, and what has changed."""
    from puppetctl.characters.commands import versions as run_versions

    run(run_versions(agent, data))


@app.command()
def rollback(
    agent: AgentId,
    version: Annotated[int, typer.Argument(min=1, help="The number of the version.")],
    data: Data = DATA_DIR,
) -> None:
    """Give a character its persona of an earlier version, as a new one; its memories, mood and schedule stay."""
    from puppetctl.characters.commands import rollback as run_rollback

    run(run_rollback(agent, version, data))


def _refuse_both(agent: str, everyone: bool) -> None:
    if agent and everyone:
        raise typer.BadParameter("name a character, or give --all")


@app.command()
def halt(
    agent: Annotated[str, typer.Argument(help="The character whose wallet is halted; all when left out.")] = "",
    everyone: Everyone = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Halt trading at once, until `resume`, through restarts too: nothing is signed any more."""
    from puppetctl.characters.commands import halt as run_halt

    _refuse_both(agent, everyone)
    run(run_halt(agent, reason, data), "trading")


@app.command()
def resume(
    agent: Annotated[
        str, typer.Argument(help="The character whose wallet is resumed; the halt over all when left out.")
    ] = "",
    everyone: Everyone = False,
    data: Data = DATA_DIR,
) -> None:
    """Lift a halt of trading."""
    from puppetctl.characters.commands import resume as run_resume

    _refuse_both(agent, everyone)
    run(run_resume(agent, data), "trading")


@app.command()
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


@app.command()
def doctor(
    data: Annotated[Path, typer.Option(help="The data folder that would be used.")] = DATA_DIR,
    personas: Annotated[
        Path, typer.Option(help="The folder of the characters' files.", show_default="personas")
    ] = DEMO_PERSONAS,
) -> None:
    """Check this machine and what runs of the suite; the exit code is 1 when something needs mending."""
    from puppetctl.checks.doctor import doctor as run_doctor

    run(run_doctor(data, os.environ, personas))


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
    app()


if __name__ == "__main__":
    main()
