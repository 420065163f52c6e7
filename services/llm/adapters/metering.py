"""What is told of a model's work, by OpenTelemetry's semantic conventions for generative AI; never what was said."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

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


class ConcurrencyLimit:
    """A provider's concurrency: calls beyond it wait, and how many do is told."""

    def __init__(self, provider: str, concurrency: int) -> None:
        self._provider = provider
        self._slots = asyncio.Semaphore(concurrency)
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it until the block ends."""
        self._count(1)
        try:
            await self._slots.acquire()
        finally:
            self._count(-1)
        try:
            yield
        finally:
            self._slots.release()

    def _count(self, change: int) -> None:
        self._waiting += change
        WAITING.set(self._waiting, **{"gen_ai.provider.name": self._provider})
