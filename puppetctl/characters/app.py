"""The commands about characters: what they can be asked. What a command needs is imported when it runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import BEGIN, CHARACTERS, AgentId, Data, Force, Json, SomeAgents, run, run_now

app = typer.Typer()

Everyone = Annotated[bool, typer.Option("--all", help="All characters.")]


@app.command(rich_help_panel=BEGIN)
def new(
    name: Annotated[str, typer.Argument(help="What it is called.", show_default="asked for")] = "",
    who: Annotated[str, typer.Option(help="Who it is, in a sentence or two.", show_default="asked for")] = "",
    voice: Annotated[str, typer.Option(help="How it talks.", show_default="asked for")] = "",
    interests: Annotated[
        str, typer.Option(help="What it cares about, with commas between.", show_default="asked for")
    ] = "",
    post: Annotated[
        list[str] | None, typer.Option(help="A post of its own; repeatable.", show_default="asked for")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that the file is written to.")] = Path(),
    force: Force = False,
    start: Annotated[bool, typer.Option("--start", help="Bring it to life at once, in the suite that runs.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Write a persona file for a character of your own: asks five questions at a terminal.

    What an option says isn't asked, and without a terminal nothing is.
    """
    from puppetctl.characters.making import Answers, Options, split
    from puppetctl.characters.making import new as run_new

    given = Answers(name, who, voice, split(interests), tuple(post or ()))
    run(run_new(given, Options(out, data, force=force, start=start, asks=sys.stdin.isatty())))


@app.command(rich_help_panel=BEGIN)
def apply(
    files: Annotated[list[Path], typer.Argument(help="Persona files.")],
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Create characters from their files, or change those that exist, and start them.

    One whose file says `"is_active": false` is stopped. A bad file costs its character, and the exit code is 1.
    """
    from puppetctl.characters.commands import apply as run_apply

    run(run_apply(files, data, as_json=as_json))


@app.command("import", rich_help_panel=CHARACTERS)
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders to look through.", metavar="PATH...")],
    out: Annotated[Path, typer.Option(help="The folder that the persona files are written to.")] = Path(),
    form: Annotated[
        str,
        typer.Option("--format", help="elizaos, zerepy, tavern, soul or puppet, where it isn't recognised."),
    ] = "",
    name: Annotated[str, typer.Option(help="What to call the character; its id is made from it.")] = "",
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was taken as JSON.")] = False,
) -> None:
    """Make persona files of other projects' characters: elizaOS, ZerePy, SillyTavern, SOUL.md, Puppet Engine.

    It shows what became of every value of a file, and writes no secrets. A bad file costs its character, and the exit
    code is 1.
    """
    from puppetctl.importing.command import Options
    from puppetctl.importing.command import run as run_import

    run_now(lambda: run_import(paths, Options(out, form, name, force, as_json)))


@app.command(rich_help_panel=CHARACTERS)
def agents(agents: SomeAgents = None, as_json: Json = False, data: Data = DATA_DIR) -> None:
    """List the characters: how they feel, what they did, what comes next, and whose trading is halted."""
    from puppetctl.characters.commands import agents as run_agents

    run(run_agents(agents or [], data, as_json=as_json))


@app.command(rich_help_panel=CHARACTERS)
def start(agents: SomeAgents = None, everyone: Everyone = False, data: Data = DATA_DIR) -> None:
    """Start characters that were stopped."""
    from puppetctl.characters.commands import start as run_start

    run(run_start(_wanted(agents, everyone), data))


@app.command(rich_help_panel=CHARACTERS)
def stop(agents: SomeAgents = None, everyone: Everyone = False, data: Data = DATA_DIR) -> None:
    """Stop characters: they do nothing by themselves until `start`, through restarts too."""
    from puppetctl.characters.commands import stop as run_stop

    run(run_stop(_wanted(agents, everyone), data))


def _wanted(agents: list[str] | None, everyone: bool) -> list[str]:
    """Return who is meant; nobody named is all, and has to be said."""
    if bool(agents) is everyone:
        raise typer.BadParameter("name characters, or give --all")
    return agents or []


@app.command(rich_help_panel=CHARACTERS)
def mood(
    agent: AgentId,
    valence: Annotated[float | None, typer.Option(min=-2, max=2, help="-1, unhappy, to 1, happy.")] = None,
    arousal: Annotated[float | None, typer.Option(min=-1, max=1, help="0, calm, to 1, excited.")] = None,
    dominance: Annotated[float | None, typer.Option(min=-1, max=1, help="0, submissive, to 1, in control.")] = None,
    push: Annotated[bool, typer.Option("--push", help="Add these to how it feels, in place of setting them.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Show a character's mood as a curve; with values, change it first. How it trades is not moved by this."""
    from puppetctl.characters.moods import mood as run_mood

    given = {"valence": valence, "arousal": arousal, "dominance": dominance}
    levels = {side: value for side, value in given.items() if value is not None}
    if not levels and (push or reason):
        raise typer.BadParameter("name what to change: --valence, --arousal, --dominance")
    run(run_mood(agent, levels, reason, data, is_push=push, as_json=as_json))


@app.command(rich_help_panel=CHARACTERS)
def versions(agent: AgentId, as_json: Json = False, data: Data = DATA_DIR) -> None:
    """List the versions of a character's persona, newest first: when, by whom, and what has changed."""
    from puppetctl.characters.commands import versions as run_versions

    run(run_versions(agent, data, as_json=as_json))


@app.command(rich_help_panel=CHARACTERS)
def rollback(
    agent: AgentId,
    version: Annotated[int, typer.Argument(min=1, help="The number of the version.")],
    data: Data = DATA_DIR,
) -> None:
    """Give a character its persona of an earlier version, as a new one; its memories, mood and schedule stay."""
    from puppetctl.characters.commands import rollback as run_rollback

    run(run_rollback(agent, version, data))
