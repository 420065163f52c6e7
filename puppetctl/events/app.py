"""`puppetctl events`: what it can be asked. What a command needs is imported when it runs, as in `__main__`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from puppetctl import DATA_DIR
from puppetctl.cli import Data, Json, SomeAgents, run

app = typer.Typer(
    help="Let something happen to the characters: now, at a time, or again and again.", no_args_is_help=True
)


class What(StrEnum):
    """What happens."""

    NEWS = "news"
    """They hear of the text."""
    MOOD = "mood"
    """Their mood moves; the text says why."""
    SPEAK = "speak"
    """They speak to another one, about the text."""
    POST = "post"
    """They post, about the text."""
    FEED = "feed"
    """News are read from the text: the address of a feed or page."""


class Priority(StrEnum):
    """How soon it is taken up, as the contract names it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@app.command("list")
def list_(
    agents: SomeAgents = None,
    every: Annotated[bool, typer.Option("--all", help="Also what is over or cancelled.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """List what is to happen, newest first."""
    from puppetctl.events.commands import list_events

    run(list_events(agents or [], limit, data, is_every=every, as_json=as_json))


@app.command()
def publish(
    what: Annotated[What, typer.Argument(help="What happens.")],
    text: Annotated[str, typer.Argument(help="What is told, why the mood moves, or the topic.")] = "",
    agents: Annotated[list[str] | None, typer.Option("--to", help="Whom it reaches.", show_default="all")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="When, by this machine's clock."),
    ] = None,
    rule: Annotated[str, typer.Option(help="When again, by RFC 5545: FREQ=DAILY;BYHOUR=9;BYMINUTE=0.")] = "",
    zone: Annotated[str, typer.Option(help="The time zone of the rule, such as Europe/Berlin.")] = "UTC",
    priority: Annotated[Priority, typer.Option(help="How soon it is taken up.")] = Priority.HIGH,
    whom: Annotated[str, typer.Option(help="Whom they speak to: an id.")] = "",
    external: Annotated[bool, typer.Option("--external", help="News that you don't vouch for.")] = False,
    link: Annotated[str, typer.Option(help="Where the news were read.")] = "",
    probability: Annotated[float, typer.Option(min=0, max=1, help="How probably each posts about the news.")] = 1.0,
    valence: Annotated[float, typer.Option(min=-2, max=2, help="The push to the mood: unhappy to happy.")] = 0.0,
    arousal: Annotated[float, typer.Option(min=-1, max=1, help="The push to the mood: calm to excited.")] = 0.0,
    dominance: Annotated[float, typer.Option(min=-1, max=1, help="The push to the mood: how much in control.")] = 0.0,
    as_json: Json = False,
    data: Data = DATA_DIR,
) -> None:
    """Let something happen, and say under which id."""
    from puppetctl.events.commands import Wish
    from puppetctl.events.commands import publish as run_publish

    if what is What.SPEAK and not whom:
        raise typer.BadParameter("is needed to speak to somebody", param_hint="--whom")
    wish = Wish(what, text, whom, link, probability, (valence, arousal, dominance), is_external=external)
    run(run_publish(wish, agents or [], at, rule, zone, priority, data, as_json=as_json))


@app.command()
def cancel(
    events: Annotated[list[str], typer.Argument(metavar="ID...", help="The events' ids.")], data: Data = DATA_DIR
) -> None:
    """Let events happen no more."""
    from puppetctl.events.commands import cancel as run_cancel

    run(run_cancel(events, data))
