"""The posts of the X sandbox, their mentions and likes, and how they are read page by page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sandbox.x.accounts import Accounts, User
from sandbox.x.database import Database, first_id_at
from sandbox.x.text import language, mentioned

_DUPLICATE_WINDOW_MS = 24 * 60 * 60 * 1000
_RECENT_MS = 7 * 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Post:
    """A post as written, with its links to other posts and its counts; times are in milliseconds since 1970."""

    id: int
    author_id: int
    text: str
    prefix: str
    """The usernames that a reply answers and its text doesn't name, with blanks between them."""
    lang: str
    conversation_id: int
    reply_to: int | None
    reply_to_user: int | None
    quoted: int | None
    quoted_url: str | None
    reposted: int | None
    created_ms: int
    likes: int = 0
    replies: int = 0
    reposts: int = 0
    quotes: int = 0


@dataclass(frozen=True, slots=True)
class NewPost:
    """What its author says of a post, and the posts it answers or quotes."""

    text: str
    parent: Post | None = None
    quoted: Post | None = None
    left_out: frozenset[int] = frozenset()
    """Users in the parent's conversation whom the reply doesn't mention."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which ids to read: above `after`, below `before`, the newest `limit` of them."""

    limit: int
    after: int = 0
    before: int = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a WHERE clause over `posts p`, with its values."""

    sql: str
    values: tuple[object, ...] = ()


_VISIBLE = "deleted = 0 AND visible_ms <= (SELECT now_ms())"
_READ = f"""
SELECT p.id, p.author_id, p.text, p.prefix, p.lang, p.conversation_id, p.reply_to, p.reply_to_user, p.quoted,
    p.quoted_url, p.reposted, p.created_ms, (SELECT COUNT(*) FROM likes WHERE post_id = p.id) AS likes,
    (SELECT COUNT(*) FROM posts WHERE reply_to = p.id AND {_VISIBLE}) AS replies,
    (SELECT COUNT(*) FROM posts WHERE reposted = p.id AND {_VISIBLE}) AS reposts,
    (SELECT COUNT(*) FROM posts WHERE quoted = p.id AND {_VISIBLE}) AS quotes
FROM posts p WHERE p.deleted = 0 AND p.visible_ms <= (SELECT now_ms())"""  # noqa: S608 - no input in it


class Posts:
    """Writes posts, and reads those that are visible now."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._db = database
        self._accounts = accounts

    def create(self, author: User, new: NewPost, hidden_seconds: float = 0, *, dropped: bool = False) -> Post:
        """Write a post and return it; it can be read after `hidden_seconds`, and never when it is dropped."""
        prefix = self._prefix(author, new)
        named = [user for name in mentioned(new.text) if (user := self._accounts.by_username(name))]
        post_id = self._db.next_id()
        post = Post(
            id=post_id,
            author_id=author.id,
            text=new.text,
            prefix=_names(prefix),
            lang=language(new.text),
            conversation_id=new.parent.conversation_id if new.parent else post_id,
            reply_to=new.parent.id if new.parent else None,
            reply_to_user=new.parent.author_id if new.parent else None,
            quoted=new.quoted.id if new.quoted else None,
            quoted_url=self._url(new.quoted) if new.quoted else None,
            reposted=None,
            created_ms=self._db.now_ms(),
        )
        with self._db.transaction():
            self._insert(post, hidden_seconds, dropped=dropped)
            for user in {*prefix, *named}:
                self._db.write("INSERT INTO mentions VALUES (?, ?)", user.id, post_id)
        return post

    def is_duplicate(self, author: User, new: NewPost) -> bool:
        """Tell whether the author has published this within 24 hours; a post not visible yet counts as well."""
        row = self._db.one(
            "SELECT 1 FROM posts WHERE author_id = ? AND text = ? AND prefix = ? AND quoted IS ? AND reposted IS NULL"
            " AND deleted = 0 AND created_ms > ?",
            author.id,
            new.text,
            _names(self._prefix(author, new)),
            new.quoted.id if new.quoted else None,
            self._db.now_ms() - _DUPLICATE_WINDOW_MS,
        )
        return row is not None

    def author_of(self, post_id: int) -> int | None:
        """Return who wrote a post that isn't deleted, also when it isn't visible yet."""
        row = self._db.one("SELECT author_id FROM posts WHERE id = ? AND deleted = 0 AND reposted IS NULL", post_id)
        return row["author_id"] if row else None

    def delete(self, post_id: int) -> None:
        """Delete a post and its reposts; their ids are never given again."""
        self._db.write("UPDATE posts SET deleted = 1 WHERE id = ? OR reposted = ?", post_id, post_id)

    def by_ids(self, ids: Collection[int]) -> dict[int, Post]:
        """Return those of these posts that are visible, by id."""
        marks = ", ".join("?" * len(ids))
        return {post.id: post for post in self._read(f" AND p.id IN ({marks})", *ids)}

    def get(self, post_id: int) -> Post | None:
        """Return a visible post."""
        return self.by_ids([post_id]).get(post_id)

    def target(self, post_id: int) -> Post | None:
        """Return the visible post that an action on this id is meant for: a repost stands for its original."""
        post = self.get(post_id)
        return self.get(post.reposted) if post and post.reposted is not None else post

    def first_recent_id(self) -> int:
        """Return the smallest id that recent search still covers."""
        return first_id_at(self._db.now_ms() - _RECENT_MS)

    def newest(self, condition: Condition, span: Span) -> list[Post]:
        """Return the visible posts that meet the condition, the newest first."""
        return self._read(
            f" AND p.id > ? AND p.id < ? AND ({condition.sql}) ORDER BY p.id DESC LIMIT {span.limit:d}",
            span.after,
            span.before,
            *condition.values,
        )

    def oldest_after(self, post_id: int, limit: int) -> list[Post]:
        """Return the visible posts after this one, the oldest first."""
        return self._read(f" AND p.id > ? ORDER BY p.id LIMIT {limit:d}", post_id)

    def engages(self, post: Post, user: User) -> bool:
        """Tell whether a post mentions a user or quotes one of their posts."""
        row = self._db.one(
            "SELECT 1 FROM mentions WHERE post_id = ? AND user_id = ?"
            " UNION SELECT 1 FROM posts WHERE id = ? AND author_id = ?",
            post.id,
            user.id,
            post.quoted,
            user.id,
        )
        return row is not None

    def like(self, user: User, post_id: int) -> None:
        """Like a post, once."""
        self._db.write("INSERT OR IGNORE INTO likes VALUES (?, ?)", post_id, user.id)

    def unlike(self, user: User, post_id: int) -> None:
        """Take a like back."""
        self._db.write("DELETE FROM likes WHERE post_id = ? AND user_id = ?", post_id, user.id)

    def repost(self, user: User, post: Post) -> None:
        """Repost a post, once."""
        already = "SELECT 1 FROM posts WHERE reposted = ? AND author_id = ? AND deleted = 0"
        if self._db.one(already, post.id, user.id) is None:
            new_id = self._db.next_id()
            self._insert(
                Post(new_id, user.id, "", "", post.lang, new_id, None, None, None, None, post.id, self._db.now_ms())
            )

    def take_back_repost(self, user: User, post_id: int) -> None:
        """Take a repost back."""
        self._db.write("UPDATE posts SET deleted = 1 WHERE reposted = ? AND author_id = ?", post_id, user.id)

    def counts_of(self, user_id: int) -> tuple[int, int]:
        """Return how many visible posts and how many likes an account has given."""
        posts = f"SELECT COUNT(*) AS n FROM posts WHERE author_id = ? AND {_VISIBLE}"  # noqa: S608
        (given,) = self._db.all(posts, user_id)
        (likes,) = self._db.all("SELECT COUNT(*) AS n FROM likes WHERE user_id = ?", user_id)
        return given["n"], likes["n"]

    def _read(self, rest: str, *values: object) -> list[Post]:
        return [Post(*row) for row in self._db.all(_READ + rest, *values)]

    def _prefix(self, author: User, new: NewPost) -> Sequence[User]:
        """Return whom a reply answers without naming them: the parent's author and those the parent mentions."""
        if new.parent is None:
            return []
        there = self._db.all("SELECT user_id FROM mentions WHERE post_id = ?", new.parent.id)
        left_out = {author.id, *(new.left_out - {new.parent.author_id})}
        ids = [new.parent.author_id, *(row["user_id"] for row in there)]
        users = self._accounts.by_ids(set(ids) - left_out)
        named = {name.lower() for name in mentioned(new.text)}
        return [users[i] for i in dict.fromkeys(ids) if i in users and users[i].username.lower() not in named]

    def _url(self, post: Post) -> str:
        (author,) = self._accounts.by_ids([post.author_id]).values()
        return f"https://twitter.com/{author.username}/status/{post.id}"

    def _insert(self, post: Post, hidden_seconds: float = 0, *, dropped: bool = False) -> None:
        self._db.write(
            "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            post.id,
            post.author_id,
            post.text,
            post.prefix,
            post.lang,
            post.conversation_id,
            post.reply_to,
            post.reply_to_user,
            post.quoted,
            post.quoted_url,
            post.reposted,
            post.created_ms,
            post.created_ms + int(hidden_seconds * 1000),
            int(dropped),
        )


def _names(users: Sequence[User]) -> str:
    return " ".join(user.username for user in users)
