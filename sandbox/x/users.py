"""The endpoints that look accounts up, read their timelines, and like and repost for them."""

from sandbox.x.accounts import Accounts, Tier, User
from sandbox.x.fields import USER_EXPANSIONS
from sandbox.x.gate import Answer, Call
from sandbox.x.params import PAGES, USER_LOOKUP, Query, parse_id, path_id
from sandbox.x.posts import Condition, Post, Posts, Span
from sandbox.x.problems import invalid, missing, not_found, tier_refused
from sandbox.x.views import Views

_EXCLUDED = {"replies": "p.reply_to IS NULL", "retweets": "p.reposted IS NULL"}


class Users:
    """Handles `/2/users`."""

    def __init__(self, accounts: Accounts, posts: Posts, views: Views) -> None:
        self._accounts = accounts
        self._posts = posts
        self._views = views

    def me(self, call: Call) -> Answer:
        """`GET /2/users/me`: the account that calls."""
        return self._one(call, call.user, "id", str(call.user.id))

    def get(self, call: Call) -> Answer:
        """`GET /2/users/{id}`: an account by id."""
        user_id = path_id(call.path, "id")
        return self._one(call, self._accounts.get(user_id), "id", str(user_id))

    def by_username(self, call: Call) -> Answer:
        """`GET /2/users/by/username/{username}`: an account by username."""
        username = call.path["username"]
        return self._one(call, self._accounts.by_username(username), "username", username)

    def by_usernames(self, call: Call) -> Answer:
        """`GET /2/users/by`: up to 100 accounts; those that aren't there stand in `errors[]`."""
        query = call.query(USER_LOOKUP | {"usernames"})
        usernames, fields = query.many("usernames"), query.fields(USER_EXPANSIONS)
        query.check()
        found = {name: user for name in usernames if (user := self._accounts.by_username(name))}
        data = [self._views.user(user, fields) for user in found.values()]
        errors = [missing("user", "usernames", name) for name in usernames if name not in found]
        return Answer({name: part for name, part in {"data": data, "errors": errors}.items() if part})

    def tweets(self, call: Call) -> Answer:
        """`GET /2/users/{id}/tweets`: what an account posted, the newest first."""
        query = call.query(PAGES | {"exclude"})
        user_id = path_id(call.path, "id")
        excluded = query.some_of("exclude", frozenset(_EXCLUDED))
        sql = " AND ".join(["p.author_id = ?", *(_EXCLUDED[kind] for kind in sorted(excluded))])
        return self._timeline(query, user_id, Condition(sql, (user_id,)))

    def mentions(self, call: Call) -> Answer:
        """`GET /2/users/{id}/mentions`: the posts that mention an account, the newest first."""
        user_id = path_id(call.path, "id")
        mentioning = Condition("p.id IN (SELECT post_id FROM mentions WHERE user_id = ?)", (user_id,))
        return self._timeline(call.query(PAGES), user_id, mentioning)

    def like(self, call: Call) -> Answer:
        """`POST /2/users/{id}/likes`: like a post; liking it again changes nothing."""
        self._check_self(call)
        self._check_may_like(call)
        self._posts.like(call.user, self._target(call).id)
        return Answer({"data": {"liked": True}})

    def unlike(self, call: Call) -> Answer:
        """`DELETE /2/users/{id}/likes/{tweet_id}`: take a like back."""
        self._check_self(call)
        self._check_may_like(call)
        self._posts.unlike(call.user, path_id(call.path, "tweet_id"))
        return Answer({"data": {"liked": False}})

    def repost(self, call: Call) -> Answer:
        """`POST /2/users/{id}/retweets`: repost a post; reposting it again changes nothing."""
        self._check_self(call)
        self._posts.repost(call.user, self._target(call))
        return Answer({"data": {"retweeted": True}})

    def take_back_repost(self, call: Call) -> Answer:
        """`DELETE /2/users/{id}/retweets/{tweet_id}`: take a repost back."""
        self._check_self(call)
        self._posts.take_back_repost(call.user, path_id(call.path, "tweet_id"))
        return Answer({"data": {"retweeted": False}})

    def _one(self, call: Call, user: User | None, parameter: str, value: str) -> Answer:
        query = call.query(USER_LOOKUP)
        fields = query.fields(USER_EXPANSIONS)
        query.check()
        if user is None:
            return Answer({"errors": [missing("user", parameter, value)]})
        return Answer({"data": self._views.user(user, fields)})

    def _timeline(self, query: Query, user_id: int, condition: Condition) -> Answer:
        span, fields = query.span(low=5), query.fields()
        query.check()
        if self._accounts.get(user_id) is None:
            return Answer({"errors": [missing("user", "id", str(user_id))]})
        posts = self._posts.newest(condition, Span(span.limit + 1, span.after, span.before))
        return Answer(self._views.page(posts, span, fields))

    def _check_self(self, call: Call) -> None:
        call.query().check()
        user_id = path_id(call.path, "id")
        if user_id != call.user.id:
            raise invalid(
                "id",
                user_id,
                f"The `id` query parameter value [{user_id}] must be the same as the authenticating user "
                f"[{call.user.id}]",
            )

    def _check_may_like(self, call: Call) -> None:
        if self._accounts.tier is not Tier.FULL:
            raise tier_refused(str(call.user.id))

    def _target(self, call: Call) -> Post:
        value = call.body.get("tweet_id")
        if (post_id := parse_id(value)) is None:
            raise invalid("$.tweet_id", value, "$.tweet_id: does not match the regex pattern ^[0-9]{1,19}$")
        if (post := self._posts.target(post_id)) is None:
            raise not_found("tweet", "tweet_id", str(post_id))
        return post
