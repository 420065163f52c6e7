"""The order of fallback."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from services.llm.domain.errors import (
    AllProvidersRefused,
    NoProviderAvailable,
    ProviderNotFound,
    ProviderRateLimited,
    ProviderRefused,
    ProviderUnavailable,
)
from services.llm.domain.generation import StreamEnd
from services.llm.domain.models import Model, Unlisted
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.domain.usage import Labels
from services.llm.ports import Provider
from services.llm.service.breaker import Breakers, Breaking
from services.llm.service.providers import Providers
from services.runtime.errors import PuppetError
from services.runtime.pages import Page
from tests.fakes.llm import ScriptedProvider

TASK = Task(Prompt("rain"), Sampling(40))
DOWN = ProviderUnavailable("one", "is down", retry_after=7)


def of(agent_id: str, task: Task = TASK) -> Task:
    return replace(task, labels=Labels(agent_id))


def fallback(providers: Sequence[Provider]) -> Providers:
    return Providers([Breaking(provider) for provider in providers], 60)


def soon(seconds: float = 30) -> float:
    return asyncio.get_running_loop().time() + seconds


async def streamed(providers: Providers, name: str = "") -> list[str | StreamEnd]:
    return [part async for part in providers.stream(name, of("agt_a"), soon())]


async def test_the_first_provider_that_answers_writes() -> None:
    one, two, three = ScriptedProvider("one", error=DOWN), ScriptedProvider("two"), ScriptedProvider("three")
    written = await fallback([one, two, three]).generate("", of("agt_a"), soon())
    assert written.provider == "two"
    assert three.given_seconds == []


async def test_each_provider_gets_an_even_share_of_the_time_that_is_left() -> None:
    providers = [ScriptedProvider(name, error=DOWN) for name in ("one", "two", "three")]
    with pytest.raises(NoProviderAvailable):
        await fallback(providers).generate("", of("agt_a"), soon(30))
    # The fakes take no time themselves.
    assert [provider.given_seconds[0] for provider in providers] == pytest.approx([10, 15, 30], abs=1)


async def test_without_a_deadline_the_patience_is_shared() -> None:
    only = ScriptedProvider("one")
    await fallback([only]).generate("", of("agt_a"), None)
    assert only.given_seconds == pytest.approx([60], abs=1)


async def test_when_none_answers_the_refusal_tells_of_each_and_the_shortest_wait() -> None:
    providers = [
        ScriptedProvider("one", error=DOWN),
        ScriptedProvider("two", error=ProviderUnavailable("two", "failed with HTTP 503", retry_after=3)),
    ]
    with pytest.raises(NoProviderAvailable) as caught:
        await fallback(providers).generate("", of("agt_a"), soon())
    assert caught.value.message == "no provider answered: one: is down; two: failed with HTTP 503"
    assert caught.value.retry_after == 3


REFUSALS = [
    ProviderRefused("one", "refused the key", pause=60),
    ProviderRefused("one", "refused the request"),
    ProviderRateLimited("one", 9),
]


@pytest.mark.parametrize("error", REFUSALS)
async def test_who_refuses_is_followed_by_the_next(error: PuppetError) -> None:
    providers = fallback([ScriptedProvider("one", error=error), ScriptedProvider("two")])
    assert (await providers.generate("", of("agt_a"), soon())).provider == "two"
    *_, end = await streamed(providers)
    assert isinstance(end, StreamEnd)
    assert end.provider == "two"


@pytest.mark.parametrize("error", REFUSALS)
async def test_a_refusal_of_the_only_provider_is_told_as_it_is(error: PuppetError) -> None:
    with pytest.raises(type(error)):
        await fallback([ScriptedProvider("one", error=error)]).generate("", of("agt_a"), soon())


async def test_what_several_providers_refuse_is_refused_and_what_one_may_do_later_can_be_repeated() -> None:
    refused = ScriptedProvider("one", error=ProviderRefused("one", "refused the key", pause=60))
    limited = ScriptedProvider("two", error=ProviderRateLimited("two", 9))
    with pytest.raises(AllProvidersRefused, match=r"one: refused the key; one: refused the key"):
        await fallback([refused, refused]).generate("", of("agt_a"), soon())
    with pytest.raises(NoProviderAvailable, match=r"one: refused the key; two: its rate limit") as caught:
        await fallback([refused, limited]).generate("", of("agt_a"), soon())
    assert caught.value.retry_after == 9


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (ProviderRefused("one", "has no credit left", pause=60), 1),
        (ProviderRateLimited("one", 60), 1),
        (ProviderRefused("one", "refused the request"), 3),
        (ProviderUnavailable("one", "is down", retry_after=60), 3),
    ],
)
async def test_who_fails_for_longer_is_left_alone_and_its_failure_still_told(error: PuppetError, asked: int) -> None:
    one = ScriptedProvider("one", error=error)
    providers = fallback([one, ScriptedProvider("two")])
    for _ in range(5):
        assert (await providers.generate("", of("agt_a"), soon())).provider == "two"
    assert len(one.given_seconds) == asked
    with pytest.raises(PuppetError, match=error.message):
        await providers.generate("one", of("agt_a"), soon())
    assert len(one.given_seconds) == asked


async def test_a_breaker_closes_when_its_time_is_over_and_with_a_success() -> None:
    breakers = Breakers()
    breakers.failed("one", "agt_a", ProviderRateLimited("one", 9), now=100)
    assert breakers.failure("one", "agt_b", 108.9)
    assert breakers.failure("one", "agt_b", 109.1) is None
    for now in (110, 111):
        breakers.failed("one", "agt_a", DOWN, now)
    breakers.succeeded("one", "agt_b")
    breakers.failed("one", "agt_a", DOWN, 112)
    assert breakers.failure("one", "agt_a", 112) is None


async def test_what_is_refused_of_one_agents_is_asked_for_all_others_and_passes() -> None:
    one = ScriptedProvider("one", error=ProviderRefused("one", "refused the request"))
    providers = fallback([one])
    for _ in range(3):
        with pytest.raises(ProviderRefused):
            await providers.generate("", of("agt_a"), soon())
    with pytest.raises(NoProviderAvailable, match="one: refused the request") as caught:
        await providers.generate("", of("agt_a"), soon())
    assert 0 < caught.value.retry_after <= 30
    one.error = None
    assert (await providers.generate("", of("agt_b"), soon())).provider == "one"


async def test_what_is_refused_of_a_call_for_no_agent_counts_for_nobody() -> None:
    one = ScriptedProvider("one", error=ProviderRefused("one", "wrote no JSON"))
    providers = fallback([one])
    for _ in range(5):
        with pytest.raises(ProviderRefused):
            await providers.generate("", of(""), soon())
    one.error = None
    for agent_id in ("agt_a", ""):
        assert (await providers.generate("", of(agent_id), soon())).provider == "one"


async def test_a_named_provider_has_no_fallback() -> None:
    two = ScriptedProvider("two")
    providers = fallback([ScriptedProvider("one", error=DOWN), two])
    with pytest.raises(NoProviderAvailable):
        await providers.generate("one", of("agt_a"), soon())
    assert (await providers.generate("two", of("agt_a"), soon())).provider == "two"
    with pytest.raises(ProviderNotFound):
        await providers.generate("three", of("agt_a"), soon())


async def test_a_stream_that_has_not_begun_falls_back() -> None:
    providers = fallback([ScriptedProvider("one", error=DOWN), ScriptedProvider("two", "it rains")])
    *words, end = await streamed(providers)
    assert words == ["it", "rains"]
    assert isinstance(end, StreamEnd)
    assert end.provider == "two"


async def test_a_stream_that_breaks_off_is_not_begun_again_elsewhere() -> None:
    two = ScriptedProvider("two")
    providers = fallback([ScriptedProvider("one", "it rains", DOWN, pieces_before_error=1), two])
    parts = providers.stream("", of("agt_a"), soon())
    assert await anext(parts) == "it"
    with pytest.raises(ProviderUnavailable):
        await anext(parts)
    assert two.given_seconds == []


async def test_a_stream_that_is_left_is_closed_at_its_provider() -> None:
    only = ScriptedProvider("one", "a long text")
    async with aclosing(fallback([only]).stream("", of("agt_a"), soon())) as parts:
        assert await anext(parts) == "a"
        assert only.closed_streams == 0
    assert only.closed_streams == 1


async def test_models_are_paged_in_the_order_of_fallback_then_by_name() -> None:
    providers = fallback(
        [ScriptedProvider("zed", "b c a"), ScriptedProvider("one", error=DOWN), ScriptedProvider("abe", "d")]
    )
    seen: list[Model | Unlisted] = []
    page = Page(2)
    while True:
        listed = await providers.models("", page, soon())
        seen += listed.rows
        if listed.next_key is None:
            break
        page = Page(2, listed.next_key)
    assert seen == [
        Model("zed", "a"),
        Model("zed", "b"),
        Model("zed", "c"),
        Unlisted("one", "PROVIDER_UNAVAILABLE", "one: is down"),
        Model("abe", "d"),
    ]
