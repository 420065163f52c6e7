"""The windows of the rate limits."""

from sandbox.x.accounts import User
from sandbox.x.limits import LIMITS, Limiter
from sandbox.x.oauth import Caller
from tests.unit.sandbox.x.conftest import HandClock

_POST = "POST /2/tweets"


def test_the_call_past_the_limit_is_refused_until_the_window_ends(clock: HandClock, ann: User) -> None:
    limiter, caller = Limiter(clock=clock), Caller(ann, app_only=False)
    allowed = [limiter.take(_POST, caller) for _ in range(100)]
    assert [allowance.remaining for allowance in allowed] == list(range(99, -1, -1))
    assert not any(allowance.refused for allowance in allowed)
    refused = limiter.take(_POST, caller)
    assert (refused.refused, refused.remaining, refused.reset) == (True, 0, int(clock.now) + 900)
    clock.now += 900
    assert limiter.take(_POST, caller).remaining == 99


def test_each_user_endpoint_and_kind_of_token_has_its_own_window(clock: HandClock, ann: User, bob: User) -> None:
    limiter = Limiter(clock=clock)
    timeline = "GET /2/users/{id}/tweets"
    assert limiter.take(timeline, Caller(ann, app_only=False)).remaining == 899
    assert limiter.take(timeline, Caller(bob, app_only=False)).remaining == 899
    assert limiter.take(timeline, Caller(ann, app_only=True)).remaining == 1499
    assert limiter.take("GET /2/users/{id}/mentions", Caller(ann, app_only=False)).remaining == 299


def test_a_multiplier_moves_every_limit_and_leaves_at_least_one_call(clock: HandClock, ann: User) -> None:
    caller = Caller(ann, app_only=False)
    assert Limiter(multiplier=10, clock=clock).take(_POST, caller).limit == 1000
    assert all(Limiter(multiplier=1e-9, clock=clock).take(name, caller).limit == 1 for name in LIMITS)


def test_without_limits_the_whole_allowance_is_always_left(clock: HandClock, ann: User) -> None:
    limiter = Limiter(enforced=False, clock=clock)
    allowances = [limiter.take(_POST, Caller(ann, app_only=False)) for _ in range(200)]
    assert {(allowance.remaining, allowance.refused) for allowance in allowances} == {(100, False)}
