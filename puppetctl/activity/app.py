"""The commands about what characters do: what they can be asked. What a command needs is imported when it runs."""

from datetime import timedelta
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import ACTIVITY, BEGIN, AgentId, Data, Json, Plain, SomeAgents, Why, run

app = typer.Typer()


@app.command(rich_help_panel=BEGIN)
def chat(
    agent: AgentId,
    say: Annotated[
        str | None, typer.Option(help="Say this, and end.", show_default="what is typed, line by line")
    ] = None,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Talk to a character, to tune it: nothing is published or remembered, and it takes you for no stranger."""
    from puppetctl.activity.chat import chat as run_chat

    if say is not None and not say.strip():
        raise typer.BadParameter("is empty: there is nothing to answer", param_hint="--say")
    run(run_chat(agent, say or "", data, as_json=as_json), "llm")


@app.command(rich_help_panel=ACTIVITY)
def watch(
    agents: SomeAgents = None,
    why: Why = False,
    as_json: Json = False,
    plain: Plain = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what the characters do from now on; Ctrl-C ends it."""
    from puppetctl.activity.watching import View
    from puppetctl.activity.watching import watch as run_watch

    run(run_watch(agents or [], data, View(as_json, why, plain)))


@app.command(rich_help_panel=ACTIVITY)
def history(
    agents: SomeAgents = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Only this kind, such as post, reply or trade; repeatable.", show_default="all"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 20,
    hours: Annotated[float | None, typer.Option(min=0.001, help="Only of so many hours.", show_default="all")] = None,
    why: Why = False,
    as_json: Json = False,
    plain: Plain = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what the characters have done, oldest first; a reply stands below what it answers."""
    from puppetctl.activity.watching import KINDS, View, Wanted
    from puppetctl.activity.watching import history as run_history

    if unknown := sorted(set(kinds or ()) - KINDS.keys()):
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(KINDS)}", param_hint="--kind")
    wanted = Wanted(agents or [], kinds or [], limit, None if hours is None else timedelta(hours=hours))
    run(run_history(wanted, data, View(as_json, why, plain)))


@app.command(rich_help_panel=ACTIVITY)
def post(
    agent: AgentId,
    topic: Annotated[str, typer.Option(help="What about; the character chooses.")] = "",
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Let a character post now.

    The exit code is 0 when it did, 1 when it failed, 3 when it published nothing, and 4 when it is still at work.
    """
    from puppetctl.activity.acting import post as run_post

    run(run_post(agent, topic, data, as_json=as_json))


@app.command(rich_help_panel=ACTIVITY)
def reply(
    agent: AgentId,
    post: Annotated[str, typer.Argument(help="The network's id of the post, such as a mention's.")],
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Let a character answer a post now.

    The exit code is 0 when it did, 1 when it failed, 3 when it published nothing, and 4 when it is still at work.
    """
    from puppetctl.activity.acting import reply as run_reply

    run(run_reply(agent, post, data, as_json=as_json))


@app.command(rich_help_panel=ACTIVITY)
def trade(agent: AgentId, as_json: Json = False, data: Data = DATA_DIR) -> None:
    """Let a character consider a trade now; it may decide to hold.

    The exit code is 0 when it traded, 1 when it failed, 3 when it did nothing, and 4 when it is still at work.
    """
    from puppetctl.activity.acting import trade as run_trade

    run(run_trade(agent, data, as_json=as_json))


@app.command(rich_help_panel=ACTIVITY)
def explain(
    name: Annotated[str, typer.Argument(help="An activity, a post, a trade or a workflow, by its id.", metavar="ID")],
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as JSON.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The whole prompt, and every candidate.")] = False,
    data: Data = DATA_DIR,
) -> None:
    """Explain what a character did: why then, why about that, from which memories, and what it chose from."""
    from puppetctl.activity.explain import explain as run_explain

    run(run_explain(name, data, as_json=as_json, is_full=full))


@app.command(rich_help_panel=ACTIVITY)
def preview(
    agent: AgentId,
    to: Annotated[str, typer.Option(help="What is to be answered.")] = "",
    by: Annotated[str, typer.Option(help="The character that says that; a stranger when left out.")] = "",
    topic: Annotated[str, typer.Option(help="What to post about; the character chooses.")] = "",
    behaviour: Annotated[
        str, typer.Option(help="post, reply, trade_post, remark or reflect.", show_default="reply with --to, else post")
    ] = "",
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Show what a model would be asked now; nothing is written, remembered or counted, and no model is called."""
    from puppetctl.activity.explain import Wanted
    from puppetctl.activity.explain import preview as run_preview

    run(run_preview(Wanted(agent, behaviour, to, by, topic), data, as_json=as_json))


@app.command(rich_help_panel=ACTIVITY)
def costs(
    agents: SomeAgents = None,
    hours: Annotated[float | None, typer.Option(min=0.001, help="Only of so many hours.", show_default="all")] = None,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Show how many tokens the characters' words took, by character, as far as the log is kept."""
    from puppetctl.activity.costs import costs as run_costs

    run(run_costs(agents or [], None if hours is None else timedelta(hours=hours), data, as_json=as_json))
