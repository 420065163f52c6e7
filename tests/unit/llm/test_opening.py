"""A provider is opened when it is first asked, once, and closed with the service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.llm.adapters.fake import FakeProvider
from services.llm.adapters.opening import OpenedWhenAsked
from services.llm.domain.errors import ProviderUnavailable
from services.llm.domain.generation import StreamEnd
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.ports import Provider
from services.runtime.deferred import Deferred

TASK = Task(Prompt("rain"), Sampling(40))


class Door:
    """Opens a provider, and writes down what was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refusals = 0

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Provider]:
        if self.refusals:
            self.refusals -= 1
            raise ProviderUnavailable("fake", "can't be opened")
        self.done.append("opened")
        await asyncio.sleep(0)
        yield FakeProvider()
        self.done.append("closed")

    @contextlib.asynccontextmanager
    async def provider(self) -> AsyncIterator[OpenedWhenAsked]:
        async with Deferred(self.opened) as deferred:
            yield OpenedWhenAsked("fake", shows_background=True, provider=deferred)


async def test_nobody_asks_and_nothing_is_opened() -> None:
    door = Door()
    async with door.provider() as provider:
        assert (provider.name, provider.shows_background) == ("fake", True)
    assert door.done == []


async def test_calls_that_come_together_open_it_once() -> None:
    door = Door()
    async with door.provider() as provider:
        alone = FakeProvider()
        written = await asyncio.gather(*(provider.generate(TASK, 5.0) for _ in range(3)))
        assert [item.candidates for item in written] == [(await alone.generate(TASK, 5.0)).candidates] * 3
        assert await provider.models(5.0) == await alone.models(5.0)
        parts = [part async for part in provider.stream(TASK, 5.0)]
        assert isinstance(parts[-1], StreamEnd)
        assert door.done == ["opened"]
    assert door.done == ["opened", "closed"]


async def test_what_cannot_be_opened_is_tried_again() -> None:
    door = Door()
    door.refusals = 1
    async with door.provider() as provider:
        with pytest.raises(ProviderUnavailable):
            await provider.generate(TASK, 5.0)
        await provider.generate(TASK, 5.0)
    assert door.done == ["opened", "closed"]
