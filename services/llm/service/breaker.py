"""When a provider is left alone: calls don't wait for what fails, and don't hammer it. Times are in seconds."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from typing_extensions import override

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import Failure, ProviderRateLimited, ProviderRefused, ProviderUnavailable
from services.llm.domain.generation import Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.ports import Guarded, Provider

_IN_A_ROW = 3
_REFUSING_SECONDS = 30.0
_MAX_CALLERS = 1_000


class Breaker:
    """Opens for as long as a provider says, or after three failures in a row; then the provider is asked again."""

    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._in_a_row = 0
        self._until = 0.0

    def failed(self, failure: Failure, now: float) -> None:
        """Take down a failure, and open when the next call would fail as well."""
        self._failure = failure
        self._in_a_row += 1
        self._until = now + self._pause(failure)

    def failure(self, now: float) -> Failure | None:
        """Return the failure for which nothing is asked now, and None when it is closed.

        What was refused is Unavailable until then, unless the provider would refuse everything.
        """
        if self._failure is None or now >= self._until:
            return None
        if isinstance(self._failure, ProviderRefused) and not self._failure.pause:
            return ProviderUnavailable(self._failure.provider, self._failure.why, self._until - now)
        return self._failure

    def _pause(self, failure: Failure) -> float:
        if isinstance(failure, ProviderRateLimited):
            return failure.retry_after
        if isinstance(failure, ProviderRefused) and failure.pause:
            return failure.pause
        if self._in_a_row < _IN_A_ROW:
            return 0.0
        return _REFUSING_SECONDS if isinstance(failure, ProviderRefused) else failure.retry_after


class Breakers:
    """A breaker for each provider, and one for each agent at it.

    A refusal of one request says nothing of the provider: it may be what somebody made a character say.
    So it counts for this character alone, and for nobody when the call is for none.
    """

    def __init__(self) -> None:
        self._breakers: OrderedDict[tuple[str, str | None], Breaker] = OrderedDict()
        """By provider and agent; None is everybody."""

    def failure(self, provider: str, agent_id: str, now: float) -> Failure | None:
        """Return the failure for which a provider isn't asked for an agent now; None when it may be asked."""
        found = (self._breakers.get(key) for key in ((provider, None), (provider, agent_id)))
        return next((failure for breaker in found if breaker and (failure := breaker.failure(now))), None)

    def failed(self, provider: str, agent_id: str, failure: Failure, now: float) -> None:
        """Take down a failure of a call for an agent."""
        is_for_all = not isinstance(failure, ProviderRefused) or bool(failure.pause)
        if not (is_for_all or agent_id):
            return
        key = (provider, None if is_for_all else agent_id)
        self._breakers.setdefault(key, Breaker()).failed(failure, now)
        self._breakers.move_to_end(key)
        while len(self._breakers) > _MAX_CALLERS:
            self._breakers.popitem(last=False)

    def succeeded(self, provider: str, agent_id: str) -> None:
        """Close both."""
        self._breakers.pop((provider, None), None)
        self._breakers.pop((provider, agent_id), None)


class Breaking(Guarded):
    """A provider that is left alone while it is known to fail."""

    price_source = ""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._breakers = Breakers()
        self.name = provider.name
        self.shows_background = provider.shows_background

    @override
    def pause(self, agent_id: str) -> Failure | None:
        return self._breakers.failure(self.name, agent_id, asyncio.get_running_loop().time())

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        self._check(task)
        try:
            written = await self._provider.generate(task, seconds)
        except (ProviderRefused, ProviderRateLimited, ProviderUnavailable) as failure:
            self._failed(task, failure)
            raise
        self._breakers.succeeded(self.name, task.labels.agent_id)
        return written

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        self._check(task)
        try:
            async with aclosing(self._provider.stream(task, seconds)) as parts:
                async for part in parts:
                    yield part
        except (ProviderRefused, ProviderRateLimited, ProviderUnavailable) as failure:
            self._failed(task, failure)
            raise
        self._breakers.succeeded(self.name, task.labels.agent_id)

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        """Make vectors; what is refused of them alone says nothing of the words that it writes."""
        self._check(task)
        try:
            return await self._provider.embed(task, seconds)
        except (ProviderRefused, ProviderRateLimited, ProviderUnavailable) as failure:
            if not isinstance(failure, ProviderRefused) or failure.pause:
                self._failed(task, failure)
            raise

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        return await self._provider.models(seconds)

    def _check(self, task: Task | EmbedTask) -> None:
        if failure := self.pause(task.labels.agent_id):
            raise failure

    def _failed(self, task: Task | EmbedTask, failure: Failure) -> None:
        self._breakers.failed(self.name, task.labels.agent_id, failure, asyncio.get_running_loop().time())
