"""What X allows by tier, and how long it finds a text; CreatePost refuses by the same."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.runtime.errors import InvalidRequest
from services.runtime.text.weight import TextLimit, WeightRange
from services.social.adapters.x.capabilities import CAPABILITIES, TEXT_LIMIT
from services.social.domain.capabilities import PostQuota, ReplyScope, Tier
from services.social.domain.errors import AccountNotFound, ReplyShareUsedUp
from services.social.domain.limits import Quota
from services.social.domain.posts import PostState
from tests.unit.social.conftest import Desk


def test_the_self_serve_tier_answers_who_mentioned_it_and_neither_quotes_nor_likes_nor_follows() -> None:
    full, small = CAPABILITIES[Tier.FULL], CAPABILITIES[Tier.SELF_SERVE]
    assert (full.reply_scope, small.reply_scope) == (ReplyScope.ALL, ReplyScope.MENTIONED)
    assert (full.can_quote, full.can_like, full.can_follow) == (True, True, True)
    assert (small.can_quote, small.can_like, small.can_follow) == (False, False, False)
    assert (small.can_post, small.can_repost, small.can_thread, small.can_delete) == (True, True, True, True)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("hello", 5),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("\u65e5\u672c\u8a9e", 6),
        ("\ud55c\uad6d\uc5b4", 6),
        ("\u2019tis \u2013 \u201cso\u201d", 11),
        ("\U0001f600", 2),
        ("\U0001f44d\U0001f3fd", 2),
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", 2),
        ("\U0001f1e9\U0001f1ea", 2),
        ("1\ufe0f\u20e3", 2),
        ("https://example.com/" + "a" * 200, 23),
        ("see example.com.", 4 + 23 + 1),
        ("see https://example.com/a?b=c, and https://example.org", 4 + 23 + 6 + 23),
        ("me@example.com", 14),
        ("e.g. this", 9),
    ],
)
def test_a_text_weighs_what_x_says(text: str, length: int) -> None:
    assert TEXT_LIMIT.weigh(text) == length


@pytest.mark.parametrize(
    ("limit", "weight"),
    [
        (TextLimit(500), 2 + 1 + 19),
        (TextLimit(500, url_weight=23), 2 + 1 + 23),
        (TextLimit(500, emoji_weight=1), 1 + 1 + 19),
        (TextLimit(500, 3, (WeightRange(0, 0x7F, 1), WeightRange(0x1F000, 0x1FFFF, 5))), 10 + 1 + 19),
    ],
)
def test_each_network_counts_by_its_own_rules(limit: TextLimit, weight: int) -> None:
    assert limit.weigh("\U0001f44d\U0001f3fd https://example.com") == weight


async def test_a_post_at_the_limit_goes_out_and_one_sign_longer_is_refused(desk: Desk) -> None:
    replica = await desk.replica()
    capabilities, _ = await replica.accounts.capabilities("acc_a")
    limit = capabilities.text_limit.max_weight
    assert (await replica.create("x" * limit, "at")).state is PostState.SETTLED
    with pytest.raises(InvalidRequest, match=f"at most {limit}"):
        await replica.create("x" * (limit + 1), "above")
    assert desk.network.texts() == ["x" * limit]


async def test_the_quota_is_what_replies_are_refused_by(desk: Desk) -> None:
    desk.quota = Quota(4, Decimal("0.5"))
    replica = await desk.replica()
    _, quota = await replica.accounts.capabilities("acc_a")
    assert quota == PostQuota(timedelta(hours=24), 4, 2)
    for number in range(2):
        await replica.create(f"reply {number}", in_reply_to="7")
    with pytest.raises(ReplyShareUsedUp):
        await replica.create("one more", in_reply_to="7")


async def test_a_quota_that_nobody_told_is_unknown_and_an_unknown_account_is_not_found(desk: Desk) -> None:
    replica = await desk.replica()
    _, quota = await replica.accounts.capabilities("acc_a")
    assert (quota.max_posts, quota.max_replies) == (None, None)
    with pytest.raises(AccountNotFound):
        await replica.accounts.capabilities("acc_z")
