"""What is told of a model's work, by OpenTelemetry's semantic conventions for generative AI; never what was said."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

from services.llm.domain.usage import Usage
from services.runtime import telemetry
from services.runtime.telemetry import Gauge, Histogram, Kind

SECONDS = Histogram(
    "gen_ai.client.operation.duration",
    "s",
    "How long models took to write, waiting for a slot included.",
    (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320),
)
TOKENS = Histogram(
    "gen_ai.client.token.usage",
    "{token}",
    "How many tokens were read and written.",
    (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144),
)
WAITING = Gauge("puppet.llm.queue", "{call}", "How many calls wait for a slot at a provider.")


class Writing:
    """A model that is writing."""

    def __init__(self) -> None:
        self.usage = Usage()
        """What it took, as far as it is known."""


@contextlib.contextmanager
def writing(provider: str, model: str, operation: str = "chat") -> Iterator[Writing]:
    """Tell of the block as one operation of a provider's model; of streams as well, which end anywhere."""
    attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": provider, "gen_ai.request.model": model}
    span = telemetry.opened(f"{operation} {model}".strip(), Kind.CLIENT, **attributes)
    work, started = Writing(), time.monotonic()
    try:
        yield work
    except BaseException as error:
        span.fail(telemetry.reason_of(error))
        raise
    finally:
        tokens = {"input": work.usage.prompt_tokens, "output": work.usage.completion_tokens}
        for kind, count in tokens.items():
            if count:
                span.tell(**{f"gen_ai.usage.{kind}_tokens": count})
                TOKENS.record(count, **attributes, **{"gen_ai.token.type": kind})
        span.end()
        SECONDS.record(time.monotonic() - started, **attributes)


_Line: TypeAlias = dict[asyncio.Future[None], None]
"""Those who wait, in the order in which they came."""

_MAX_AWAITED_IN_A_ROW = 3
"""So many slots go to awaited calls, one after the other, while one waits for which nobody does."""


class ConcurrencyLimit:
    """A provider's concurrency: calls beyond it wait, and how many do is told.

    A slot that becomes free goes to an awaited call before the others, and within each kind to the one that came first.
    While both kinds wait, the others get every fourth: the n-th of them has one after 4 n slots have become free, at
    the latest.
    """

    def __init__(self, provider: str, concurrency: int) -> None:
        self._provider = provider
        self._free = concurrency
        self._awaited: _Line = {}
        self._others: _Line = {}
        self._awaited_in_a_row = 0

    @contextlib.asynccontextmanager
    async def slot(self, *, is_awaited: bool = False) -> AsyncIterator[None]:
        """Wait for a slot, and have it until the block ends; an awaited call is one for whose answer somebody waits."""
        await self._acquire(self._awaited if is_awaited else self._others)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, line: _Line) -> None:
        if self._free:
            # Nobody waits: a slot that becomes free is handed on.
            self._free -= 1
            self._tell()
            return
        turn = asyncio.get_running_loop().create_future()
        line[turn] = None
        self._tell()
        try:
            await turn
        except asyncio.CancelledError:
            line.pop(turn, None)
            self._tell()
            if not turn.cancelled():
                # It was this call's turn in the moment in which its caller left.
                self._release()
            raise

    def _release(self) -> None:
        """Hand a slot on to who is next, or keep it for who comes."""
        while line := self._next():
            turn = next(iter(line))
            del line[turn]
            # One whose caller has left stands in its line until it has heard of that.
            if not turn.done():
                is_overtaking = line is self._awaited and bool(self._others)
                self._awaited_in_a_row = self._awaited_in_a_row + 1 if is_overtaking else 0
                turn.set_result(None)
                self._tell()
                return
        self._free += 1

    def _next(self) -> _Line:
        """Return the line whose turn it is; an empty one when nobody waits."""
        is_others_turn = not self._awaited or self._awaited_in_a_row >= _MAX_AWAITED_IN_A_ROW
        return self._others if self._others and is_others_turn else self._awaited

    def _tell(self) -> None:
        WAITING.set(len(self._awaited) + len(self._others), **{"gen_ai.provider.name": self._provider})
