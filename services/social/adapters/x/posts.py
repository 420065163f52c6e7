"""Posts as X writes them, in both of its vocabularies: that of `tweet.fields`, and that of `post.fields`.

The older one asks for every part of a post as a field. In the newer one, that of the published specification, whom a
post is by and what it refers to are expansions, which are billed as users and posts. X ignores what it doesn't know
with a 200, so a page none of whose posts has what was asked for was asked for in the wrong one.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from services.social.adapters.x.answers import Json
from services.social.domain.network import Mention, SeenPost

log = logging.getLogger(__name__)

_PLAIN_FIELDS = ("created_at", "conversation_id", "entities")
_REFERENCES = ("referenced_posts", "referenced_tweets")
_FIRST_ID_TIME = datetime(2010, 11, 4, 1, 42, 54, 657_000, UTC)
_ODD = (ValueError, LookupError, TypeError, AttributeError)


class Use(Enum):
    """What posts are read for: only what it needs is asked for."""

    AUTHORS = "who wrote what, and whom it answers"
    OWN = "what an account itself posted"


class Vocabulary(Enum):
    """How X names the parts of a post."""

    TWEETS = "tweet.fields"
    POSTS = "post.fields"

    @property
    def other(self) -> "Vocabulary":
        """The one to ask in when this one isn't understood."""
        return Vocabulary.POSTS if self is Vocabulary.TWEETS else Vocabulary.TWEETS

    def parameters(self, use: Use) -> dict[str, list[str]]:
        """Return what asks for the parts that are used."""
        fields, expansions = _ASKED[self, use]
        asked = {self.value: fields.split()}
        if expansions:
            asked["expansions"] = expansions.split()
        if use is Use.AUTHORS:
            asked["user.fields"] = ["username"]
        return asked


_ASKED = {
    (Vocabulary.TWEETS, Use.AUTHORS): (
        "author_id conversation_id created_at entities in_reply_to_user_id note_tweet referenced_tweets",
        "author_id",
    ),
    (Vocabulary.TWEETS, Use.OWN): ("created_at entities note_tweet referenced_tweets", ""),
    (Vocabulary.POSTS, Use.AUTHORS): (
        "conversation_id created_at entities note_post",
        "author_id in_reply_to_user_id referenced_posts",
    ),
    (Vocabulary.POSTS, Use.OWN): ("created_at entities note_post", "referenced_posts"),
}
"""The fields and the expansions, by vocabulary and use."""


_MAX_SIGNS = 40_000
"""A post has at most 25,000 characters, and links in it that are longer than they are shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer with posts."""

    posts: tuple[Json, ...]
    handles: Mapping[str, str]
    """By the ids of the users."""
    next_token: str
    related: int
    """How many posts came along that weren't asked for themselves."""

    @classmethod
    def of(cls, answer: Json) -> "Page":
        """Return the posts of an answer, and who they are by."""
        includes = _object(answer.get("includes"))
        users = [user for user in _list(includes.get("users")) if isinstance(user.get("username"), str)]
        return cls(
            posts=tuple(_list(answer.get("data"))),
            handles={str(user.get("id")): user["username"] for user in users},
            next_token=str(_object(answer.get("meta")).get("next_token") or ""),
            related=len(_list(includes.get("tweets"))) + len(_list(includes.get("posts"))),
        )

    def lacks(self, use: Use) -> str:
        """Return what was asked for and is with none of the posts; empty when X has understood everything."""
        if not self.posts:
            return ""
        if use is Use.AUTHORS and not self._tell("author_id"):
            return "author_id"
        # An expansion brings its field along in either vocabulary, so it says nothing of the others.
        return "" if self._tell(*_PLAIN_FIELDS) else "created_at"

    def is_readable(self, use: Use) -> bool:
        """Tell whether it has what can't be done without."""
        return self._tell("author_id") if use is Use.AUTHORS else self._tell(*_PLAIN_FIELDS, *_REFERENCES)

    def written(self) -> Iterator[Mention]:
        """Go through the posts, whoever wrote them; a repost says nothing of its own, and an odd one is left out."""
        for post in self.posts:
            try:
                if not reference(post, "retweeted"):
                    yield self._mention(post)
            except _ODD:
                log.warning("a post of X can't be read", extra={"network_post_id": str(post.get("id"))[:30]})

    def seen(self) -> Iterator[SeenPost]:
        """Go through the posts as they show on a timeline."""
        for post in self.posts:
            try:
                yield SeenPost(_id(post), text_of(post), reference(post, "replied_to"))
            except _ODD:
                log.warning("a post of X can't be read", extra={"network_post_id": str(post.get("id"))[:30]})

    def _tell(self, *names: str) -> bool:
        return any(post.get(name) is not None for post in self.posts for name in names)

    def _mention(self, post: Json) -> Mention:
        author_id = post["author_id"]
        if not author_id:
            raise LookupError("the author is missing")
        return Mention(
            network_post_id=_id(post),
            author_user_id=str(author_id),
            author_handle=self.handles.get(str(author_id), ""),
            text=text_of(post),
            conversation_id=str(post.get("conversation_id") or ""),
            in_reply_to=reference(post, "replied_to"),
            create_time=_time(post),
            in_reply_to_user_id=str(post.get("in_reply_to_user_id") or ""),
        )


def reference(post: Json, kind: str) -> str:
    """Return the id of the post that one refers to in this way; empty when it doesn't."""
    references = (item for name in _REFERENCES for item in _list(post.get(name)))
    return next((str(item["id"]) for item in references if item.get("type") == kind and item.get("id")), "")


def text_of(post: Json) -> str:
    """Return a post's whole text as it was written: X cuts long ones, escapes three signs and shortens links."""
    note = _object(post.get("note_post")) or _object(post.get("note_tweet"))
    whole = note if isinstance(note.get("text"), str) else post
    text: str = whole["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for source in (whole, post):
        for link in _list(_object(source.get("entities")).get("urls")):
            short, written = link.get("url"), link.get("expanded_url")
            if isinstance(short, str) and isinstance(written, str) and short and written:
                text = text.replace(short, written)
    return text[:_MAX_SIGNS]


def _id(post: Json) -> str:
    found = str(post["id"])
    if not (found.isascii() and found.isdigit()):
        raise ValueError(f"{found[:30]!r} is no id")
    return found


def _time(post: Json) -> datetime:
    """Return when a post was written; where that isn't told its id has it."""
    written = post.get("created_at")
    if isinstance(written, str):
        time = datetime.fromisoformat(written)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return _FIRST_ID_TIME + timedelta(milliseconds=int(_id(post)) >> 22)


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Json]:
    found: Iterable[Any] = value if isinstance(value, list) else ()
    return [item for item in found if isinstance(item, dict)]
