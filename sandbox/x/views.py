"""How posts and users look in X's JSON."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from sandbox.x.accounts import Accounts, User
from sandbox.x.fields import Fields
from sandbox.x.params import page_token
from sandbox.x.posts import Post, Posts, Span
from sandbox.x.text import MAX_WEIGHT, Published, publish, weighted_length

_ENTITIES = ("urls", "hashtags", "cashtags", "mentions")
_SHOWN_OF_LONG = 240
_NO_FIELDS = Fields(frozenset(), frozenset(), frozenset())


class Views:
    """Renders posts and users with the fields and the related objects that were asked for."""

    def __init__(self, accounts: Accounts, posts: Posts) -> None:
        self._accounts = accounts
        self._posts = posts

    def created(self, post: Post) -> dict[str, Any]:
        """Return a new post as its author gets it back."""
        return self._tweet(post, _NO_FIELDS)

    def tweets(self, posts: Sequence[Post], fields: Fields) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return posts, and the objects they refer to as far as they were asked for."""
        return [self._tweet(post, fields) for post in posts], self._includes(posts, fields)

    def page(self, posts: Sequence[Post], span: Span, fields: Fields) -> dict[str, Any]:
        """Return the answer for one page; `posts` holds one more than the page when another page follows."""
        shown = posts[: span.limit]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if not shown:
            return {"meta": meta}
        meta |= {"newest_id": str(shown[0].id), "oldest_id": str(shown[-1].id)}
        if len(posts) > len(shown):
            meta["next_token"] = page_token(shown[-1].id)
        data, includes = self.tweets(shown, fields)
        return {"data": data, "meta": meta} | ({"includes": includes} if includes else {})

    def user(self, user: User, fields: Fields) -> dict[str, Any]:
        """Return an account."""
        shown: dict[str, Any] = {"id": str(user.id), "name": user.name, "username": user.username}
        more: dict[str, Any] = {
            "created_at": timestamp(user.created_ms),
            "description": user.description,
            "protected": False,
            "verified": False,
        }
        if "public_metrics" in fields.user:
            posts, likes = self._posts.counts_of(user.id)
            counts = {"followers_count": 0, "following_count": 0, "listed_count": 0, "media_count": 0}
            more["public_metrics"] = counts | {"tweet_count": posts, "like_count": likes}
        return shown | {name: value for name, value in more.items() if name in fields.user}

    def _tweet(self, post: Post, fields: Fields) -> dict[str, Any]:
        published = self._publish(post)
        shown: dict[str, Any] = {
            "id": str(post.id),
            # X escapes these three, as if every reader put the text into HTML.
            "text": escape(self._shown(post, published), quote=False),
            fields.name_of("edit_history_tweet_ids"): [str(post.id)],
        }
        more: dict[str, Any] = {
            "author_id": str(post.author_id),
            "conversation_id": str(post.conversation_id),
            "created_at": timestamp(post.created_ms),
            "lang": post.lang,
            "possibly_sensitive": False,
            "reply_settings": "everyone",
            "public_metrics": {
                "retweet_count": post.reposts,
                "reply_count": post.replies,
                "like_count": post.likes,
                "quote_count": post.quotes,
                "bookmark_count": 0,
                "impression_count": 0,
            },
        }
        if post.reply_to_user is not None:
            more["in_reply_to_user_id"] = str(post.reply_to_user)
        if references := _references(post):
            more["referenced_tweets"] = [{"type": kind, "id": str(i)} for kind, i in references]
        entities = self._entities(published)
        if fields.is_newer:
            more["entities"] = {kind: entities.get(kind) for kind in _ENTITIES}
        elif entities:
            more["entities"] = entities
        if _is_long(post):
            more["note_tweet"] = {"text": escape(published.text, quote=False), "entities": entities}
        return shown | {fields.name_of(name): value for name, value in more.items() if name in fields.tweet}

    def _shown(self, post: Post, published: Published) -> str:
        """Return a post's text as it is shown at first: of a long one the beginning, and a link to the rest."""
        if not _is_long(post):
            return published.text
        return f"{published.text[:_SHOWN_OF_LONG]}\N{HORIZONTAL ELLIPSIS} https://t.co/{post.id:x}"

    def _publish(self, post: Post) -> Published:
        if post.reposted is not None:
            original = self._posts.get(post.reposted)
            author = self._accounts.get(original.author_id) if original else None
            text = self._publish(original).text if original else ""
            return publish(f"RT @{author.username if author else ''}: {text}", post.id)
        return publish(post.text, post.id, post.prefix.split(), post.quoted_url)

    def _entities(self, published: Published) -> dict[str, Any]:
        mentions = [
            {**mention, "id": str(user.id)}
            for mention in published.mentions
            if (user := self._accounts.by_username(mention["username"]))
        ]
        return published.entities | ({"mentions": mentions} if mentions else {})

    def _includes(self, posts: Sequence[Post], fields: Fields) -> dict[str, Any]:
        wanted = fields.expansions
        users: list[int] = []
        related: dict[int, Post] = {}
        if wanted & {"referenced_tweets.id", "referenced_tweets.id.author_id"}:
            related = self._posts.by_ids({i for post in posts for _, i in _references(post)})
        if "author_id" in wanted:
            users += [post.author_id for post in posts]
        if "in_reply_to_user_id" in wanted:
            users += [post.reply_to_user for post in posts if post.reply_to_user is not None]
        if "entities.mentions.username" in wanted:
            users += self._mentioned(posts)
        if "referenced_tweets.id.author_id" in wanted:
            users += [post.author_id for post in related.values()]
        found = self._accounts.by_ids(set(users))
        includes: dict[str, Any] = {}
        if found:
            includes["users"] = [self.user(found[i], fields) for i in dict.fromkeys(users) if i in found]
        if related:
            includes["posts" if fields.is_newer else "tweets"] = [
                self._tweet(post, fields) for post in related.values()
            ]
        return includes

    def _mentioned(self, posts: Iterable[Post]) -> list[int]:
        return [
            int(mention["id"]) for post in posts for mention in self._entities(self._publish(post)).get("mentions", [])
        ]


def timestamp(ms: int) -> str:
    """Return a time as X writes it: whole seconds, with three zeros after them."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _is_long(post: Post) -> bool:
    return weighted_length(post.text) > MAX_WEIGHT


def _references(post: Post) -> list[tuple[str, int]]:
    pairs = (("retweeted", post.reposted), ("quoted", post.quoted), ("replied_to", post.reply_to))
    return [(kind, i) for kind, i in pairs if i is not None]
