"""The order of fallback: which provider is asked, and for how long."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import (
    BudgetExhausted,
    Failure,
    ProviderNotFound,
    ProviderRateLimited,
    ProviderRefused,
    ProviderUnavailable,
    failed,
)
from services.llm.domain.generation import Asked, Generation, Price, StreamEnd, sum_nanos
from services.llm.domain.models import Model, Unlisted
from services.llm.domain.prompt import Task
from services.llm.ports import Guarded, Provider
from services.runtime.errors import PuppetError
from services.runtime.pages import Page, Paged

log = logging.getLogger(__name__)

Made = TypeVar("Made", Generation, Embedding)

_FAILURES = (ProviderRefused, ProviderRateLimited, ProviderUnavailable, BudgetExhausted)


@dataclass(frozen=True, slots=True)
class _Failed:
    """A provider that didn't answer, and what its failing cost in this call: nothing where it wasn't asked."""

    provider: str
    failure: Failure
    cost_nanos: int | None


LISTING_SECONDS = 5.0
"""How long a provider has to list its models before it is named as one that could not."""


class Providers:
    """The configured providers, in the order of fallback.

    Times are on the event loop's clock. Each provider gets an even share of the time that is left when its turn comes,
    so that one that hangs leaves time for the next. One whose breaker is open is left out.
    """

    def __init__(self, providers: Sequence[Guarded], timeout_seconds: float) -> None:
        """Take the providers and how long a call without a deadline waits for them, in seconds."""
        self._providers = tuple(providers)
        self._timeout_seconds = timeout_seconds

    async def generate(self, provider: str, task: Task, until: float | None) -> Generation:
        """Have the candidates written by the named provider, or else by the first that answers.

        Raises ProviderNotFound, ProviderRefused, ProviderRateLimited, AllProvidersRefused, NoProviderAvailable and
        BudgetExhausted.
        """
        written = await self._first(task, provider, until, lambda each, seconds: each.generate(task, seconds))
        log.info("generated", extra=_facts(task, written))
        return written

    async def embed(self, provider: str, task: EmbedTask, until: float | None) -> Embedding:
        """Have vectors made by the named provider, or else by the first that makes them.

        Raises as generate.
        """

        async def ask(each: Guarded, seconds: float) -> Embedding:
            return (await each.embed(task, seconds)).as_asked(task)

        made = await self._first(task, provider, until, ask)
        log.info("embedded", extra=_facts(task, made))
        return made

    async def stream(self, provider: str, task: Task, until: float | None) -> AsyncGenerator[str | StreamEnd, None]:
        """Have one candidate written piece by piece; what has begun is never begun again elsewhere.

        Raises as generate, and ProviderUnavailable when the text breaks off.
        """
        failures: list[_Failed] = []
        for candidate, seconds in self._attempts(task, provider, until, failures):
            started = False
            try:
                async with contextlib.aclosing(candidate.stream(task, seconds)) as parts:
                    async for part in parts:
                        started = True
                        if isinstance(part, StreamEnd):
                            log.info("streamed", extra=_facts(task, part))
                            part = replace(part, price=_told(part, failures))
                        yield part
            except _FAILURES as failure:
                _note(failure, candidate, task, failures)
                if started:
                    raise
            else:
                return
        raise failed([each.failure for each in failures])

    def provider(self, name: str) -> Guarded:
        """Return the provider of this name, or the one that is asked first. Raises ProviderNotFound."""
        return self._named(name)[0]

    async def models(self, provider: str, page: Page, until: float | None) -> Paged[Model | Unlisted]:
        """Return a page of what the providers offer; the key is `(place in the order of fallback, name)`.

        Raises ProviderNotFound.
        """
        asked = self._named(provider)
        seconds = min(LISTING_SECONDS, self._left(until) / 2)
        listed = await asyncio.gather(*(_offer(candidate, seconds) for candidate in asked))
        rows = [((place, model.name), model) for place, models in enumerate(listed) for model in models]
        rows.sort(key=lambda row: row[0])
        wanted = [row for row in rows if page.after is None or row[0] > page.after]
        cut = Paged.cut(wanted[: page.size + 1], page, lambda row: row[0])
        return cut.turned([model for _, model in cut.rows])

    async def _first(
        self,
        task: Task | EmbedTask,
        provider: str,
        until: float | None,
        ask: Callable[[Guarded, float], Awaitable[Made]],
    ) -> Made:
        failures: list[_Failed] = []
        for candidate, seconds in self._attempts(task, provider, until, failures):
            try:
                made = await ask(candidate, seconds)
            except _FAILURES as failure:
                _note(failure, candidate, task, failures)
            else:
                return replace(made, price=_told(made, failures))
        raise failed([each.failure for each in failures])

    def _attempts(
        self, task: Task | EmbedTask, provider: str, until: float | None, failures: list[_Failed]
    ) -> Iterator[tuple[Guarded, float]]:
        now = asyncio.get_running_loop().time()
        ready: list[Guarded] = []
        for candidate in self._named(provider):
            if failure := candidate.pause(task.labels.agent_id):
                failures.append(_Failed(candidate.name, failure, 0))
            else:
                ready.append(candidate)
        until = now + self._left(until)
        for done, candidate in enumerate(ready):
            yield candidate, self._left(until) / (len(ready) - done)

    def _named(self, provider: str) -> Sequence[Guarded]:
        if not provider:
            return self._providers
        found = [candidate for candidate in self._providers if candidate.name == provider]
        if not found:
            raise ProviderNotFound(provider)
        return found

    def _left(self, until: float | None) -> float:
        return self._timeout_seconds if until is None else max(0.0, until - asyncio.get_running_loop().time())


async def _offer(provider: Provider, seconds: float) -> Sequence[Model | Unlisted]:
    try:
        return await provider.models(seconds)
    except PuppetError as error:
        return [Unlisted(provider.name, error.reason, error.message)]


def _note(failure: Failure, provider: Provider, task: Task | EmbedTask, failures: list[_Failed]) -> None:
    log.warning("provider failed", extra={"agent_id": task.labels.agent_id, "error": failure.message})
    failures.append(_Failed(provider.name, failure, failure.cost_nanos))


def _told(written: Generation | StreamEnd | Embedding, failures: Sequence[_Failed]) -> Price:
    """Return what an answer cost, with who was asked for it: what failed may have cost something as well."""
    before = [Asked(each.provider, each.failure.reason, each.failure.message) for each in failures]
    nanos = sum_nanos(written.price.nanos, *(each.cost_nanos for each in failures))
    return replace(written.price, nanos=nanos, asked=(*before, Asked(written.provider)))


def _facts(task: Task | EmbedTask, written: Generation | StreamEnd | Embedding) -> dict[str, object]:
    return {
        "agent_id": task.labels.agent_id,
        "provider": written.provider,
        "model": written.model,
        "prompt_tokens": written.usage.prompt_tokens,
        "completion_tokens": written.usage.completion_tokens,
    }
