"""What an account may do is asked for now and then, and again when it turns out to be otherwise."""

from dataclasses import replace

import pytest

from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused
from services.agents.service.capabilities import NetworkCapabilities
from services.runtime.errors import Violation
from tests.fakes.agents.social import FakeSocial
from tests.fakes.clock import FixedClock


@pytest.fixture
def social() -> FakeSocial:
    return FakeSocial()


@pytest.fixture
def capabilities(social: FakeSocial, clock: FixedClock) -> NetworkCapabilities:
    return NetworkCapabilities(social, clock)


def refused(field: str) -> Refused:
    return Refused("social", "INVALID_REQUEST", "INVALID_REQUEST", [Violation(field, "is wrong")])


async def test_each_account_is_asked_about_once_an_hour(
    capabilities: NetworkCapabilities, social: FakeSocial, clock: FixedClock
) -> None:
    for account_id in ("acc_a", "acc_b", "acc_a"):
        assert (await capabilities.of(account_id)).text_limit.max_weight == 280
    assert social.capability_reads == 2
    social.text_limit = replace(social.text_limit, max_weight=500)
    clock.advance(minutes=59)
    assert (await capabilities.of("acc_a")).text_limit.max_weight == 280
    clock.advance(minutes=1)
    assert (await capabilities.of("acc_a")).text_limit.max_weight == 500


async def test_a_text_that_was_refused_makes_it_ask_again_and_other_refusals_do_not(
    capabilities: NetworkCapabilities, social: FakeSocial
) -> None:
    await capabilities.of("acc_a")
    for field, reads in (("account_id", 1), ("text", 2)):
        capabilities.learn("acc_a", refused(field))
        await capabilities.of("acc_a")
        assert social.capability_reads == reads


async def test_while_nobody_answers_what_was_said_before_holds(
    capabilities: NetworkCapabilities, social: FakeSocial, clock: FixedClock
) -> None:
    social.line.failures = 1
    with pytest.raises(DependencyUnavailable):
        await capabilities.of("acc_a")
    before = await capabilities.of("acc_a")
    clock.advance(hours=2)
    social.line.failures = 1
    assert await capabilities.of("acc_a") == before


async def test_while_nobody_has_ever_answered_a_text_is_written_that_every_network_takes(
    capabilities: NetworkCapabilities, social: FakeSocial
) -> None:
    social.text_limit = replace(social.text_limit, max_weight=500)
    social.line.failures = 1
    cautious = (await capabilities.expected("acc_a")).text_limit
    assert cautious.max_weight == 280
    assert [cautious.weigh(sign) for sign in ("a", "é", "\u2019", "語", "🙂")] == [1, 1, 1, 2, 2]
    assert (await capabilities.expected("acc_a")).text_limit.max_weight == 500
