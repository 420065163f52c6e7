"""What the commands share: arguments, and how a command is run and ends."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from puppetctl.completion import complete_agents

_BROKEN_PIPE = 141
"""The exit code of a process that SIGPIPE has ended, as shells tell it."""

# The parts of `puppetctl --help`, in its order.
BEGIN = "To begin with"
CHARACTERS = "Characters"
ACTIVITY = "What they do, and why"
WALLETS = "Wallets"
SUITE = "The suite"
ACCESS = "Who may call"

Plain = Annotated[bool, typer.Option("--plain", help="No colours, and nothing that moves.")]
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON, of a list a line for each item.")]
Why = Annotated[bool, typer.Option("--why", "-v", help="All reasons, with scores and models.")]
AgentId = Annotated[str, typer.Argument(help="The character's id.", autocompletion=complete_agents)]
SomeAgents = Annotated[
    list[str] | None,
    typer.Argument(help="Only these characters' ids.", show_default=False, autocompletion=complete_agents),
]
Data = Annotated[
    Path,
    typer.Option(help="The suite's data folder: it says where the suite runs, and holds the operator's credential."),
]
Model = Annotated[
    str,
    typer.Option(
        help="The sandbox's model: a GGUF file, `gemma`, whose terms are asked about once, or `qwen`, which is large.",
        show_default="smollm2",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


def run(command: Coroutine[Any, Any, int], service: str = "agents") -> None:
    """Run a command, which calls this service; what it can't do is said in words, never as a traceback."""
    import grpc

    from puppetctl.clients import in_words, nobody_answers, refused_by
    from puppetctl.suite import SuiteError
    from puppetctl.terminal.errors import fail
    from services.runtime.rpc.status import Remote

    try:
        code = asyncio.run(command)
    except SuiteError as error:
        fail(str(error))
    except grpc.aio.AioRpcError as error:
        remote = Remote(error)
        fail(in_words(error, service), remote.reason, is_of_services=bool(refused_by(remote)))
    except grpc.FutureTimeoutError:
        fail(nobody_answers(service))
    except BrokenPipeError:
        _leave_pipe()
    except OSError as error:
        fail(_os_error(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def run_now(command: Callable[[], int]) -> None:
    """Run a command that calls no service; what it can't do is said in words."""
    from puppetctl.suite import SuiteError
    from puppetctl.terminal.errors import fail
    from services.runtime.settings import SettingsError

    try:
        code = command()
    except (SuiteError, SettingsError) as error:
        fail(str(error))
    except BrokenPipeError:
        _leave_pipe()
    except OSError as error:
        fail(_os_error(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def _leave_pipe() -> None:
    """End as programs do whose reader has seen enough, such as `head`: without a word."""
    # What is still to be written would be complained about when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(_BROKEN_PIPE)


def _os_error(error: OSError) -> str:
    """Return what the system refuses, in words: above all files of another user."""
    words = error.strerror or str(error)
    return f"{error.filename}: {words}" if error.filename else words
