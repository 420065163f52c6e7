"""The endpoints that write, delete, look up and search posts."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from sandbox.faults import FaultBoard, FaultKind
from sandbox.x import search
from sandbox.x.accounts import Accounts, Tier
from sandbox.x.gate import Answer, Call
from sandbox.x.params import PAGES, TWEET_LOOKUP, parse_id, path_id
from sandbox.x.posts import NewPost, Post, Posts, Span
from sandbox.x.problems import (
    error_of,
    forbidden,
    invalid,
    invalid_request,
    missing,
    not_found,
    tier_refused,
)
from sandbox.x.text import cashtags, weighted_length
from sandbox.x.views import Views

_BODY_TYPES: Mapping[str, type] = {
    "card_uri": str,
    "community_id": str,
    "direct_message_deep_link": str,
    "for_super_followers_only": bool,
    "geo": dict,
    "made_with_ai": bool,
    "media": dict,
    "nullcast": bool,
    "paid_partnership": bool,
    "quote_tweet_id": str,
    "reply": dict,
    "reply_settings": str,
    "share_with_followers": bool,
    "text": str,
}
_REPLY_TYPES: Mapping[str, type] = {
    "auto_populate_reply_metadata": bool,
    "exclude_reply_user_ids": list,
    "in_reply_to_tweet_id": str,
}
_JSON_NAMES = {str: "string", bool: "boolean", dict: "object", list: "array"}


class Tweets:
    """Handles `/2/tweets`."""

    def __init__(self, accounts: Accounts, posts: Posts, views: Views, board: FaultBoard, max_weight: int) -> None:
        self._accounts = accounts
        self._posts = posts
        self._views = views
        self._board = board
        self._max_weight = max_weight

    def create(self, call: Call) -> Answer:
        """`POST /2/tweets`: write a post, a reply or a quote."""
        call.query().check()
        new = self._new_post(call)
        if self._posts.is_duplicate(call.user, new):
            raise forbidden("You are not allowed to create a Tweet with duplicate content.")
        late = self._board.take(FaultKind.LATE_VISIBILITY, "POST /2/tweets")
        dropped = self._board.take(FaultKind.DROPPED, "POST /2/tweets")
        post = self._posts.create(call.user, new, late.seconds if late else 0, dropped=dropped is not None)
        return Answer({"data": self._views.created(post)}, 201)

    def delete(self, call: Call) -> Answer:
        """`DELETE /2/tweets/{id}`: delete one's own post."""
        call.query().check()
        post_id = path_id(call.path, "id")
        author_id = self._posts.author_of(post_id)
        if author_id is None:
            raise not_found("tweet", "id", str(post_id))
        if author_id != call.user.id:
            raise forbidden("You are not authorized to delete this Tweet.")
        self._posts.delete(post_id)
        return Answer({"data": {"deleted": True}})

    def get(self, call: Call) -> Answer:
        """`GET /2/tweets/{id}`: look one post up."""
        query = call.query(TWEET_LOOKUP)
        fields = query.fields()
        query.check()
        post_id = path_id(call.path, "id")
        if (post := self._posts.get(post_id)) is None:
            return Answer({"errors": [missing("tweet", "id", str(post_id))]})
        (data,), includes = self._views.tweets([post], fields)
        return Answer({"data": data} | ({"includes": includes} if includes else {}))

    def get_many(self, call: Call) -> Answer:
        """`GET /2/tweets`: look up to 100 posts up; those that aren't there stand in `errors[]`."""
        query = call.query(TWEET_LOOKUP | {"ids"})
        ids, fields = query.ids("ids"), query.fields()
        query.check()
        found = self._posts.by_ids(ids)
        data, includes = self._views.tweets([found[i] for i in ids if i in found], fields)
        errors = [missing("tweet", "ids", str(i)) for i in ids if i not in found]
        parts = {"data": data, "includes": includes, "errors": errors}
        return Answer({name: part for name, part in parts.items() if part})

    def search(self, call: Call) -> Answer:
        """`GET /2/tweets/search/recent`: the posts of the last seven days that match a query."""
        query = call.query(PAGES | {"query", "next_token", "sort_order"})
        text, span, fields = query.text("query", 4096), query.span(low=10), query.fields()
        query.some_of("sort_order", frozenset({"recency", "relevancy"}))
        query.check()
        after = max(span.after, self._posts.first_recent_id() - 1)
        posts = self._posts.newest(search.parse(text), Span(span.limit + 1, after, span.before))
        return Answer(self._views.page(posts, span, fields))

    def _new_post(self, call: Call) -> NewPost:
        reply = call.body.get("reply", {})
        _check_types("$", call.body, _BODY_TYPES)
        _check_types("$.reply", reply, _REPLY_TYPES)
        if "reply" in call.body and "in_reply_to_tweet_id" not in reply:
            path = "$.reply.in_reply_to_tweet_id"
            raise invalid("$.reply", reply, f"{path}: is missing but it is required")
        if "media" in call.body:
            raise invalid("$.media", call.body["media"], "Your media IDs are invalid.")
        text = unicodedata.normalize("NFC", call.body.get("text", "")).strip()
        if not text:
            raise invalid("$.text", "", "$.text: is missing but it is required")
        if weighted_length(text) > self._max_weight:
            guide = "For more information on how Twitter determines text length see https://github.com/twitter/twitter-text."
            raise invalid("$.text", text, f"Your Tweet text is too long. {guide}")
        if len(cashtags(text)) > 1:
            raise forbidden("You can only include one cashtag in a Tweet.")
        left_out = frozenset(i for value in reply.get("exclude_reply_user_ids", []) if (i := parse_id(value)))
        new = NewPost(text, self._parent(call), self._quoted(call), left_out)
        self._check_tier(call, new)
        return new

    def _parent(self, call: Call) -> Post | None:
        return self._target(
            "$.reply.in_reply_to_tweet_id", call.body.get("reply", {}).get("in_reply_to_tweet_id"), "reply to"
        )

    def _quoted(self, call: Call) -> Post | None:
        return self._target("$.quote_tweet_id", call.body.get("quote_tweet_id"), "quote")

    def _target(self, path: str, value: str | None, verb: str) -> Post | None:
        if value is None:
            return None
        if (post_id := parse_id(value)) is None:
            raise invalid(path, value, f"{path}: does not match the regex pattern ^[0-9]{{1,19}}$")
        if (post := self._posts.target(post_id)) is None:
            raise forbidden(f"You attempted to {verb} a Tweet that is deleted or not visible to you.")
        return post

    def _check_tier(self, call: Call, new: NewPost) -> None:
        if self._accounts.tier is Tier.FULL:
            return
        if new.quoted is not None:
            raise tier_refused(str(call.user.id))
        parent = new.parent
        if parent and parent.author_id != call.user.id and not self._posts.engages(parent, call.user):
            raise forbidden(
                "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged "
                "by the author of the post you are replying to."
            )


def _check_types(path: str, given: Mapping[str, Any], types: Mapping[str, type]) -> None:
    errors = []
    for name, value in given.items():
        here = f"{path}.{name}"
        if name not in types:
            message = f"{here}: is not defined in the schema and the schema does not allow additional properties"
            errors.append(error_of(here, value, message))
        elif not isinstance(value, types[name]):
            errors.append(error_of(here, value, f"{here}: {_JSON_NAMES[types[name]]} expected"))
    if errors:
        raise invalid_request(errors)
