"""Replies leave an account a share of its day's posts."""

import asyncio
from decimal import Decimal

import pytest

from services.runtime.errors import PuppetError
from services.social.domain.errors import ReplyShareUsedUp
from services.social.domain.limits import Action, Limit, Quota
from services.social.domain.network import Refused
from services.social.domain.posts import Post
from tests.fakes.clock import FixedClock
from tests.unit.social.conftest import Desk, Replica

DAY = 86_400


async def reply(replica: Replica, text: str) -> Post:
    return await replica.create(text, in_reply_to="77")


@pytest.fixture
def four_a_day(desk: Desk) -> None:
    desk.quota = Quota(4, Decimal("0.5"))


@pytest.mark.usefixtures("four_a_day")
async def test_replies_get_what_is_left_of_the_reserved_share_and_own_posts_go_out(desk: Desk) -> None:
    replica = await desk.replica()
    await reply(replica, "one")
    desk.clock.advance(seconds=600)
    await reply(replica, "two")
    with pytest.raises(ReplyShareUsedUp, match="2 replies") as told:
        await reply(replica, "three")
    assert told.value.retry_after == DAY - 600
    await replica.create("mine")
    await replica.create("mine, too")
    assert desk.network.texts() == ["one", "two", "mine", "mine, too"]
    assert "three" not in {post.text for post in desk.store.posts.values()}


@pytest.mark.usefixtures("four_a_day")
async def test_there_is_room_again_when_a_reply_is_a_day_old(desk: Desk) -> None:
    replica = await desk.replica()
    await reply(replica, "one")
    await reply(replica, "two")
    desk.clock.advance(seconds=DAY - 1)
    with pytest.raises(ReplyShareUsedUp):
        await reply(replica, "three")
    desk.clock.advance(seconds=1)
    await reply(replica, "three")
    assert desk.network.texts() == ["one", "two", "three"]


@pytest.mark.usefixtures("four_a_day")
async def test_a_repeated_request_counts_once_and_a_failed_one_not_at_all(desk: Desk) -> None:
    replica = await desk.replica()
    desk.network.faults.append(Refused("X answered 403: the post is gone"))
    await reply(replica, "to nobody")
    await reply(replica, "one")
    await reply(replica, "one")
    await reply(replica, "two")
    assert (await reply(replica, "two")).network_post_id
    assert desk.network.texts() == ["one", "two"]


@pytest.mark.usefixtures("four_a_day")
async def test_many_at_once_on_two_replicas_make_no_more_replies(desk: Desk) -> None:
    replicas = [await desk.replica(), await desk.replica()]
    asked = [reply(replicas[number % 2], f"reply {number}") for number in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert len([one for one in done if isinstance(one, Post)]) == 2
    assert all(isinstance(one, Post | ReplyShareUsedUp) for one in done)


async def test_without_a_known_limit_nothing_is_refused(desk: Desk, replica: Replica) -> None:
    for number in range(20):
        await reply(replica, f"reply {number}")
    assert desk.network.sends == 20


async def test_what_the_network_says_of_its_limit_holds_when_it_is_the_smaller_one(desk: Desk) -> None:
    desk.quota = Quota(100, Decimal("0.9"))
    desk.network.posts_a_day = 30
    replica = await desk.replica()
    for number in range(3):
        await reply(replica, f"reply {number}")
    with pytest.raises(PuppetError) as told:
        await reply(replica, "one more")
    assert told.value.reason == "REPLY_SHARE_USED_UP"
    assert [limit.allowed for limit in desk.store.limits.values()] == [30]


@pytest.mark.parametrize(
    ("posts", "share", "replies"), [(10, "0.9", 1), (10, "1", 0), (10, "0", 10), (1, "0.5", 0), (3, "0.5", 1)]
)
def test_the_share_is_rounded_in_favour_of_own_posts(clock: FixedClock, posts: int, share: str, replies: int) -> None:
    told = Limit(holder="acc_a", action=Action.POST, window="24hour", allowed=99, remaining=9, reset_time=clock.now())
    assert Quota(posts, Decimal(share)).of([told]).max_replies == replies


async def test_with_everything_reserved_there_is_no_reply(desk: Desk) -> None:
    desk.quota = Quota(10, Decimal(1))
    replica = await desk.replica()
    with pytest.raises(ReplyShareUsedUp) as told:
        await reply(replica, "one")
    assert told.value.retry_after == DAY
