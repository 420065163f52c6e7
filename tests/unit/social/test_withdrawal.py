"""What is held back can be taken back; what may have been sent can't."""

import asyncio
from datetime import timedelta

import pytest

from services.runtime.errors import PuppetError, RequestIdReused
from services.runtime.idempotency import NO_REQUEST
from services.social.domain.errors import PostNotFound
from services.social.domain.network import Cause, Outcome, RateLimited, Unauthorized, Unreachable
from services.social.domain.posts import PostState
from tests.fakes.social import Lost
from tests.unit.social.conftest import VISIBILITY, Desk, Replica
from tests.unit.social.test_outbox import until


@pytest.mark.parametrize("held_by", ["limit", "lock", "outage"])
async def test_a_post_that_is_held_back_is_withdrawn_for_good(desk: Desk, replica: Replica, held_by: str) -> None:
    outcomes: dict[str, Outcome] = {
        "limit": RateLimited(desk.clock.now() + timedelta(minutes=10), "the limit is used up"),
        "lock": Unauthorized("the account is locked", Cause.ACCOUNT_LOCKED),
        "outage": Unreachable("no route"),
    }
    desk.network.faults.append(outcomes[held_by])
    with pytest.raises(PuppetError):
        await replica.create("hello")
    reason = next(iter(desk.store.posts.values())).state_reason
    post = await replica.withdraw("hello")
    assert (post.state, post.state_cause, post.finish_time) == (PostState.FAILED, Cause.WITHDRAWN, desk.clock.now())
    assert reason in post.state_reason
    assert await replica.withdraw("hello") == post
    assert await replica.create("hello") == post
    await desk.pass_time(replica, 86_400)
    assert (desk.network.texts(), desk.network.sends) == ([], 1)


async def test_a_post_is_withdrawn_by_its_id_by_whoever_may_and_only_of_its_account(
    desk: Desk, replica: Replica
) -> None:
    desk.network.faults.append(Unreachable("no route"))
    with pytest.raises(PuppetError):
        await replica.create("hello")
    [post_id] = desk.store.posts
    desk.store.accounts["acc_b"] = desk.store.accounts["acc_a"].model_copy(update={"id": "acc_b"})
    with pytest.raises(PostNotFound):
        await replica.posts.withdraw("acc_b", post_id, NO_REQUEST)
    assert (await replica.posts.withdraw("acc_a", post_id, NO_REQUEST)).state is PostState.FAILED


async def test_what_is_on_the_network_stays_and_is_shown(desk: Desk, replica: Replica) -> None:
    post = await replica.create("hello")
    assert await replica.withdraw("hello") == post
    assert post.state is PostState.SETTLED


async def test_what_may_have_been_posted_cant_be_withdrawn_and_is_looked_for(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(Lost.AFTER)
    await replica.create("hello")
    assert (await replica.withdraw("hello")).state is PostState.OUTCOME_UNKNOWN
    await desk.pass_time(replica, VISIBILITY)
    assert (await replica.withdraw("hello")).state is PostState.SETTLED


async def test_what_is_being_sent_cant_be_withdrawn(desk: Desk, replica: Replica) -> None:
    desk.network.may_answer.clear()
    call = asyncio.create_task(replica.create("hello"))
    await until(lambda: desk.network.sends == 1)
    assert (await replica.withdraw("hello")).state is PostState.SENT
    desk.network.may_answer.set()
    assert (await call).state is PostState.SETTLED


async def test_a_request_that_comes_after_its_withdrawal_is_refused(desk: Desk, replica: Replica) -> None:
    for _ in range(2):
        with pytest.raises(PostNotFound):
            await replica.withdraw("hello")
    with pytest.raises(RequestIdReused):
        await replica.create("hello")
    assert desk.network.sends == 0
