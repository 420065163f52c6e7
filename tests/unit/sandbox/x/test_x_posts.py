"""What the store keeps, hides and refuses."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.x.accounts import Accounts, Tier, User
from sandbox.x.database import Database
from sandbox.x.posts import Condition, NewPost, Post, Posts, Span
from tests.unit.sandbox.x.conftest import HandClock

_ALL = Condition("1")


def test_ids_grow_even_when_the_clock_is_set_back(database: Database, clock: HandClock) -> None:
    first = database.next_id()
    clock.now -= 3600
    assert first < database.next_id() < database.next_id()


def test_ids_grow_across_a_restart(tmp_path: Path, clock: HandClock) -> None:
    before = Database(tmp_path / "again.sqlite3", clock)
    user, _ = Accounts(before).create("ann", "Ann", "")
    before.close()
    clock.now -= 3600
    after = Database(tmp_path / "again.sqlite3", clock)
    assert after.next_id() > user.id
    after.close()


def test_an_account_is_the_same_every_time_it_is_asked_for(accounts: Accounts) -> None:
    first, made = accounts.create("Ann", "Ann", "")
    second, made_again = accounts.create("ANN", "Another", "")
    assert (first, made, made_again) == (second, True, False)
    assert accounts.keys(first) == accounts.keys(second)


def test_the_tier_is_kept(accounts: Accounts) -> None:
    assert accounts.tier is Tier.FULL
    accounts.tier = Tier.SELF_SERVE
    assert accounts.tier is Tier.SELF_SERVE


def test_a_late_post_is_hidden_from_every_read_until_its_time(
    posts: Posts, ann: User, bob: User, clock: HandClock
) -> None:
    parent = posts.create(ann, NewPost("hello"))
    late = posts.create(bob, NewPost("hi", parent=parent), hidden_seconds=10)
    clock.now += 9.9
    assert posts.get(late.id) is None
    assert posts.target(late.id) is None
    assert [post.id for post in posts.newest(_ALL, Span(10))] == [parent.id]
    assert [post.id for post in posts.oldest_after(0, 10)] == [parent.id]
    assert _fresh(posts, parent).replies == 0
    assert posts.counts_of(bob.id) == (0, 0)
    clock.now += 0.1
    assert posts.get(late.id) == late
    assert _fresh(posts, parent).replies == 1


def test_a_late_post_counts_as_a_duplicate_at_once(posts: Posts, ann: User) -> None:
    posts.create(ann, NewPost("hello"), hidden_seconds=60)
    assert posts.is_duplicate(ann, NewPost("hello"))


def test_a_dropped_post_is_never_there(posts: Posts, ann: User, clock: HandClock) -> None:
    gone = posts.create(ann, NewPost("hello"), dropped=True)
    clock.now += 10**6
    assert posts.get(gone.id) is None
    assert not posts.is_duplicate(ann, NewPost("hello"))


def test_a_text_can_be_published_again_by_another_after_a_day_or_once_deleted(
    posts: Posts, ann: User, bob: User, clock: HandClock
) -> None:
    first = posts.create(ann, NewPost("hello"))
    assert posts.is_duplicate(ann, NewPost("hello"))
    assert not posts.is_duplicate(bob, NewPost("hello"))
    posts.delete(first.id)
    assert not posts.is_duplicate(ann, NewPost("hello"))
    posts.create(ann, NewPost("hello"))
    clock.now += 24 * 3600
    assert not posts.is_duplicate(ann, NewPost("hello"))


def test_the_same_words_to_two_people_are_no_duplicate(posts: Posts, ann: User, bob: User, accounts: Accounts) -> None:
    carl, _ = accounts.create("carl", "Carl", "")
    to_bob = NewPost("thanks", parent=posts.create(bob, NewPost("one")))
    to_carl = NewPost("thanks", parent=posts.create(carl, NewPost("two")))
    posts.create(ann, to_bob)
    assert posts.is_duplicate(ann, to_bob)
    assert not posts.is_duplicate(ann, to_carl)


def test_a_reply_mentions_everyone_its_parent_concerns_except_its_own_author(
    posts: Posts, ann: User, bob: User, accounts: Accounts
) -> None:
    carl, _ = accounts.create("carl", "Carl", "")
    root = posts.create(ann, NewPost("hello @carl"))
    reply = posts.create(bob, NewPost("hi", parent=root))
    answer = posts.create(ann, NewPost("how are you?", parent=reply))
    assert (reply.prefix, answer.prefix) == ("ann carl", "bob carl")
    assert answer.conversation_id == root.id
    without = posts.create(bob, NewPost("only you", parent=root, left_out=frozenset({carl.id, ann.id})))
    assert without.prefix == "ann"


def test_a_reply_that_names_its_parents_author_doesnt_name_them_twice(posts: Posts, ann: User, bob: User) -> None:
    assert posts.create(bob, NewPost("hi @Ann", parent=posts.create(ann, NewPost("hello")))).prefix == ""


def test_a_thread_with_oneself_mentions_nobody(posts: Posts, ann: User) -> None:
    assert posts.create(ann, NewPost("two", parent=posts.create(ann, NewPost("one")))).prefix == ""


def test_likes_and_reposts_count_once(posts: Posts, ann: User, bob: User) -> None:
    post = posts.create(ann, NewPost("hello"))
    for _ in range(2):
        posts.like(bob, post.id)
        posts.repost(bob, post)
    assert (_fresh(posts, post).likes, _fresh(posts, post).reposts) == (1, 1)
    posts.unlike(bob, post.id)
    posts.take_back_repost(bob, post.id)
    assert (_fresh(posts, post).likes, _fresh(posts, post).reposts) == (0, 0)


def test_a_deleted_post_takes_its_reposts_along(posts: Posts, ann: User, bob: User) -> None:
    post = posts.create(ann, NewPost("hello"))
    posts.repost(bob, post)
    posts.delete(post.id)
    assert posts.newest(_ALL, Span(10)) == []


def test_a_repost_stands_for_its_original(posts: Posts, ann: User, bob: User) -> None:
    post = posts.create(ann, NewPost("hello"))
    posts.repost(bob, post)
    repost = posts.newest(Condition("p.reposted IS NOT NULL"), Span(1))[0]
    target = posts.target(repost.id)
    assert target is not None
    assert target.id == post.id


def test_a_post_engages_those_it_mentions_or_quotes(posts: Posts, ann: User, bob: User) -> None:
    post = posts.create(ann, NewPost("hello"))
    assert not posts.engages(post, bob)
    assert posts.engages(posts.create(ann, NewPost("@bob hello")), bob)
    assert posts.engages(posts.create(ann, NewPost("ha", quoted=posts.create(bob, NewPost("joke")))), bob)


def test_an_error_inside_a_transaction_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            database.write("INSERT INTO state VALUES ('a', 'b')")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert database.all("SELECT * FROM state") == []


def _fresh(posts: Posts, post: Post) -> Post:
    found = posts.get(post.id)
    assert found is not None
    assert replace(found, likes=0, replies=0, reposts=0, quotes=0) == post
    return found
