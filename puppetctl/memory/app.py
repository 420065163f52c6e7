"""`puppetctl memory`: what it can be asked. What a command needs is imported when it runs, as in `__main__`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import AgentId, Data, Force, Json, Yes, run

app = typer.Typer(help="Look into what the characters remember, and take care of it.", no_args_is_help=True)


class Kind(StrEnum):
    """What a memory is about, as the contract names it."""

    CORE = "core"
    RECENT = "recent"
    EVENT = "event"
    INTERACTION = "interaction"
    POST = "post"
    TRADE = "trade"
    RELATIONSHIP = "relationship"
    REFLECTION = "reflection"
    GENERAL = "general"


class Source(StrEnum):
    """Where a memory comes from, as the contract names it."""

    SELF = "self"
    OPERATOR = "operator"
    AGENT = "agent"
    EXTERNAL = "external"


Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Only this kind; can be repeated.")]


@app.command()
def search(
    agent: AgentId,
    query: Annotated[str, typer.Argument(help="What to look for, in words.")],
    min_relevance: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only what fits at least so well.", show_default="the service's")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 10,
    trusted: Annotated[bool, typer.Option("--trusted", help="Only the character's own and its operator's.")] = False,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Find memories by words and by meaning, best first, and show where each score comes from."""
    from puppetctl.memory.commands import search as run_search

    run(run_search(agent, query, min_relevance, limit, data, is_trusted=trusted, as_json=as_json), "memory")


@app.command("list")
def list_(
    agent: AgentId,
    kinds: Kinds = None,
    sources: Annotated[
        list[Source] | None, typer.Option("--source", help="Only from this source; can be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """List memories, newest first."""
    from puppetctl.memory.commands import list_memories

    run(list_memories(agent, kinds or [], sources or [], limit, data, as_json=as_json), "memory")


@app.command()
def stats(agent: AgentId, as_json: Json = False, data: Data = DATA_DIR) -> None:
    """Show what a character remembers, in numbers, and how far the vector index is."""
    from puppetctl.memory.commands import stats as run_stats

    run(run_stats(agent, data, as_json=as_json), "memory")


@app.command()
def export(
    agent: AgentId,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The file to write.", show_default="standard output")
    ] = None,
    force: Force = False,
    data: Data = DATA_DIR,
) -> None:
    """Write all memories with their history as JSON lines, which `import` reads."""
    from puppetctl.memory.commands import export as run_export

    run(run_export(agent, output, data, force=force), "memory")


@app.command("import")
def import_(
    agent: AgentId,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="What was exported.", show_default="standard input"),
    ] = None,
    data: Data = DATA_DIR,
) -> None:
    """Store what was exported; what the character has already is left as it is."""
    from puppet.memory.v1.memory_service_pb2 import ExportMemoriesResponse
    from puppetctl.memory.commands import import_memories
    from puppetctl.memory.jsonl import read

    if file is None and sys.stdin.isatty():
        raise typer.BadParameter("name what `export` wrote, or pipe it in", param_hint="FILE")
    try:
        # Here and not in the coroutine, where Ctrl-C could not end the wait for standard input.
        lines = read(file, ExportMemoriesResponse, required="memory")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    run(import_memories(agent, lines, data), "memory")


@app.command()
def delete(
    agent: AgentId, memory: Annotated[str, typer.Argument(metavar="ID", help="The memory's id.")], data: Data = DATA_DIR
) -> None:
    """Delete one memory and its history."""
    from puppetctl.memory.commands import delete as run_delete

    run(run_delete(agent, memory, data), "memory")


@app.command()
def clear(agent: AgentId, kinds: Kinds = None, yes: Yes = False, data: Data = DATA_DIR) -> None:
    """Delete all memories, or those of some kinds."""
    from puppetctl.memory.commands import clear as run_clear

    named = f"the {', '.join(kinds)} memories" if kinds else "all memories"
    _ask(f"Delete {named} of {agent}?", yes)
    run(run_clear(agent, kinds or [], data), "memory")


@app.command()
def purge(
    agent: AgentId,
    author: Annotated[str, typer.Option(help="Whose texts and deeds go: an agent's id, or x:<user id>.")] = "",
    source_id: Annotated[str, typer.Option(help="Which post, trade or event goes.")] = "",
    yes: Yes = False,
    data: Data = DATA_DIR,
) -> None:
    """Remove everything that one author or one post brought, so that nothing of it is left in the embedded files."""
    from puppetctl.memory.commands import purge as run_purge

    if bool(author) == bool(source_id):
        raise typer.BadParameter("give one of them", param_hint="--author, --source-id")
    _ask(f"Remove everything that {author or source_id} brought to {agent}?", yes)
    run(run_purge(agent, author, source_id, data), "memory")


@app.command()
def sweep(
    agent: Annotated[str, typer.Argument(help="The character's id.", show_default="all of them")] = "",
    data: Data = DATA_DIR,
) -> None:
    """Forget now what is due, as the service does every night."""
    from puppetctl.memory.commands import sweep as run_sweep

    run(run_sweep(agent, data), "memory")


@app.command()
def verify(data: Data = DATA_DIR) -> None:
    """Compare the vector index with the store; the exit code is 1 when they differ."""
    from puppetctl.memory.commands import verify as run_verify

    run(run_verify(data), "memory")


@app.command()
def reindex(data: Data = DATA_DIR) -> None:
    """Build the vector index anew from the store, and wait until it serves."""
    from puppetctl.memory.commands import reindex as run_reindex

    run(run_reindex(data), "memory")


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("is needed where there is no terminal to ask on", param_hint="--yes")
    typer.confirm(question, abort=True)
