"""What the query language of recent search finds."""

import pytest

from sandbox.x.accounts import Accounts, User
from sandbox.x.posts import NewPost, Posts, Span
from sandbox.x.problems import Problem
from sandbox.x.search import parse


@pytest.fixture(autouse=True)
def written(posts: Posts, accounts: Accounts, ann: User, bob: User) -> None:
    moon = posts.create(ann, NewPost("The moon is full #night"))
    posts.create(bob, NewPost("which moon", parent=moon))
    posts.create(bob, NewPost("so true", quoted=moon))
    posts.create(ann, NewPost("sun and sea, $SOL https://example.com"))
    posts.repost(bob, moon)
    accounts.create("carl", "Carl", "")


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("moon", ["which moon", "The moon is full #night"]),
        ("moon full", ["The moon is full #night"]),
        ('"moon is"', ["The moon is full #night"]),
        ('"full moon"', []),
        ("from:BOB -is:retweet", ["so true", "which moon"]),
        ("from:@ann sun", ["sun and sea, $SOL https://example.com"]),
        ("to:ann", ["which moon"]),
        ("@ann", ["which moon"]),
        ("is:reply", ["which moon"]),
        ("is:quote", ["so true"]),
        ("is:retweet", [""]),
        ("#night", ["The moon is full #night"]),
        ("$sol has:links", ["sun and sea, $SOL https://example.com"]),
        ("sun OR which", ["sun and sea, $SOL https://example.com", "which moon"]),
        ("(sun OR moon) from:ann", ["sun and sea, $SOL https://example.com", "The moon is full #night"]),
        ("moon -(is:reply OR full)", []),
        ('moon -"is full"', ["which moon"]),
        ("from:carl", []),
        ("lang:en true", ["so true"]),
    ],
)
def test_a_query_finds(posts: Posts, query: str, texts: list[str]) -> None:
    assert [post.text for post in posts.newest(parse(query), Span(10))] == texts


def test_a_conversation_is_found_by_its_id(posts: Posts) -> None:
    (moon,) = posts.newest(parse("from:ann moon"), Span(10))
    assert len(posts.newest(parse(f"conversation_id:{moon.id}"), Span(10))) == 2


@pytest.mark.parametrize("query", ["(moon", "moon)", "OR moon", "moon OR", "()", "near:here", "-", '""', "(" * 400])
def test_a_wrong_query_is_refused_by_name(query: str) -> None:
    with pytest.raises(Problem) as refused:
        parse(query)
    assert refused.value.status == 400
    assert "query" in refused.value.body["errors"][0]["parameters"]
