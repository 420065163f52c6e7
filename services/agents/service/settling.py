"""Waiting for an effect in the world: sent once, and looked at until it is settled."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.proposals import Pass
from services.agents.ports.stored import Progress
from services.agents.ports.workflows import Run, StepFailed

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_LONGEST_DOUBT_SECONDS = 300.0
_LONGEST_RESEND_SECONDS = 60.0  # each one asks a network that may have said to come back later


class Effect(Protocol):
    """A post or a trade on its way."""

    @property
    def id(self) -> str:
        """Names it in the service that carries it out."""
        ...

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed, or hasn't settled yet."""
        ...


T = TypeVar("T")
EffectT = TypeVar("EffectT", bound=Effect)


async def settled(
    run: Run,
    send: Callable[[], Awaitable[EffectT | Pass]],
    look: Callable[[str], Awaitable[EffectT]],
    timeout_seconds: float,
    *,
    is_last: bool = False,
) -> EffectT | Pass:
    """Send, and wait until the effect is settled; a Pass says why nothing was sent.

    Where no step is kept after it (`is_last`), an effect that is settled at once isn't kept either: sent again by the
    same name it is found. All else is kept, since what the log says didn't happen must not happen in a replay.

    Raises StepFailed when the effect failed, or isn't settled in time.
    """
    effect: EffectT | None = None
    waited, pause = 0.0, _FIRST_PAUSE_SECONDS
    while True:
        try:
            if effect:
                effect = await run.step("look", partial(look, effect.id))
            else:
                sent = await run.step("send", send, may_repeat=_is_settled if is_last else None)
                if isinstance(sent, Pass):
                    return sent
                effect = sent
        except StepFailed as failed:
            # It may have been taken, to happen later: it is asked for again, by the same name.
            if failed.reason != DependencyUnavailable.reason or waited >= timeout_seconds:
                raise
        if effect and (effect.progress is not Progress.UNDER_WAY or waited >= timeout_seconds):
            break
        await run.sleep(pause)
        longest = _LONGEST_PAUSE_SECONDS if effect else _LONGEST_RESEND_SECONDS
        waited, pause = waited + pause, min(2 * pause, longest)
    if effect.progress is not Progress.SETTLED:
        raise StepFailed(effect.progress.name, effect.reason or "its outcome is not known yet")
    return effect


def _is_settled(sent: Effect | Pass) -> bool:
    return not isinstance(sent, Pass) and sent.progress is Progress.SETTLED


async def withdrawn(run: Run, withdraw: Callable[[], Awaitable[EffectT | None]], failed: StepFailed) -> EffectT:
    """Take an effect back; return it when it turns out to have happened, else raise why it hasn't."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        effect = await persistent(run, "withdraw", withdraw)
        if effect is None or effect.progress in (Progress.FAILED, Progress.UNDECIDED):
            raise failed
        if effect.progress is Progress.SETTLED:
            return effect
        await run.sleep(pause)
        pause = min(2 * pause, _LONGEST_DOUBT_SECONDS)


async def persistent(run: Run, name: str, action: Callable[[], Awaitable[T]]) -> T:
    """Do this step until the other service answers. Raises StepFailed when it refuses."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await run.step(name, action)
        except StepFailed as failed:
            if failed.reason != DependencyUnavailable.reason:
                raise
        await run.sleep(pause)
        pause = min(2 * pause, _LONGEST_DOUBT_SECONDS)
