"""What reads feeds, imported when the first is read: it takes 5 MB."""

import asyncio

from typing_extensions import override

from services.agents.ports.feeds import FeedPort, Fetched, Validators


class FeedsWhenAsked(FeedPort):
    """Hands on what is asked to what reads feeds over HTTP."""

    def __init__(self, *, allows_http: bool, allows_private: bool) -> None:
        """Take whether plain HTTP may be spoken, and whether addresses that aren't public may be called."""
        self._allows_http = allows_http
        self._allows_private = allows_private

    @override
    async def fetch(self, url: str, known: Validators) -> Fetched:
        feeds = await asyncio.to_thread(self._opened)
        return await feeds.fetch(url, known)

    def _opened(self) -> FeedPort:
        from services.agents.adapters.feeds import HttpFeeds

        return HttpFeeds(allows_http=self._allows_http, allows_private=self._allows_private)
