"""What the network says of its limits is kept by account and app, and nobody calls it while that holds them back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page
from services.social.domain.accounts import Account, NetworkName
from services.social.domain.errors import CreditsUsedUp, NetworkRateLimited, UsageCapped
from services.social.domain.limits import Action, Limit, ReportedLimit, Scope, last_reset
from services.social.domain.network import Cause, RateLimited
from services.social.domain.posts import PostState
from tests.fakes.clock import FixedClock
from tests.fakes.social import credentials
from tests.unit.social.conftest import Desk, Replica

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(desk: Desk, window: str, lasts: timedelta, scope: Scope = Scope.ACCOUNT, action: Action = Action.POST) -> None:
    """Let the network say with its next answer that a limit is used up."""
    desk.network.told.append(ReportedLimit(scope, action, window, 100, 0, desk.clock.now() + lasts))


def neighbour(desk: Desk, app: str = "Ann") -> str:
    """Add an account with the keys of this app."""
    keys = credentials("Bob")
    object.__setattr__(keys, "api_key", credentials(app).api_key)
    desk.store.accounts["acc_b"] = Account(
        id="acc_b",
        agent_id="agt_b",
        network=NetworkName.X,
        handle="Bob",
        network_user_id="id-bob",
        sealed_credentials=desk.vault.seal(keys),
        create_time=desk.clock.now(),
        handle_time=desk.clock.now(),
        handle_due_time=desk.clock.now() + DAY,
    )
    return "acc_b"


async def test_a_post_waits_for_a_limit_that_was_used_up_by_the_one_before(desk: Desk, replica: Replica) -> None:
    told(desk, "24hour", 2 * HOUR)
    await replica.create("one")
    with pytest.raises(NetworkRateLimited, match="100 in 24hour") as limited:
        await replica.create("two")
    assert (limited.value.retry_after, desk.network.sends) == (7200, 1)
    held = desk.store.posts[next(reversed(desk.store.posts))]
    assert (held.state, held.state_cause) == (PostState.CLAIMED, Cause.RATE_LIMITED)
    await desk.pass_time(replica, 7199)
    assert desk.network.sends == 1
    await desk.pass_time(replica, 1)
    assert desk.network.texts() == ["one", "two"]


@pytest.mark.parametrize(
    ("window", "error", "cause"),
    [("cap", UsageCapped, Cause.USAGE_CAPPED), ("credits", CreditsUsedUp, Cause.CREDITS_USED_UP)],
)
async def test_caps_and_credits_hold_a_post_for_hours_without_a_call_in_between(
    desk: Desk, replica: Replica, window: str, error: type[NetworkRateLimited], cause: Cause
) -> None:
    desk.network.faults.append(RateLimited(desk.clock.now() + 6 * HOUR, "no more", cause))
    told(desk, window, 6 * HOUR, Scope.APP, Action.ANY)
    with pytest.raises(error):
        await replica.create("one")
    for _ in range(5):
        await desk.pass_time(replica, 3600)
        with pytest.raises(error):
            await replica.create("one")
        with pytest.raises(error):
            await replica.reading.mentions("acc_a", "5", Page(5))
    assert (desk.network.sends, desk.network.mention_reads) == (1, 0)
    [held] = desk.store.posts.values()
    assert (held.state, held.state_cause) == (PostState.CLAIMED, cause)
    await desk.pass_time(replica, 3600)
    assert desk.network.texts() == ["one"]


async def test_a_limit_of_the_app_holds_all_its_accounts_back_and_no_others(desk: Desk, replica: Replica) -> None:
    told(desk, "24hour", HOUR, Scope.APP)
    await replica.create("one")
    with pytest.raises(NetworkRateLimited):
        await replica.posts.create(neighbour(desk), "two", "", RequestKey("agents", "CreatePost", "two", ""), 5)
    await replica.posts.create(neighbour(desk, "Bob"), "three", "", RequestKey("agents", "CreatePost", "3", ""), 5)
    assert desk.network.texts() == ["one", "three"]


async def test_a_limit_of_an_account_holds_no_other_back_and_none_of_posts_holds_reads_back(
    desk: Desk, replica: Replica
) -> None:
    told(desk, "24hour", HOUR)
    await replica.create("one")
    await replica.reading.mentions("acc_a", "5", Page(5))
    await replica.posts.create(neighbour(desk), "two", "", RequestKey("agents", "CreatePost", "two", ""), 5)
    assert (desk.network.texts(), desk.network.mention_reads) == (["one", "two"], 1)


async def test_what_a_refused_read_says_is_kept_as_well(desk: Desk, replica: Replica) -> None:
    told(desk, "cap", 6 * HOUR, Scope.APP, Action.MENTIONS)
    desk.network.blind = UsageCapped("the cap is reached", 21_600, "x")
    for _ in range(3):
        with pytest.raises(UsageCapped):
            await replica.reading.mentions("acc_a", "5", Page(5))
    assert desk.network.mention_reads == 1
    desk.network.blind = None
    desk.clock.advance(seconds=21_600)
    await replica.reading.mentions("acc_a", "5", Page(5))


async def test_who_registers_an_account_again_is_let_try_at_once(desk: Desk, replica: Replica) -> None:
    told(desk, "credits", HOUR, Scope.APP, Action.ANY)
    await replica.create("one")
    with pytest.raises(CreditsUsedUp):
        await replica.create("two")
    key = RequestKey("operator", "RegisterAccount", "", "")
    await replica.accounts.register("agt_a", credentials("Ann"), key)
    await replica.create("two")
    assert desk.network.texts() == ["one", "two"]


async def test_a_limit_of_a_quarter_of_an_hour_is_kept_only_when_it_is_used_up(desk: Desk, replica: Replica) -> None:
    reset = desk.clock.now() + timedelta(minutes=15)
    desk.network.told = [ReportedLimit(Scope.ACCOUNT, Action.POST, "15min", 100, 7, reset)]
    await replica.create("one")
    assert not desk.store.limits
    desk.network.told = [ReportedLimit(Scope.ACCOUNT, Action.POST, "15min", 100, 0, reset)]
    await replica.create("two")
    assert [limit.remaining for limit in desk.store.limits.values()] == [0]


@pytest.fixture
def limit(clock: FixedClock) -> Callable[..., Limit]:
    def make(hours: int, remaining: int = 0, action: Action = Action.POST) -> Limit:
        reset = clock.now() + hours * HOUR
        return Limit(holder="a", action=action, window=f"{hours}", allowed=9, remaining=remaining, reset_time=reset)

    return make


def test_of_several_limits_the_last_to_be_reset_counts_if_it_is_used_up(
    clock: FixedClock, limit: Callable[..., Limit]
) -> None:
    limits = [limit(1), limit(2), limit(3, remaining=1), limit(4, action=Action.MENTIONS), limit(-1)]
    assert last_reset(limits, Action.POST, clock.now()) is limits[1]
    assert last_reset(limits, Action.MENTIONS, clock.now()) is limits[3]
    assert last_reset(limits, Action.LOOKUP, clock.now()) is None
    anything = limit(9, action=Action.ANY)
    assert last_reset([*limits, anything], Action.LOOKUP, clock.now()) is anything
