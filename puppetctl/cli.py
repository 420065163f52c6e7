"""What the commands share: arguments, and how a command is run and ends."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

Plain = Annotated[bool, typer.Option("--plain", help="No colours, and nothing that moves.")]
AgentId = Annotated[str, typer.Argument(help="The character's id.")]
Data = Annotated[
    Path,
    typer.Option(help="The suite's data folder: it says where the suite runs, and holds the operator's credential."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


def run(command: Coroutine[Any, Any, int], service: str = "agents") -> None:
    """Run a command, which calls this service; what it can't do is said in words, never as a traceback."""
    import grpc

    from puppetctl.clients import in_words, nobody_answers
    from puppetctl.suite import SuiteError

    try:
        code = asyncio.run(command)
    except SuiteError as error:
        _fail(str(error))
    except grpc.aio.AioRpcError as error:
        _fail(in_words(error, service))
    except grpc.FutureTimeoutError:
        _fail(nobody_answers(service))
    except OSError as error:
        _fail(_os_error(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def run_now(command: Callable[[], int]) -> None:
    """Run a command that calls no service; what it can't do is said in words."""
    from puppetctl.suite import SuiteError
    from services.runtime.settings import SettingsError

    try:
        code = command()
    except (SuiteError, SettingsError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(_os_error(error))
    raise typer.Exit(code)


def _os_error(error: OSError) -> str:
    """Return what the system refuses, in words: above all files of another user."""
    words = error.strerror or str(error)
    return f"{error.filename}: {words}" if error.filename else words


def _fail(message: str) -> None:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)
