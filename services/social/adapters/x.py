"""X through tweepy: the API v2 of `https://api.x.com`, or of any server that speaks it."""

import json as json_text
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import aiohttp
from oauthlib.oauth1 import Client as OAuthSigner
from tweepy.asynchronous import AsyncClient
from yarl import URL

from services.runtime.clock import Clock
from services.social.domain.accounts import Credentials, Profile
from services.social.domain.errors import CredentialsRefused, NetworkRateLimited, NetworkUnavailable, NotCapable
from services.social.domain.network import (
    Duplicate,
    Mention,
    Outcome,
    Published,
    RateLimited,
    Refused,
    SeenPost,
    Unauthorized,
    Undecided,
    Unreachable,
)

_LIMIT = re.compile(r"[1-9][0-9]{0,8}")

Json: TypeAlias = dict[str, Any]

_PAGE = 100  # the most that X puts on a page
_MOST_PAGES = 8  # of mentions X keeps the latest 800
_LEAST = 5  # and the fewest
_NO_RESET_SECONDS = 60.0
_TWEET_FIELDS = ["author_id", "conversation_id", "created_at", "entities", "in_reply_to_user_id", "referenced_tweets"]


def open_session(timeout_seconds: float) -> aiohttp.ClientSession:
    """Open the HTTP session of all accounts; half of the time-out may go into connecting."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2)
    # No cookies: X's would tie the accounts to one another.
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


class XNetwork:
    """Speaks for any account whose credentials it is handed."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._clock = clock

    async def profile(self, credentials: Credentials) -> Profile:
        """Return whom the credentials belong to."""
        user = (await self._read(self._client(credentials).get_me(user_auth=True), "data"))["data"]
        return Profile(user_id=str(user["id"]), handle=user["username"])

    async def publish(self, credentials: Credentials, text: str, in_reply_to: str) -> Outcome:
        """Send a post, once; every way in which that can end is a value."""
        client = self._client(credentials)
        try:
            answer = await client.create_tweet(text=text, in_reply_to_tweet_id=in_reply_to or None, user_auth=True)
            return Published(str(answer["data"]["id"]), client.posts_a_day)
        except _Refusal as refusal:
            return self._outcome(refusal)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Unreachable(f"X can't be reached: {_name(error)}")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
            return Undecided(f"X gave no usable answer: {_name(error)}")

    async def timeline(self, credentials: Credentials, user_id: str, since: datetime) -> list[SeenPost]:
        """Return what an account itself posted since this time, the oldest first, and at most 800 posts of it."""
        client = self._client(credentials)
        options = {"start_time": since, "exclude": "retweets", "tweet_fields": _TWEET_FIELDS}
        pages = self._pages(lambda page: client.get_users_tweets(user_id, user_auth=True, **options, **page))
        found = [_seen(tweet) async for answer in pages for tweet in answer.get("data", [])]
        return found[::-1]

    async def latest_mentions(self, credentials: Credentials, user_id: str, most: int) -> list[Mention]:
        """Return up to `most` of the latest mentions of an account by others, the oldest first."""
        options = _mention_options() | {"max_results": max(most, _LEAST)}
        client = self._client(credentials)
        answer = await self._read(client.get_users_mentions(user_id, user_auth=True, **options), "meta")
        return list(_mentions(answer, user_id))[:most][::-1]

    async def mentions_after(self, credentials: Credentials, user_id: str, network_post_id: str) -> list[Mention]:
        """Return the mentions of an account by others after this one, the oldest first, of the latest 800."""
        client = self._client(credentials)
        options = _mention_options() | {"since_id": network_post_id}
        pages = self._pages(lambda page: client.get_users_mentions(user_id, user_auth=True, **options, **page))
        found = [mention async for answer in pages for mention in _mentions(answer, user_id)]
        return found[::-1]

    def _client(self, credentials: Credentials) -> "_Client":
        return _Client(self._base_url, self._session, credentials)

    async def _pages(self, fetch: Callable[[Json], Awaitable[Json]]) -> AsyncIterator[Json]:
        """Read page after page; X begins with the newest posts."""
        page: Json = {"max_results": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = await self._read(fetch(page), "meta")
            yield answer
            if not (token := answer["meta"].get("next_token")):
                return
            page["pagination_token"] = token

    async def _read(self, call: Awaitable[Json], needed: str) -> Json:
        """Return the answer to a read, which has this part; raises the errors of the port."""
        try:
            answer = await call
        except _Refusal as refusal:
            raise self._read_error(refusal) from refusal
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise NetworkUnavailable(f"X gave no usable answer: {_name(error)}") from error
        # With 200 X also says that something isn't there: that is not the same as an empty page.
        if needed not in answer:
            raise NetworkUnavailable(f"X gave no {needed}: {_explain(answer) or 'no reason'}")
        return answer

    def _read_error(self, refusal: "_Refusal") -> Exception:
        if refusal.status == 429:
            seconds = (self._reset(refusal) - self._clock.now()).total_seconds()
            return NetworkRateLimited("X's rate limit for this read is used up", seconds, "x")
        if refusal.problem.get("reason") == "client-not-enrolled":
            return NotCapable(f"X's tier doesn't include this: {refusal.detail}")
        if refusal.status in (401, 403):
            return CredentialsRefused(f"X refused the credentials: {refusal.detail}")
        return NetworkUnavailable(f"X answered {refusal.status}: {refusal.detail}")

    def _outcome(self, refusal: "_Refusal") -> Outcome:
        reason = f"X answered {refusal.status}: {refusal.detail}"
        if refusal.status == 429:
            return RateLimited(self._reset(refusal))
        if refusal.status == 401:
            return Unauthorized(reason)
        if refusal.status == 408 or refusal.status >= 500:
            return Undecided(reason)
        # X gives this refusal no code of its own.
        if refusal.status == 403 and "duplicate content" in refusal.detail.lower():
            return Duplicate(reason)
        return Refused(reason)

    def _reset(self, refusal: "_Refusal") -> datetime:
        now = self._clock.now()
        try:
            reset = datetime.fromtimestamp(int(refusal.reset), UTC)
        except (ValueError, OverflowError, OSError):
            reset = now + timedelta(seconds=_NO_RESET_SECONDS)
        return max(reset, now + timedelta(seconds=1))


class _Refusal(Exception):
    """An answer that is no success: its status, its JSON as far as it has any, and when the limit is reset."""

    def __init__(self, status: int, phrase: str, problem: Json, reset: str) -> None:
        super().__init__(f"{status} {phrase}")
        self.status = status
        self.problem = problem
        self.reset = reset
        self.detail = _explain(problem) or phrase


class _Client(AsyncClient):  # type: ignore[misc]  # tweepy has no types
    """Tweepy's client for another base URL; it logs nothing, and its errors don't need JSON.

    Tweepy's own fails on an HTML error page, and logs credentials at DEBUG.
    """

    def __init__(self, base_url: str, session: aiohttp.ClientSession, credentials: Credentials) -> None:
        super().__init__(
            consumer_key=credentials.api_key,
            consumer_secret=credentials.api_key_secret,
            access_token=credentials.access_token,
            access_token_secret=credentials.access_token_secret,
            return_type=dict,
        )
        self.session = session
        self._base_url = base_url
        self.posts_a_day = 0
        """What the last answer says of the limit for 24 hours; 0 when it says nothing."""

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        user_auth: bool = True,  # noqa: ARG002 - there is no bearer token: every request is signed
    ) -> aiohttp.ClientResponse:
        """Send one signed request, once. Raises _Refusal when the answer is no success."""
        signer = OAuthSigner(self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        url = str(URL(self._base_url + route).with_query(sorted((params or {}).items())))
        url, headers, _ = signer.sign(url, method, headers={"User-Agent": self.user_agent})  # type: ignore[arg-type]  # any method
        # What is signed has its colons encoded; aiohttp would send them bare.
        before, mark, query = url.partition("?")
        signed = URL(f"{before}{mark}{query.replace(':', '%3A')}", encoded=True)
        # Not redirected: a post would be sent twice.
        async with self.session.request(method, signed, json=json, headers=headers, allow_redirects=False) as response:
            body = await response.read()
        if not 200 <= response.status < 300:
            reset = response.headers.get("x-rate-limit-reset", "")
            raise _Refusal(response.status, response.reason or "", _json_object(body), reset)
        self.posts_a_day = _posts_a_day(response.headers)
        return response


def _posts_a_day(headers: Mapping[str, str]) -> int:
    """Return how many posts in 24 hours X allows, to the user or to the whole app; 0 when it doesn't say."""
    told = (headers.get(f"x-{whose}-limit-24hour-limit", "") for whose in ("user", "app"))
    return min((int(limit) for limit in told if _LIMIT.fullmatch(limit)), default=0)


def _json_object(body: bytes) -> Json:
    try:
        found = json_text.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _explain(problem: Json) -> str:
    """Return what X says is wrong, in its own words."""
    errors = problem.get("errors")
    parts = [problem.get("detail")]
    if isinstance(errors, list):
        parts += [error.get("message") or error.get("detail") for error in errors if isinstance(error, dict)]
    return " ".join(part for part in parts if isinstance(part, str))[:500]


def _name(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]


def _mention_options() -> Json:
    return {"tweet_fields": _TWEET_FIELDS, "expansions": ["author_id"], "user_fields": ["username"]}


def _mentions(answer: Json, user_id: str) -> Iterable[Mention]:
    """Go through the posts of others on a page; a repost says nothing of its own."""
    handles = {str(user["id"]): user["username"] for user in answer.get("includes", {}).get("users", [])}
    for tweet in answer.get("data", []):
        author_id = str(tweet["author_id"])
        if author_id != user_id and not _reference(tweet, "retweeted"):
            yield Mention(
                network_post_id=str(tweet["id"]),
                author_user_id=author_id,
                author_handle=handles.get(author_id, ""),
                text=_written(tweet),
                conversation_id=str(tweet.get("conversation_id", "")),
                in_reply_to=_reference(tweet, "replied_to"),
                create_time=datetime.fromisoformat(tweet["created_at"]),
                in_reply_to_user_id=str(tweet.get("in_reply_to_user_id", "")),
            )


def _seen(tweet: Json) -> SeenPost:
    return SeenPost(str(tweet["id"]), _written(tweet), _reference(tweet, "replied_to"))


def _reference(tweet: Json, kind: str) -> str:
    return next((str(item["id"]) for item in tweet.get("referenced_tweets", []) if item["type"] == kind), "")


def _written(tweet: Json) -> str:
    """Return a post's text as it was written: X escapes three signs, and replaces links by its own."""
    text: str = tweet["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for link in tweet.get("entities", {}).get("urls", []):
        text = text.replace(link["url"], link.get("expanded_url", link["url"]))
    return text
