"""What is withheld goes out by itself once what withheld it is over, and until then the network is hardly asked."""

from datetime import timedelta

import pytest

from services.runtime.errors import PuppetError
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page
from services.social.domain.errors import WITHHELD_FOR, AccountLocked, CredentialsRefused, CreditsUsedUp
from services.social.domain.limits import Action, Limit, ReportedLimit, Scope, next_try
from services.social.domain.network import WITHHELD, Cause, RateLimited, Unauthorized
from services.social.domain.posts import Post, PostState
from tests.fakes.clock import FixedClock
from tests.fakes.social import Lost, credentials
from tests.unit.social.conftest import VISIBILITY, Desk, Replica
from tests.unit.social.test_limits import neighbour

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REGISTER = RequestKey("operator", "RegisterAccount", "", "")


async def refused(desk: Desk, replica: Replica, cause: Cause, text: str = "hello") -> Post:
    desk.network.faults.append(Unauthorized("the owner has to see to it", cause))
    with pytest.raises(PuppetError):
        await replica.create(text)
    return list(desk.store.posts.values())[-1]


async def creditless(desk: Desk, replica: Replica, text: str = "hello") -> Post:
    desk.network.faults.append(RateLimited(None, "no credits", Cause.CREDITS_USED_UP))
    desk.network.told.append(ReportedLimit(Scope.APP, Action.ANY, "credits", 0, 0, None))
    with pytest.raises(CreditsUsedUp):
        await replica.create(text)
    return list(desk.store.posts.values())[-1]


@pytest.mark.parametrize("cause", sorted(WITHHELD))
async def test_a_withheld_post_says_when_it_is_tried_again_and_goes_out_then(
    desk: Desk, replica: Replica, cause: Cause
) -> None:
    post = await refused(desk, replica, cause)
    assert (post.state, post.state_cause, post.state_reason) == (
        PostState.CLAIMED,
        cause,
        "the owner has to see to it",
    )
    assert post.due_time == desk.clock.now() + timedelta(minutes=15)
    await desk.pass_time(replica, 899)
    assert desk.network.sends == 1
    await desk.pass_time(replica, 1)
    assert (desk.network.texts(), desk.network.sends) == (["hello"], 2)
    assert not desk.store.limits


@pytest.mark.parametrize("cause", sorted(WITHHELD))
async def test_the_pauses_grow_and_one_post_asks_for_all_of_them(desk: Desk, replica: Replica, cause: Cause) -> None:
    await refused(desk, replica, cause, "one")
    for text in ("two", "three"):
        with pytest.raises(WITHHELD_FOR[cause], match="see to it"):
            await replica.create(text)
    desk.network.faults.extend([Unauthorized("the owner has to see to it", cause)] * 99)
    for _ in range(4 * 24 * 2):
        await desk.pass_time(replica, 900)
    # After 15, 30, 60, 120 and 240 minutes, 8 hours, and then each 6 hours; the first pause comes twice.
    assert desk.network.sends <= 16
    assert desk.states() == [PostState.CLAIMED] * 3
    desk.network.faults.clear()
    for _ in range(4 * 6):
        await desk.pass_time(replica, 900)
    assert desk.network.texts() == ["one", "two", "three"]


@pytest.mark.parametrize("cause", sorted(WITHHELD))
async def test_who_registers_the_account_again_has_it_published_at_once(
    desk: Desk, replica: Replica, cause: Cause
) -> None:
    await refused(desk, replica, cause)
    await replica.accounts.register("agt_a", credentials("Ann"), REGISTER)
    await desk.pass_time(replica, 0)
    assert desk.network.texts() == ["hello"]


async def test_what_was_withdrawn_meanwhile_stays_withdrawn(desk: Desk, replica: Replica) -> None:
    await refused(desk, replica, Cause.CREDENTIALS_REFUSED)
    await replica.withdraw("hello")
    await replica.accounts.register("agt_a", credentials("Ann"), REGISTER)
    await desk.pass_time(replica, 7 * 86_400)
    assert (desk.states(), desk.network.sends) == ([PostState.FAILED], 1)


async def test_what_an_earlier_version_withheld_is_left_until_it_is_asked_for(desk: Desk, replica: Replica) -> None:
    post = await refused(desk, replica, Cause.ACCOUNT_LOCKED)
    desk.store.posts[post.id].due_time = None
    desk.store.limits.clear()
    await replica.accounts.register("agt_a", credentials("Ann"), REGISTER)
    await desk.pass_time(replica, 86_400)
    assert desk.network.sends == 1
    assert (await replica.create("hello")).state is PostState.SETTLED


async def test_repeating_the_call_tries_a_withheld_post_at_once(desk: Desk, replica: Replica) -> None:
    await refused(desk, replica, Cause.ACCOUNT_LOCKED)
    assert (await replica.create("hello")).state is PostState.SETTLED


async def test_credits_are_looked_for_after_hours_and_rarely_and_their_return_sends_everything(
    desk: Desk, replica: Replica
) -> None:
    post = await creditless(desk, replica)
    assert post.due_time == desk.clock.now() + HOUR
    for _ in range(30):
        desk.network.faults.append(RateLimited(None, "no credits", Cause.CREDITS_USED_UP))
    asked: list[int] = []
    for hour in range(72):
        before = desk.network.sends
        desk.network.told.append(ReportedLimit(Scope.APP, Action.ANY, "credits", 0, 0, None))
        await desk.pass_time(replica, 3600)
        asked += [hour + 1] * (desk.network.sends - before)
    assert asked == [1, 2, 4, 8, 16, 28, 40, 52, 64]
    desk.network.faults.clear()
    desk.network.told.clear()
    await desk.pass_time(replica, 12 * 3600)
    assert desk.network.texts() == ["hello"]
    assert not desk.store.limits
    # What comes later begins with the shortest pause once more.
    assert (await creditless(desk, replica, "again")).due_time == desk.clock.now() + HOUR


async def test_the_time_that_the_network_names_is_the_due_time(desk: Desk, replica: Replica) -> None:
    until = desk.clock.now() + timedelta(days=9)
    desk.network.faults.append(RateLimited(until, "no more", Cause.USAGE_CAPPED))
    desk.network.told.append(ReportedLimit(Scope.APP, Action.POST, "cap", 0, 0, until))
    with pytest.raises(PuppetError):
        await replica.create("hello")
    [post] = desk.store.posts.values()
    assert post.due_time == until
    for _ in range(8):
        await desk.pass_time(replica, 86_400)
    assert desk.network.sends == 1
    await desk.pass_time(replica, 86_400)
    assert desk.network.texts() == ["hello"]


@pytest.mark.parametrize(("app", "is_tried"), [("Ann", True), ("Bob", False)])
async def test_who_registers_an_account_lets_those_of_the_same_app_go_on_and_no_others(
    desk: Desk, replica: Replica, app: str, is_tried: bool
) -> None:
    await creditless(desk, replica)
    desk.network.faults.extend([RateLimited(None, "no credits", Cause.CREDITS_USED_UP)] * (app == "Bob"))
    key = RequestKey("agents", "CreatePost", "other", "")
    with pytest.raises(CreditsUsedUp):
        await replica.posts.create(neighbour(desk, app), "the other", "", key, 5)
    await replica.accounts.register("agt_a", credentials("Ann"), REGISTER)
    await desk.pass_time(replica, 0)
    assert desk.network.texts() == ["hello", *["the other"] * is_tried]


async def test_a_refused_read_is_not_repeated_before_its_pause_and_then_is(desk: Desk, replica: Replica) -> None:
    desk.network.blind = AccountLocked("the account is locked")
    for _ in range(5):
        with pytest.raises(AccountLocked, match="locked"):
            await replica.reading.mentions("acc_a", "5", Page(5))
    assert desk.network.mention_reads == 1
    # Mentions that are refused say nothing of posts.
    assert (await replica.create("hello")).state is PostState.SETTLED
    desk.network.blind = None
    desk.clock.advance(seconds=900)
    await replica.reading.mentions("acc_a", "5", Page(5))
    assert not desk.store.limits


async def test_what_may_have_been_posted_is_not_sent_again_before_its_time(desk: Desk, replica: Replica) -> None:
    desk.network.faults.extend([Lost.BEFORE, Unauthorized("locked", Cause.ACCOUNT_LOCKED)])
    await replica.create("hello")
    await desk.pass_time(replica, VISIBILITY)
    [post] = desk.store.posts.values()
    assert (post.state, post.state_cause) == (PostState.OUTCOME_UNKNOWN, Cause.ACCOUNT_LOCKED)
    assert post.due_time == desk.clock.now() + timedelta(minutes=15)
    await desk.pass_time(replica, 900)
    assert desk.network.texts() == ["hello"]


async def test_credentials_that_this_service_cant_open_withhold_a_post_too(desk: Desk, replica: Replica) -> None:
    desk.vault.key = "lost"
    with pytest.raises(CredentialsRefused):
        await replica.create("hello")
    desk.vault.key = "k"
    await desk.pass_time(replica, 900)
    assert desk.network.texts() == ["hello"]


def test_a_pause_is_as_long_as_it_has_lasted_and_what_is_long_ago_is_forgotten(clock: FixedClock) -> None:
    now = clock.now()
    begin, reset = next_try(None, "credits", now)
    assert (begin, reset) == (now, now + HOUR)

    def limit(begun: timedelta, ended: timedelta) -> Limit:
        return Limit(
            holder="a",
            action=Action.ANY,
            window="credits",
            allowed=0,
            remaining=0,
            reset_time=now - ended,
            begin_time=now - begun,
        )

    assert next_try(limit(5 * HOUR, HOUR), "credits", now) == (now - 5 * HOUR, now + 5 * HOUR)
    assert next_try(limit(5 * DAY, HOUR), "credits", now) == (now - 5 * DAY, now + 12 * HOUR)
    assert next_try(limit(5 * DAY, 4 * DAY), "credits", now) == (now, now + HOUR)


async def test_reads_that_meet_used_up_credits_come_back_less_and_less_often_and_say_when(
    desk: Desk, replica: Replica
) -> None:
    desk.network.blind = CreditsUsedUp("nothing is left", 0, "x")
    asked: list[int] = []
    for hour in range(25):
        before = desk.network.mention_reads
        desk.network.told = [ReportedLimit(Scope.APP, Action.ANY, "credits", 0, 0, None)]
        with pytest.raises(CreditsUsedUp) as told:
            await replica.reading.mentions("acc_a", "5", Page(5))
        if desk.network.mention_reads > before:
            asked.append(hour)
            assert told.value.retry_after == max(3600, min(hour * 3600, 12 * 3600))
            assert "nothing is left" in told.value.message
        desk.clock.advance(seconds=3600)
    assert asked == [0, 1, 2, 4, 8, 16]
