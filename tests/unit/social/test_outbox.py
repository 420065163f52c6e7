"""What becomes of a post, whatever the network answers and wherever the service stops."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from services.runtime.errors import PuppetError, RequestIdReused
from services.social.domain.errors import (
    AccountLocked,
    CredentialsRefused,
    NetworkRateLimited,
    NetworkUnavailable,
    NotCapable,
)
from services.social.domain.network import Cause, Duplicate, Outcome, RateLimited, Refused, Unauthorized, Unreachable
from services.social.domain.posts import MAX_LOOKS, PostState
from tests.fakes.social import Lost
from tests.support.waits import WAIT_SECONDS
from tests.unit.social.conftest import LEASE, VISIBILITY, Desk, Replica

CLAIMED, SENT, SETTLED = PostState.CLAIMED, PostState.SENT, PostState.SETTLED
UNKNOWN, FAILED = PostState.OUTCOME_UNKNOWN, PostState.FAILED


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the next step of another task is what is waited for
            await asyncio.sleep(0)


async def test_a_post_is_sent_and_settled_with_its_id(desk: Desk, replica: Replica) -> None:
    post = await replica.create("hello")
    assert (post.state, post.network_post_id, post.finish_time) == (SETTLED, "1001", desk.clock.now())
    assert await replica.create("hello") == post
    assert desk.network.texts() == ["hello"]


async def test_a_request_id_with_another_text_is_refused(desk: Desk, replica: Replica) -> None:
    await replica.create("hello", "req")
    with pytest.raises(RequestIdReused):
        await replica.create("goodbye", "req")
    assert desk.network.texts() == ["hello"]


async def test_a_post_is_marked_as_sent_before_it_leaves(desk: Desk, replica: Replica) -> None:
    desk.network.may_answer.clear()
    call = asyncio.create_task(replica.create("hello"))
    await until(lambda: desk.network.sends == 1)
    assert desk.states() == [SENT]
    desk.network.may_answer.set()
    assert (await call).state is SETTLED


async def test_a_lost_answer_is_looked_for_only_after_the_window_and_then_adopted(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(Lost.AFTER)
    post = await replica.create("hello")
    assert (post.state, post.state_reason) == (UNKNOWN, "no answer")
    await desk.pass_time(replica, VISIBILITY - 1)
    assert (desk.network.reads, desk.states()) == (0, [UNKNOWN])
    await desk.pass_time(replica, 1)
    found = await replica.posts.get(post.id)
    assert (found.state, found.network_post_id, found.state_reason) == (SETTLED, "1001", "")
    assert desk.network.sends == 1


async def test_a_lost_request_is_sent_again_after_it_was_looked_for(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(Lost.BEFORE)
    await replica.create("hello")
    await desk.pass_time(replica, VISIBILITY)
    assert desk.states() == [SETTLED]
    assert (desk.network.reads, desk.network.sends, desk.network.texts()) == (1, 2, ["hello"])


async def test_a_post_that_appears_after_the_window_is_refused_as_a_duplicate_and_then_found(
    desk: Desk, replica: Replica
) -> None:
    desk.network.faults.append(Lost.AFTER)
    desk.network.hidden = timedelta(seconds=3 * VISIBILITY)
    await replica.create("hello")
    await desk.pass_time(replica, VISIBILITY)
    assert (desk.network.sends, desk.states()) == (2, [UNKNOWN])
    await desk.pass_time(replica, 2 * VISIBILITY)
    assert desk.states() == [SETTLED]
    assert (desk.network.sends, desk.network.texts()) == (2, ["hello"])


async def test_a_duplicate_that_is_never_found_stays_unknown_until_it_is_asked_for_again(
    desk: Desk, replica: Replica
) -> None:
    desk.network.faults.append(Lost.AFTER)
    desk.network.hidden = timedelta(days=10)
    post = await replica.create("hello")
    for _ in range(MAX_LOOKS + 2):
        await desk.pass_time(replica, 64 * VISIBILITY)
    stuck = await replica.posts.get(post.id)
    assert (stuck.state, stuck.due_time) == (UNKNOWN, None)
    assert "duplicate" in stuck.state_reason
    assert f"looked for {MAX_LOOKS} times" in stuck.state_reason
    desk.clock.advance(days=10)
    assert (await replica.create("hello")).state is SETTLED
    assert (desk.network.sends, desk.network.texts()) == (2, ["hello"])


async def test_an_outage_doesnt_make_it_send_for_ever(desk: Desk, replica: Replica) -> None:
    desk.network.faults.extend([Lost.BEFORE] * 50)
    post = await replica.create("hello")
    for _ in range(50):
        await desk.pass_time(replica, 64 * VISIBILITY)
    assert desk.network.sends == MAX_LOOKS
    assert (await replica.posts.get(post.id)).due_time is None


@pytest.mark.parametrize("refusal", [Refused("you may not"), Duplicate("duplicate content")])
async def test_a_definite_refusal_fails_the_post(desk: Desk, replica: Replica, refusal: Refused | Duplicate) -> None:
    desk.network.faults.append(refusal)
    post = await replica.create("hello")
    assert (post.state, post.state_reason, post.finish_time) == (FAILED, refusal.reason, desk.clock.now())
    assert post.state_cause is (Cause.REFUSED if isinstance(refusal, Refused) else Cause.DUPLICATE)
    assert await replica.create("hello") == post
    assert desk.network.texts() == []


async def test_the_same_text_asked_for_twice_fails_the_second_time(desk: Desk, replica: Replica) -> None:
    assert (await replica.create("gm", "monday")).state is SETTLED
    assert (await replica.create("gm", "tuesday")).state is FAILED


async def test_a_rate_limit_is_told_and_the_repeated_request_sends(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(RateLimited(desk.clock.now() + timedelta(minutes=10)))
    with pytest.raises(NetworkRateLimited) as limited:
        await replica.create("hello")
    assert (limited.value.retry_after, limited.value.subject) == (600, "@Ann")
    assert desk.states() == [CLAIMED]
    desk.clock.advance(minutes=10)
    assert (await replica.create("hello")).state is SETTLED


async def test_a_rate_limited_post_goes_out_by_itself_when_the_limit_ends(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(RateLimited(desk.clock.now() + timedelta(minutes=10)))
    with pytest.raises(NetworkRateLimited):
        await replica.create("hello")
    await desk.pass_time(replica, 599)
    assert desk.states() == [CLAIMED]
    await desk.pass_time(replica, 1)
    assert desk.states() == [SETTLED]


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (Cause.CREDENTIALS_REFUSED, CredentialsRefused),
        (Cause.ACCOUNT_LOCKED, AccountLocked),
        (Cause.NOT_CAPABLE, NotCapable),
    ],
)
async def test_what_somebody_has_to_mend_withholds_a_post_and_says_so_by_a_code(
    desk: Desk, replica: Replica, cause: Cause, error: type[PuppetError]
) -> None:
    desk.network.faults.append(Unauthorized("you may not", cause))
    with pytest.raises(error, match="you may not"):
        await replica.create("hello")
    [post] = desk.store.posts.values()
    assert (post.state, post.state_cause, post.due_time) == (
        CLAIMED,
        cause,
        desk.clock.now() + timedelta(minutes=15),
    )
    assert (await replica.create("hello")).state_cause is None
    assert desk.network.texts() == ["hello"]


async def test_a_network_that_stays_unreachable_is_tried_less_and_less_often(desk: Desk, replica: Replica) -> None:
    desk.network.faults.extend([Unreachable("X answered 301")] * 4)
    with pytest.raises(NetworkUnavailable) as told:
        await replica.create("hello")
    assert told.value.retry_after == VISIBILITY
    for pause in (1, 2, 4):
        await desk.pass_time(replica, pause * VISIBILITY - 1)
        sends = desk.network.sends
        await desk.pass_time(replica, 1)
        assert desk.network.sends == sends + 1
    await desk.pass_time(replica, 8 * VISIBILITY)
    assert desk.states() == [SETTLED]


async def test_credentials_that_cant_be_unsealed_hold_a_post(desk: Desk, replica: Replica) -> None:
    desk.vault.key = "another"
    with pytest.raises(CredentialsRefused):
        await replica.create("hello")
    assert (desk.states(), desk.network.sends) == ([CLAIMED], 0)


async def test_an_unreachable_network_leaves_the_post_claimed_and_it_goes_out_later(
    desk: Desk, replica: Replica
) -> None:
    desk.network.faults.append(Unreachable("no route"))
    with pytest.raises(NetworkUnavailable):
        await replica.create("hello")
    assert desk.states() == [CLAIMED]
    await desk.pass_time(replica, VISIBILITY)
    assert desk.states() == [SETTLED]


async def test_a_limit_on_the_second_send_leaves_the_post_unknown_and_is_no_error(desk: Desk, replica: Replica) -> None:
    desk.network.faults.extend([Lost.BEFORE, RateLimited(desk.clock.now() + timedelta(minutes=10))])
    await replica.create("hello")
    await desk.pass_time(replica, VISIBILITY)
    assert desk.states() == [UNKNOWN]
    await desk.pass_time(replica, 600)
    assert (desk.states(), desk.network.reads) == ([SETTLED], 2)


async def test_a_timeline_that_cant_be_read_is_read_later(desk: Desk, replica: Replica) -> None:
    desk.network.faults.append(Lost.AFTER)
    await replica.create("hello")
    desk.network.blind = NetworkRateLimited("reads are used up", 300, "x")
    await desk.pass_time(replica, VISIBILITY)
    desk.network.blind = None
    await desk.pass_time(replica, 299)
    assert (desk.states(), desk.network.reads) == ([UNKNOWN], 1)
    await desk.pass_time(replica, 1)
    assert desk.states() == [SETTLED]


async def test_a_post_whose_sender_died_is_looked_for_after_its_lease(desk: Desk, replica: Replica) -> None:
    desk.network.may_answer.clear()
    call = asyncio.create_task(replica.create("hello"))
    await until(lambda: desk.network.texts() == ["hello"])
    call.cancel()
    async with replica.outbox.open():
        pass  # leaving cancels what is under way, at the line where the answer is awaited
    desk.network.may_answer.set()
    survivor = await desk.replica()
    await desk.pass_time(survivor, LEASE - 1)
    assert desk.states() == [SENT]
    await desk.pass_time(survivor, 1)
    assert desk.states() == [UNKNOWN]
    await desk.pass_time(survivor, VISIBILITY)
    assert (desk.states(), desk.network.sends, desk.network.texts()) == ([SETTLED], 1, ["hello"])


async def test_a_claimed_post_whose_process_died_is_sent_by_the_next_one(desk: Desk, replica: Replica) -> None:
    async with replica.outbox._locks["acc_a"]:
        call = asyncio.create_task(replica.create("hello"))
        await until(lambda: desk.states() == [CLAIMED])
        call.cancel()
        async with replica.outbox.open():
            pass
    await desk.pass_time(await desk.replica(), 0)
    assert (desk.states(), desk.network.texts()) == ([SETTLED], ["hello"])


async def test_an_answer_that_comes_after_the_lease_still_counts(desk: Desk, replica: Replica) -> None:
    desk.network.may_answer.clear()
    call = asyncio.create_task(replica.create("hello"))
    await until(lambda: desk.network.sends == 1)
    other = await desk.replica()
    desk.clock.advance(seconds=LEASE)
    await other.outbox.sweep()
    await until(lambda: desk.states() == [UNKNOWN])
    desk.network.may_answer.set()
    assert (await call).state is SETTLED
    assert desk.states() == [SETTLED]


async def test_a_post_that_another_row_owns_is_not_adopted(desk: Desk, replica: Replica) -> None:
    first = await replica.create("gm", "first")
    desk.network.faults.append(Lost.BEFORE)
    second = await replica.create("gm", "second")
    for _ in range(4):
        await desk.pass_time(replica, 8 * VISIBILITY)
    assert (await replica.posts.get(first.id)).network_post_id == "1001"
    failed = await replica.posts.get(second.id)
    assert (failed.state, failed.state_reason) == (FAILED, "another post of this account has the same text")


async def test_two_lost_posts_with_the_same_text_become_one(desk: Desk, replica: Replica) -> None:
    desk.network.faults.extend([Lost.AFTER, Lost.BEFORE])
    await replica.create("gm", "first")
    await replica.create("gm", "second")
    for _ in range(4):
        await desk.pass_time(replica, 8 * VISIBILITY)
    assert (desk.states(), desk.network.texts()) == ([SETTLED, FAILED], ["gm"])


async def test_two_replicas_that_get_the_same_request_send_it_once(desk: Desk, replica: Replica) -> None:
    other = await desk.replica()
    posts = await asyncio.gather(replica.create("hello"), other.create("hello"))
    assert posts[0].id == posts[1].id
    assert (desk.states(), desk.network.sends) == ([SETTLED], 1)


async def test_an_account_has_one_sender_at_a_time_in_all_replicas(desk: Desk, replica: Replica) -> None:
    other = await desk.replica()
    await asyncio.gather(*((replica, other)[number % 2].create(f"post {number}") for number in range(20)))
    while desk.states() != [SETTLED] * 20:
        await desk.pass_time(replica, 1)
    assert (desk.network.most_senders, desk.network.sends) == (1, 20)


@pytest.mark.parametrize("seed", range(40))
async def test_every_request_is_one_post_through_faults_and_crashes_anywhere(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    faults: list[Outcome | Lost] = [Lost.BEFORE, Lost.AFTER, Unreachable("down"), RateLimited(desk.clock.now())]
    desk.network.faults.extend(chance.choice(faults) for _ in range(chance.randrange(8)))
    desk.network.hidden = timedelta(seconds=chance.choice([0, 1, 2 * VISIBILITY]))
    # Only for what appears after the window the network's own refusal of duplicates is needed.
    desk.network.takes_duplicates = desk.network.hidden < timedelta(seconds=VISIBILITY)
    wanted = [f"post {number}" for number in range(3)]
    for _ in range(6):
        replica = Replica(desk)
        async with replica.outbox.open():
            calls = [asyncio.create_task(replica.create(text)) for text in wanted]
            await replica.outbox.sweep()
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        desk.clock.advance(seconds=chance.choice([0, 5, LEASE, LEASE + VISIBILITY]))
    survivor = await desk.replica()
    for text in wanted:
        with suppress(PuppetError):
            await survivor.create(text)
    for _ in range(30):
        await desk.pass_time(survivor, 2 * VISIBILITY)
    assert desk.states() == [SETTLED] * 3
    assert sorted(desk.network.texts()) == wanted
    ids = {item.post.text: item.post.network_post_id for item in desk.network.standing}
    assert {post.text: post.network_post_id for post in desk.store.posts.values()} == ids


async def test_a_post_whose_mark_was_written_too_slowly_does_not_leave(desk: Desk, replica: Replica) -> None:
    desk.store.committed = lambda: desk.clock.advance(seconds=LEASE) if desk.states() == [SENT] else None
    await replica.create("hello")
    assert (desk.states(), desk.network.sends) == ([SENT], 0)
    desk.store.committed = lambda: None
    await desk.pass_time(replica, 0)
    await desk.pass_time(replica, VISIBILITY)
    assert (desk.states(), desk.network.sends, desk.network.texts()) == ([SETTLED], 1, ["hello"])
