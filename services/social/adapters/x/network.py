"""X as a network that accounts speak through."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from services.runtime.clock import Clock
from services.runtime.deferred import Deferred
from services.runtime.errors import PuppetError, RetryLater
from services.social.adapters.x.answers import (
    SOMETHING_ELSE,
    UNREADABLE,
    Answer,
    Json,
    NoAnswer,
    NotReached,
    Refusal,
    explain,
)
from services.social.adapters.x.capabilities import CAPABILITIES
from services.social.adapters.x.limits import reported_limits
from services.social.adapters.x.posts import Page, Use, Vocabulary
from services.social.adapters.x.refusals import cause_of, read_error, words_of
from services.social.domain.accounts import Credentials, Profile
from services.social.domain.capabilities import Capabilities, Tier
from services.social.domain.errors import USED_UP_FOR, NetworkUnavailable, NotCapable
from services.social.domain.limits import Action, ReportedLimit
from services.social.domain.network import (
    Cause,
    Conversation,
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
from services.social.ports import Network

if TYPE_CHECKING:
    from services.social.adapters.x.client import Clients, XClient

_PAGE = 100  # the most that X puts on a page
_MAX_PAGES = 8  # of mentions X keeps the latest 800
_MIN = 5  # and the fewest
_MIN_FOUND = 10  # of a search
_MAX_LOOKUPS = 4


class _NotUnderstood(NetworkUnavailable):
    """X doesn't know the names of what it is asked for."""


class XNetwork(Network):
    """Speaks for any account whose credentials it is handed."""

    def __init__(self, clients: "Deferred[Clients]", clock: Clock, tier: Tier = Tier.FULL) -> None:
        self._tier = tier
        self._clients = clients
        self._clock = clock
        self._vocabulary = Vocabulary.TWEETS
        """The one that X understood last: the first one bills less."""
        self._reported: defaultdict[str, list[ReportedLimit]] = defaultdict(list)

    @property
    @override
    def capabilities(self) -> Capabilities:
        return CAPABILITIES[self._tier]

    @override
    def limits(self, credentials: Credentials) -> list[ReportedLimit]:
        return self._reported.pop(credentials.access_token, [])

    @override
    async def profile(self, credentials: Credentials) -> Profile:
        user = (await self._read(credentials, Action.PROFILE, "/2/users/me", {}, "data"))["data"]
        try:
            return Profile(user_id=str(user["id"]), handle=user["username"])
        except (LookupError, TypeError) as error:
            raise NetworkUnavailable(f"X gave no usable answer: {SOMETHING_ELSE}") from error

    @override
    async def publish(self, credentials: Credentials, text: str, in_reply_to: str) -> Outcome:
        client = await self._client(credentials, Action.POST)
        try:
            answer = await client.publish(text, in_reply_to)
            if answer.get("data") is None:
                return Undecided(f"X gave no post: {explain(answer) or 'no reason'}")
            return Published(str(answer["data"]["id"]))
        except Refusal as refusal:
            return await self._outcome(credentials, refusal.answer)
        except NotReached as error:
            return Unreachable(f"X can't be reached: {error}")
        except NoAnswer as error:
            return Undecided(f"X gave no usable answer: {error}")
        except UNREADABLE:
            return Undecided(f"X gave no usable answer: {SOMETHING_ELSE}")

    @override
    async def timeline(self, credentials: Credentials, user_id: str, since: datetime) -> list[SeenPost]:
        """Return what an account itself posted since this time, the oldest first, and at most 800 posts of it."""
        route, options = f"/2/users/{user_id}/tweets", {"start_time": since, "exclude": "retweets"}
        pages = self._pages(credentials, Action.TIMELINE, route, options, Use.OWN)
        return [post async for page in pages for post in page.seen()][::-1]

    @override
    async def latest_mentions(self, credentials: Credentials, user_id: str, limit: int) -> list[Mention]:
        route, options = f"/2/users/{user_id}/mentions", {"max_results": max(limit, _MIN)}
        page = await self._page(credentials, Action.MENTIONS, route, options, Use.AUTHORS)
        return [mention for mention in page.written() if mention.author_user_id != user_id][:limit][::-1]

    @override
    async def mentions_after(self, credentials: Credentials, user_id: str, network_post_id: str) -> list[Mention]:
        """Return the mentions of an account by others after this one, the oldest first, of the latest 800."""
        route, options = f"/2/users/{user_id}/mentions", {"since_id": network_post_id}
        pages = self._pages(credentials, Action.MENTIONS, route, options, Use.AUTHORS)
        found = [mention async for page in pages for mention in page.written()]
        return [mention for mention in found if mention.author_user_id != user_id][::-1]

    @override
    async def conversation(
        self, credentials: Credentials, network_post_id: str, conversation_id: str, limit: int
    ) -> Conversation:
        """Return up to `limit` posts of the conversation that a post is part of, the oldest first.

        X's search has the posts of seven days; what the post answers is looked up, up to the beginning, as far as the
        search hasn't shown it.
        """
        found: dict[str, Mention] = {}
        pages: list[Page] = []

        async def look_up(*ids: str) -> None:
            wanted = [post_id for post_id in dict.fromkeys(ids) if post_id and post_id not in found]
            options = {"ids": wanted}
            pages.append(await self._page(credentials, Action.LOOKUP, "/2/tweets", options, Use.AUTHORS, needed=""))
            found.update((post.network_post_id, post) for post in pages[-1].written())

        if not conversation_id:
            await look_up(network_post_id)
            begun = found.get(network_post_id)
            conversation_id = begun.conversation_id if begun else ""
        if conversation_id:
            options = {
                "query": f"conversation_id:{conversation_id}",
                "max_results": max(_MIN_FOUND, min(limit, _PAGE)),
            }
            # Where the plan has no search, what was answered is looked up post by post.
            with contextlib.suppress(NotCapable):
                pages.append(
                    await self._page(credentials, Action.SEARCH, "/2/tweets/search/recent", options, Use.AUTHORS)
                )
                found.update((post.network_post_id, post) for post in pages[-1].written())
        chain, lookups = _chain(found, network_post_id), 0
        while (missing := _missing(found, chain, network_post_id)) and lookups < _MAX_LOOKUPS and len(chain) < limit:
            await look_up(missing, conversation_id)
            lookups += 1
            if missing not in found:
                break
            chain = _chain(found, network_post_id)
        return Conversation(
            posts=_bounded(found, chain, limit),
            calls=len(pages),
            posts_read=sum(len(page.posts) + page.related for page in pages),
            users_read=sum(len(page.handles) for page in pages),
        )

    async def _client(self, credentials: Credentials, action: Action) -> "XClient":
        return (await self._clients.get()).of(credentials, partial(self._hear, credentials, action))

    def _hear(self, credentials: Credentials, action: Action, answer: Answer) -> None:
        if reported := reported_limits(answer, action, self._clock.now()):
            self._reported[credentials.access_token] += reported

    async def _pages(
        self, credentials: Credentials, action: Action, route: str, options: Mapping[str, Any], use: Use
    ) -> AsyncIterator[Page]:
        """Read page after page; X begins with the newest posts."""
        place: Json = {"max_results": _PAGE}
        for _ in range(_MAX_PAGES):
            page = await self._page(credentials, action, route, {**options, **place}, use)
            yield page
            if not page.next_token:
                return
            place["pagination_token"] = page.next_token

    async def _page(
        self,
        credentials: Credentials,
        action: Action,
        route: str,
        options: Mapping[str, Any],
        use: Use,
        needed: str = "meta",
    ) -> Page:
        """Read a page of posts in the vocabulary that X understands."""

        async def read(vocabulary: Vocabulary) -> Page:
            parameters = {**options, **vocabulary.parameters(use)}
            return Page.of(await self._read(credentials, action, route, parameters, needed))

        pages: list[Page] = []
        for vocabulary in (self._vocabulary, self._vocabulary.other):
            with contextlib.suppress(_NotUnderstood):
                pages.append(await read(vocabulary))
                if not pages[-1].lacks(use):
                    self._vocabulary = vocabulary
                    return pages[-1]
        if not pages:
            raise NetworkUnavailable("X knows none of the names of what it is asked for")
        # Either X has nothing more to say of these posts, or it has changed its names once more.
        if page := next((page for page in pages if page.is_readable(use)), None):
            return page
        raise NetworkUnavailable(f"X gave posts without {pages[-1].lacks(use)}")

    async def _read(
        self, credentials: Credentials, action: Action, route: str, parameters: Mapping[str, Any], needed: str
    ) -> Json:
        """Return the answer to a read, which has this part; raises the errors of the port."""
        try:
            answer = await (await self._client(credentials, action)).read(route, parameters)
        except Refusal as refusal:
            raise self._read_error(refusal.answer, action) from refusal
        except NoAnswer as error:
            raise NetworkUnavailable(f"X gave no usable answer: {error}") from error
        # With 200 X also says that something isn't there: that is not the same as an empty page.
        if needed and answer.get(needed) is None:
            raise NetworkUnavailable(f"X gave no {needed}: {explain(answer) or 'no reason'}")
        return answer

    def _read_error(self, answer: Answer, action: Action) -> PuppetError:
        # A read has nothing in it but ids of X's own and the names of what is asked for.
        if answer.status == 400:
            return _NotUnderstood(words_of(answer))
        if error := USED_UP_FOR.get(cause_of(answer)):
            now = self._clock.now()
            until = _until(reported_limits(answer, action, now)) or now
            return error(f"{error.words}: {words_of(answer)}", (until - now).total_seconds(), "x")
        return read_error(answer)

    async def _outcome(self, credentials: Credentials, answer: Answer) -> Outcome:
        cause, reason = cause_of(answer), words_of(answer)
        match cause:
            case Cause.RATE_LIMITED | Cause.USAGE_CAPPED | Cause.CREDITS_USED_UP:
                until = _until(reported_limits(answer, Action.POST, self._clock.now()))
                return RateLimited(until, f"{USED_UP_FOR[cause].words}: {reason}", cause)
            case Cause.CREDENTIALS_REFUSED | Cause.ACCOUNT_LOCKED | Cause.NOT_CAPABLE:
                return Unauthorized(reason, cause)
            case Cause.NETWORK_UNAVAILABLE:
                return Unreachable(reason)
            case Cause.OUTCOME_UNKNOWN:
                return Undecided(reason)
            case Cause.DUPLICATE:
                return Duplicate(reason)
        return await self._meant(credentials, reason) if answer.status == 403 else Refused(reason)

    async def _meant(self, credentials: Credentials, reason: str) -> Outcome:
        """Tell what a 403 is about that says so in words only: the post, if the account may still ask who it is."""
        try:
            await self.profile(credentials)
        except RetryLater as error:
            return Unreachable(f"{reason} (whether that is about the post can't be told: {error.message})")
        except PuppetError:
            return Unauthorized(reason, Cause.ACCOUNT_LOCKED)
        return Refused(reason)


def _until(reported: Iterable[ReportedLimit]) -> datetime | None:
    """Return when the last of the limits that are used up is reset; None when that isn't told of one of them."""
    resets = [limit.reset_time for limit in reported if limit.is_used_up]
    known = [reset for reset in resets if reset is not None]
    return max(known) if known and len(known) == len(resets) else None


def _chain(found: Mapping[str, Mention], post_id: str) -> list[str]:
    """Return a post's id and those of the posts that it answers, one after the other, as far as they were found."""
    chain: list[str] = []
    while (post := found.get(post_id)) and post_id not in chain:
        chain.append(post_id)
        post_id = post.in_reply_to
    return chain


def _missing(found: Mapping[str, Mention], chain: Sequence[str], post_id: str) -> str:
    """Return the id of the next post of a chain that wasn't found; empty when the chain goes up to the beginning."""
    above = found[chain[-1]].in_reply_to if chain else post_id
    return "" if above in found else above


def _bounded(found: Mapping[str, Mention], chain: Sequence[str], limit: int) -> tuple[Mention, ...]:
    """Return the posts of a chain, the nearest first of all, and the newest others beside them; the oldest first."""
    others = sorted(found.keys() - set(chain), key=int, reverse=True)
    return tuple(found[post_id] for post_id in sorted([*chain, *others][:limit], key=int))
