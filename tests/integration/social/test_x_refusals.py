"""What X's refusals mean: for a post whether it is held, withheld or final, for a read which error it is."""

from datetime import timedelta
from typing import Any

import pytest

from services.runtime.errors import PuppetError, RetryLater
from services.social.domain.network import (
    Cause,
    Duplicate,
    Outcome,
    RateLimited,
    Refused,
    Unauthorized,
    Undecided,
    Unreachable,
)
from tests.fakes.clock import FixedClock
from tests.fakes.social import credentials
from tests.support.answers import Said, saying
from tests.support.networks import x_at

ANN = credentials("Ann")
TYPES = "https://api.x.com/2/problems/"
ME = Said({"data": {"id": "7", "username": "ann", "name": "Ann"}})


def problem(
    status: int, detail: str = "no", kind: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Said:
    body = {"title": "No", "detail": detail, "type": TYPES + kind if kind else "about:blank", "status": status}
    return Said(body | more, status)


async def publish(clock: FixedClock, *answers: Said) -> Outcome:
    async with saying(*answers) as x:
        return await x_at(x.url, x.session, clock).publish(ANN, "hello", "")


async def read(clock: FixedClock, answer: Said) -> PuppetError:
    async with saying(answer) as x:
        with pytest.raises(PuppetError) as raised:
            await x_at(x.url, x.session, clock).latest_mentions(ANN, "7", 20)
    return raised.value


CREDITS = problem(402, "there is nothing left to pay with", "credits-depleted")
CAP = problem(429, "enough for this month", "usage-capped", title="UsageCapExceeded", period="Monthly")


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        (CREDITS, Cause.CREDITS_USED_UP, "credits"),
        (Said("<html>pay</html>", 402), Cause.CREDITS_USED_UP, "credits"),
        (CAP, Cause.USAGE_CAPPED, "cap"),
        (problem(403, kind="usage-capped"), Cause.USAGE_CAPPED, "cap"),
        (
            Said({"type": "https://api.twitter.com/2/problems/usage-capped", "title": "No"}, 429),
            Cause.USAGE_CAPPED,
            "cap",
        ),
    ],
)
async def test_what_is_used_up_for_long_names_no_time_and_a_read_says_what_it_is(
    clock: FixedClock, answer: Said, cause: Cause, words: str
) -> None:
    outcome = await publish(clock, answer)
    assert isinstance(outcome, RateLimited)
    assert (outcome.cause, outcome.until) == (cause, None)
    assert words in outcome.reason
    error = await read(clock, answer)
    assert isinstance(error, RetryLater)
    assert error.reason == cause.name
    assert words in error.message


@pytest.mark.parametrize(
    ("later", "seconds"),
    [
        ("86400", 86_400),
        ("0", 1),
        ("99999999999", 31 * 86_400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("tomorrow", None),
        ("-5", None),
    ],
)
@pytest.mark.parametrize("answer", [CREDITS, CAP], ids=["credits", "cap"])
async def test_the_time_that_x_names_is_when_it_is_asked_again(
    clock: FixedClock, answer: Said, later: str, seconds: int | None
) -> None:
    outcome = await publish(clock, Said(answer.body, answer.status, {"retry-after": later}))
    assert isinstance(outcome, RateLimited)
    assert outcome.until == (None if seconds is None else clock.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"x-rate-limit": (100, 0, 300)}, 300),
        ({"x-rate-limit": (100, 91, 300), "x-app-limit-24hour": (10_000, 0, 70_000)}, 70_000),
        ({"x-rate-limit": (100, 0, 300), "x-user-limit-24hour": (100, 0, 50_000)}, 50_000),
        ({"x-rate-limit": (100, 0, 300), "x-user-limit-24hour": (100, 7, 50_000)}, 300),
        ({"x-rate-limit": (100, 91, 300), "x-user-limit-24hour": (100, 7, 50_000)}, 300),
        ({"x-rate-limit": (100, 0, -300)}, 1),
        ({"x-app-limit-24hour": (100, 0, 10**12)}, 31 * 86_400),
    ],
)
async def test_a_rate_limit_lasts_until_the_one_that_is_used_up_is_reset(
    clock: FixedClock, limits: dict[str, tuple[int, int, int]], seconds: int
) -> None:
    headers: dict[str, str] = {}
    for family, (allowed, remaining, reset) in limits.items():
        moment = str(int(clock.now().timestamp()) + reset)
        headers |= {
            f"{family}-limit": str(allowed),
            f"{family}-remaining": str(remaining),
            f"{family}-reset": moment[:11],
        }
    outcome = await publish(clock, Said("slow down", 429, headers))
    assert isinstance(outcome, RateLimited)
    assert outcome.cause is Cause.RATE_LIMITED
    assert outcome.until is not None
    assert abs((outcome.until - clock.now()).total_seconds() - seconds) <= 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Said("<html>who?</html>", 401), Cause.CREDENTIALS_REFUSED),
        (problem(401), Cause.CREDENTIALS_REFUSED),
        (problem(403, "you may only read", "oauth1-permissions"), Cause.CREDENTIALS_REFUSED),
        (problem(403, kind="unsupported-authentication"), Cause.CREDENTIALS_REFUSED),
        (problem(403, kind="client-forbidden", reason="client-not-enrolled"), Cause.NOT_CAPABLE),
        (problem(403, reason="client-not-enrolled"), Cause.NOT_CAPABLE),
        (Said({"errors": [{"code": 453, "message": "not in your level"}]}, 403), Cause.NOT_CAPABLE),
        (Said({"errors": [{"code": 326, "message": "log in first"}]}, 403), Cause.ACCOUNT_LOCKED),
        (problem(403, "somebody has to unlock it"), Cause.ACCOUNT_LOCKED),
        (problem(403, "this user is suspended"), Cause.ACCOUNT_LOCKED),
    ],
)
async def test_what_somebody_has_to_mend_withholds_a_post_and_a_read_says_what_it_is(
    clock: FixedClock, answer: Said, cause: Cause
) -> None:
    outcome = await publish(clock, answer)
    assert isinstance(outcome, Unauthorized)
    assert outcome.cause is cause
    assert (await read(clock, answer)).reason == cause.name


@pytest.mark.parametrize(
    "answer",
    [
        Said("", 301, {"location": "https://api.x.com/2/tweets"}),
        Said("", 308, {"location": "/2/tweets"}),
        Said("<html>Attention required</html>", 403),
        Said("<html>Not found</html>", 404),
        Said({"error": "no route"}, 404),
    ],
)
async def test_what_is_no_answer_of_the_api_holds_a_post_and_is_no_fault_of_the_account(
    clock: FixedClock, answer: Said
) -> None:
    outcome = await publish(clock, answer)
    assert isinstance(outcome, Unreachable)
    assert str(answer.status) in outcome.reason
    assert (await read(clock, answer)).reason == "NETWORK_UNAVAILABLE"


async def test_a_redirect_says_that_the_base_url_may_be_wrong(clock: FixedClock) -> None:
    moved = Said("", 301, {"location": "https://api.x.com/2/tweets"})
    outcome = await publish(clock, moved)
    assert isinstance(outcome, Unreachable)
    assert "https://api.x.com/2/tweets" in outcome.reason
    assert "base URL" in outcome.reason


@pytest.mark.parametrize(
    "answer",
    [Said("<html>over capacity</html>", 503), Said({}, 500), Said("", 408), Said({"errors": [{"detail": "no"}]})],
)
async def test_what_decides_nothing_is_undecided(clock: FixedClock, answer: Said) -> None:
    assert isinstance(await publish(clock, answer), Undecided)
    assert (await read(clock, answer)).reason == "NETWORK_UNAVAILABLE"


async def test_a_refusal_in_words_is_about_the_post_when_the_account_may_still_ask_who_it_is(clock: FixedClock) -> None:
    refused = problem(403, "reply to this conversation is not allowed")
    assert await publish(clock, refused, ME) == Refused("X answered 403: reply to this conversation is not allowed")


async def test_while_that_cant_be_told_the_post_is_held(clock: FixedClock) -> None:
    for blind in (Said("<html>over capacity</html>", 503), Said("", 429)):
        assert isinstance(await publish(clock, problem(403), blind), Unreachable)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (problem(400, "the text is too long", "invalid-request"), Refused),
        (problem(403, "You are not allowed to create a Tweet with duplicate content."), Duplicate),
        (Said({"errors": [{"code": 187, "message": "twice"}]}, 403), Duplicate),
    ],
)
async def test_what_is_about_the_post_itself_is_final_at_once(
    clock: FixedClock, answer: Said, outcome: type[Outcome]
) -> None:
    async with saying(answer) as x:
        assert isinstance(await x_at(x.url, x.session, clock).publish(ANN, "hello", ""), outcome)
        assert len(x.asked) == 1


@pytest.mark.parametrize(
    "body", ["[]", '"no"', "[" * 100_000, "\ud83d".encode("utf-8", "surrogatepass").decode("latin1")]
)
async def test_a_refusal_whose_body_is_no_problem_is_a_refusal_all_the_same(clock: FixedClock, body: str) -> None:
    assert isinstance(await publish(clock, Said(body, 402)), RateLimited)
