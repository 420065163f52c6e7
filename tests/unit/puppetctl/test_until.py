"""When `--until` has seen enough."""

from collections import Counter

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.local.until import NAMES, Goals, counted_as

SWAP = log_pb.Swap(trade_id="trd_1")


def test_goals_are_reached_when_nothing_is_missing() -> None:
    goals = Goals.parse("posts>=3, replies >= 1,trades>=0")
    assert goals.missing(Counter(posts=2)) == ["posts: 2 of 3", "replies: 0 of 1"]
    assert goals.missing(Counter(posts=4, replies=1)) == []


@pytest.mark.parametrize("given", ["posts", "posts>3", "posts>=-1", "likes>=1", "posts>=1;replies>=1", "posts>=1,", ""])
def test_what_is_no_goal_is_refused_with_the_names_there_are(given: str) -> None:
    with pytest.raises(ValueError, match=", ".join(NAMES)):
        Goals.parse(given)


@pytest.mark.parametrize(
    ("activity", "names"),
    [
        (log_pb.Activity(kind=log_pb.ACTIVITY_KIND_POST), ["posts"]),
        (
            log_pb.Activity(kind=log_pb.ACTIVITY_KIND_POST, post=log_pb.PostEvent(swap=SWAP)),
            ["posts", "trade_posts"],
        ),
        (log_pb.Activity(kind=log_pb.ACTIVITY_KIND_REPLY, reply=log_pb.ReplyEvent()), ["replies"]),
        (
            log_pb.Activity(kind=log_pb.ACTIVITY_KIND_REPLY, memories=[log_pb.RecalledMemory(text="It rained.")]),
            ["replies", "replies_with_memory"],
        ),
        (log_pb.Activity(kind=log_pb.ACTIVITY_KIND_TRADE, trade=log_pb.TradeEvent(swap=SWAP)), ["trades"]),
        (log_pb.Activity(kind=log_pb.ACTIVITY_KIND_PASS), []),
        (log_pb.Activity(kind=log_pb.ACTIVITY_KIND_FAILURE), []),
    ],
)
def test_an_activity_counts_by_what_it_is(activity: log_pb.Activity, names: list[str]) -> None:
    assert counted_as(activity) == names
