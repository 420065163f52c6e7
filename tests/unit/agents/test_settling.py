"""What is sent is waited for until it is settled, and taken back when that lasts too long."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.proposals import Pass
from services.agents.domain.records import Passed, PassReason
from services.agents.ports.neighbours import Refused
from services.agents.ports.stored import Post, Progress
from services.agents.ports.workflows import StepFailed
from services.agents.service.settling import persistent, settled, withdrawn
from tests.fakes.agents.run import FakeRun

UNDER_WAY = Post("pst_1", Progress.UNDER_WAY, "", "")
SETTLED = dataclasses.replace(UNDER_WAY, progress=Progress.SETTLED, network_post_id="77")
AWAY = DependencyUnavailable("social", 1.0)
SECONDS = 1_200.0


def answering(*answers: Post | Pass | Exception | None) -> Callable[..., Awaitable[Any]]:
    """Return what gives these answers one after the other, and the last one for ever."""
    left: Iterator[Post | Pass | Exception | None] = iter(answers)
    latest = list(answers)

    async def answer(*_: object) -> Post | Pass | None:
        found = next(left, latest[-1])
        if isinstance(found, Exception):
            raise found
        return found

    return answer


async def test_it_is_sent_once_and_looked_at_until_it_is_settled() -> None:
    run = FakeRun()
    look = answering(UNDER_WAY, UNDER_WAY, SETTLED)
    assert await settled(run, answering(UNDER_WAY), look, SECONDS) == SETTLED
    assert run.steps == ["send", "look", "look", "look"]
    assert 0 < run.slept < SECONDS


async def test_what_nobody_answers_is_sent_again_by_the_same_name_for_so_long() -> None:
    run = FakeRun()
    assert await settled(run, answering(AWAY, AWAY, SETTLED), answering(SETTLED), SECONDS) == SETTLED
    assert run.steps == ["send", "send", "send"]
    away = FakeRun()
    with pytest.raises(StepFailed, match="social"):
        await settled(away, answering(AWAY), answering(SETTLED), SECONDS)
    assert away.slept >= SECONDS


async def test_a_pass_and_a_refusal_end_it() -> None:
    run, nothing = FakeRun(), Pass(Passed(PassReason.HOLDS_KEY))
    assert await settled(run, answering(nothing), answering(SETTLED), SECONDS) == nothing
    with pytest.raises(StepFailed) as refused:
        await settled(run, answering(Refused("social", "CREDITS_USED_UP", "no credits")), answering(SETTLED), SECONDS)
    assert refused.value.reason == "CREDITS_USED_UP"
    assert run.slept == 0


@pytest.mark.parametrize("progress", [Progress.FAILED, Progress.UNDECIDED])
async def test_what_has_failed_or_cannot_be_known_fails_its_step(progress: Progress) -> None:
    failed = dataclasses.replace(UNDER_WAY, progress=progress, reason="the network said no")
    with pytest.raises(StepFailed) as told:
        await settled(FakeRun(), answering(UNDER_WAY), answering(failed), SECONDS)
    assert (told.value.reason, told.value.message) == (progress.name, "the network said no")


async def test_what_lasts_for_too_long_fails_as_under_way() -> None:
    run = FakeRun()
    with pytest.raises(StepFailed) as told:
        await settled(run, answering(UNDER_WAY), answering(UNDER_WAY), SECONDS)
    assert told.value.reason == "UNDER_WAY"
    assert run.slept >= SECONDS


async def test_what_is_taken_back_either_has_happened_or_fails_as_it_did() -> None:
    why = StepFailed("UNDER_WAY", "held back")
    for answers in ((None,), (UNDER_WAY, None), (AWAY, None)):
        with pytest.raises(StepFailed, match="held back"):
            await withdrawn(FakeRun(), answering(*answers), why)
    assert await withdrawn(FakeRun(), answering(UNDER_WAY, SETTLED), why) == SETTLED


async def test_a_persistent_step_ends_with_an_answer_or_a_refusal() -> None:
    run = FakeRun()
    assert await persistent(run, "withdraw", answering(AWAY, AWAY, SETTLED)) == SETTLED
    assert run.steps == ["withdraw"] * 3
    with pytest.raises(StepFailed, match="no credits"):
        await persistent(run, "withdraw", answering(AWAY, Refused("social", "CREDITS_USED_UP", "no credits")))


async def test_only_what_is_settled_at_once_and_comes_last_is_not_kept() -> None:
    last, before_others, passed, later = FakeRun(), FakeRun(), FakeRun(), FakeRun()
    await settled(last, answering(SETTLED), answering(), SECONDS, is_last=True)
    await settled(before_others, answering(SETTLED), answering(), SECONDS)
    await settled(passed, answering(Pass(Passed(PassReason.HOLDS_KEY))), answering(), SECONDS, is_last=True)
    await settled(later, answering(UNDER_WAY), answering(SETTLED), SECONDS, is_last=True)
    assert (last.kept, before_others.kept, passed.kept) == ([], ["send"], ["send"])
    assert later.kept == ["send", "look"]
