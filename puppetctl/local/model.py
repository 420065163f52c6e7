"""The sandbox's model: which one is wanted, whether its terms are accepted, and that it is here."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from puppetctl.suite import Suite, SuiteError
from sandbox.llm.model import (
    NAMES,
    PACKED,
    QWEN,
    SETTING,
    SMOLLM2,
    ModelError,
    PackedModel,
    accept,
    cached_model,
    check_accepted,
    find_model,
    is_accepted,
    packed_model,
    to_be_fetched,
)

_STOP_SECONDS = 5.0
_TERMS_FILE = "GEMMA_TERMS.html"


def with_model(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the environment in which the sandbox has this model; without a name it is what it was."""
    return {**environment, SETTING: name} if name else dict(environment)


def agree(environment: Mapping[str, str]) -> None:
    """See that the sandbox's model may be used: its terms are asked about once, where somebody can answer.

    Raises SuiteError for one that isn't there, or is another format, and where there is nobody to answer.
    """
    given = environment.get(SETTING, "")
    packed = packed_model(given)
    try:
        if packed is None:
            find_model(given)
        else:
            _agree(packed)
    except ModelError as error:
        raise SuiteError(str(error)) from None


def better(environment: Mapping[str, str]) -> str:
    """Return which model has more sense than the one that the sandbox has; empty where somebody has chosen theirs."""
    if packed_model(environment.get(SETTING, "")) is not SMOLLM2:
        return ""
    return f"Words with more sense: stop this, and `puppetctl up --model {QWEN.name}` ({QWEN.download}, fetched once)."


async def prepare(environment: Mapping[str, str], suite: Suite, tell: Callable[[str], None]) -> None:
    """Fetch the model that a suite uses, where it isn't here yet. Raises SuiteError."""
    if not suite.address("sandbox.llm"):
        return
    try:
        packed = to_be_fetched(environment.get(SETTING, ""))
    except ModelError as error:
        raise SuiteError(str(error)) from None
    if packed:
        tell(f"fetching the language model {packed.title}, once: {packed.download}")
        await fetched(environment, packed)


async def fetched(environment: Mapping[str, str], packed: PackedModel) -> None:
    """Fetch a model into the user's cache. Raises SuiteError, which says what to do."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.llm.fetch", packed.name), env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            # It takes back what is half done.
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    if process.returncode != 0:
        raise SuiteError(errors.decode(errors="replace").strip() or "The language model was not fetched")


async def model(name: str, environment: Mapping[str, str], *, accepts: bool) -> int:
    """Have a packed model here, whose terms are accepted with `accepts`; without a name list what there is."""
    if not name:
        for packed in PACKED.values():
            typer.echo(f"{packed.name:<9}{packed.title}, {packed.download}, {_licence(packed)}: {_state(packed)}")
        return 0
    wanted = packed_model(name)
    if wanted is None:
        raise SuiteError(f"no packed model is called {name}: there are {NAMES}")
    try:
        if accepts:
            accept(wanted)
        _agree(wanted)
        if to_be_fetched(name):
            typer.echo(f"Fetching {wanted.title}, once: {wanted.download}")
            await fetched(environment, wanted)
        path = find_model(name)
    except ModelError as error:
        raise SuiteError(str(error)) from None
    typer.echo(f"{wanted.title} is at {path}")
    if wanted.terms:
        typer.echo(f"The {wanted.terms.title} are at {wanted.terms.address}, and at {path.with_name(_TERMS_FILE)}")
    return 0


def _agree(packed: PackedModel) -> None:
    """Ask about a model's terms, unless that was done. Raises ModelError."""
    if packed.terms is not None and not is_accepted(packed) and _is_answered():
        typer.echo(
            f"{packed.title} comes under the {packed.terms.title}, which restrict what it may be used for:\n"
            f"{packed.terms.address} (a copy, {_TERMS_FILE}, is kept beside the model). By using it you agree to them."
        )
        if typer.confirm("Do you accept them?"):
            accept(packed)
    check_accepted(packed)


def _is_answered() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _licence(packed: PackedModel) -> str:
    if packed.terms is None:
        return "Apache-2.0"
    return f"{packed.terms.title} ({'accepted' if is_accepted(packed) else 'not accepted'})"


def _state(packed: PackedModel) -> str:
    path: Path | None = None
    with contextlib.suppress(ModelError):
        path = find_model(packed.name)
    return (
        f"at {path}" if path and not to_be_fetched(packed.name) else f"not here; it would lie at {cached_model(packed)}"
    )
