"""Identical requests that leave no chance are answered from memory."""

import asyncio
from dataclasses import replace

import pytest

from services.llm.domain.generation import Candidate, FinishReason, Generation
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.domain.usage import Labels, Usage
from services.llm.service.breaker import Breaking
from services.llm.service.cached import Cached
from tests.fakes.llm import ScriptedProvider

SURE = Task(Prompt("rain"), Sampling(40, temperature=0), labels=Labels("agt_a", "post", "wf-1"))


def cached(provider: ScriptedProvider, most_bytes: int = 10_000, seconds: float = 60) -> Cached:
    return Cached(Breaking(provider), most_bytes, seconds)


async def test_an_identical_request_is_answered_from_memory_and_takes_nothing() -> None:
    one = ScriptedProvider("one")
    provider = cached(one)
    first = await provider.generate(SURE, 10)
    again = await provider.generate(replace(SURE, labels=Labels("agt_a", "reply", "wf-2"), is_awaited=True), 10)
    assert (first.is_cached, again.is_cached) == (False, True)
    assert again.candidates == first.candidates
    assert (again.usage, again.price.nanos) == (Usage(), 0)
    assert len(one.given_seconds) == 1


OTHERS = {
    "another agent's": replace(SURE, labels=Labels("agt_b")),
    "with another seed": replace(SURE, sampling=Sampling(40, temperature=0, seed=1)),
    "at another length": replace(SURE, sampling=Sampling(41, temperature=0)),
    "of another model": replace(SURE, model="large"),
    "with a schema": replace(SURE, json_schema="{}"),
    "with another input": replace(SURE, prompt=Prompt("snow")),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_another_request_is_asked(other: str) -> None:
    one = ScriptedProvider("one", '"a quiet day."')
    provider = cached(one)
    await provider.generate(SURE, 10)
    assert not (await provider.generate(OTHERS[other], 10)).is_cached


async def test_what_is_left_to_chance_is_asked_each_time() -> None:
    one = ScriptedProvider("one")
    provider, task = cached(one), replace(SURE, sampling=Sampling(40, temperature=0.8))
    assert [(await provider.generate(task, 10)).is_cached for _ in range(2)] == [False, False]
    seeded = replace(SURE, sampling=Sampling(40, temperature=0.8, seed=7))
    assert [(await provider.generate(seeded, 10)).is_cached for _ in range(2)] == [False, True]


class Ending(ScriptedProvider):
    """Ends as it is told to."""

    def __init__(self, reason: FinishReason, count: int = 1) -> None:
        super().__init__("one")
        self._candidates = (Candidate("a quiet", reason),) * count

    async def generate(self, task: Task, seconds: float) -> Generation:
        return Generation("one", "scripted", self._candidates, Usage(1, 2))


@pytest.mark.parametrize("reason", [reason for reason in FinishReason if reason is not FinishReason.STOP])
async def test_what_did_not_end_well_is_not_kept(reason: FinishReason) -> None:
    provider = cached(Ending(reason))
    assert [(await provider.generate(SURE, 10)).is_cached for _ in range(2)] == [False, False]


async def test_fewer_candidates_than_were_asked_for_are_not_kept() -> None:
    provider, task = cached(Ending(FinishReason.STOP, 2)), replace(SURE, candidate_count=3)
    assert [(await provider.generate(task, 10)).is_cached for _ in range(2)] == [False, False]


async def test_it_holds_so_much_and_the_longest_unused_goes_first() -> None:
    provider = cached(ScriptedProvider("one"), most_bytes=1_100)
    tasks = [replace(SURE, prompt=Prompt(text)) for text in ("rain", "snow", "fog")]
    for task in (tasks[0], tasks[1], tasks[0], tasks[2]):
        await provider.generate(task, 10)
    kept = [(await provider.generate(task, 10)).is_cached for task in (tasks[2], tasks[0], tasks[1])]
    assert kept == [True, True, False]


async def test_it_is_forgotten_after_its_time() -> None:
    provider = cached(ScriptedProvider("one"), seconds=0)
    assert [(await provider.generate(SURE, 10)).is_cached for _ in range(2)] == [False, False]


async def test_two_at_once_are_both_asked_and_both_answered() -> None:
    one = ScriptedProvider("one")
    provider = cached(one)
    both = await asyncio.gather(*(provider.generate(SURE, 10) for _ in range(2)))
    assert both[0].candidates == both[1].candidates
