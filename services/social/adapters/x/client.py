"""Tweepy's client as it is used here: any base URL, every answer heard, nothing logged."""

import contextlib
import json as json_text
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import aiohttp
from oauthlib.oauth1 import Client as OAuthSigner
from yarl import URL

from services.runtime import telemetry
from services.runtime.imports import imported_when_used
from services.social.adapters.x.answers import SOMETHING_ELSE, UNREADABLE, Answer, Json, NoAnswer, NotReached, Refusal
from services.social.domain.accounts import Credentials

# Its sync client guesses the encoding of texts, by tables of 5 MB. What is sent here goes by aiohttp.
with imported_when_used("chardet", "charset_normalizer"):
    from tweepy.asynchronous import AsyncClient

Hear = Callable[[Answer], None]
"""Is told of every answer."""


class Clients:
    """Makes the clients of all accounts, which share a session."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session

    def of(self, credentials: Credentials, hear: Hear) -> "XClient":
        """Return the client of an account."""
        return XClient(self._base_url, self._session, credentials, hear)


@contextlib.asynccontextmanager
async def open_clients(base_url: str, timeout_seconds: float) -> AsyncIterator[Clients]:
    """Open the HTTP session of all accounts; half of the time-out may go into connecting."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2)
    # No cookies: X's would tie the accounts to one another.
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Clients(base_url, session)


class XClient(AsyncClient):  # type: ignore[misc]  # tweepy has no types
    """Tweepy's client for another base URL; it logs nothing, and its errors don't need JSON.

    Tweepy's own fails on an HTML error page, and logs credentials at DEBUG.
    """

    def __init__(self, base_url: str, session: aiohttp.ClientSession, credentials: Credentials, hear: Hear) -> None:
        super().__init__(
            consumer_key=credentials.api_key,
            consumer_secret=credentials.api_key_secret,
            access_token=credentials.access_token,
            access_token_secret=credentials.access_token_secret,
            return_type=dict,
        )
        self.session = session
        self._base_url = base_url
        self._hear = hear

    async def read(self, route: str, parameters: Mapping[str, Any]) -> Json:
        """Return X's answer to a read, whose parameters are named as X names them. Raises Refusal, NoAnswer."""
        names = tuple(parameters)
        values = {name.replace(".", "_"): value for name, value in parameters.items()}
        with _answering():
            answer = await self._make_request("GET", route, values, endpoint_parameters=names, user_auth=True)
            if not isinstance(answer, dict):
                raise ValueError("the answer is no JSON object")
            return answer

    async def publish(self, text: str, in_reply_to: str) -> Json:
        """Send a post, once, and return X's answer. Raises Refusal, NoAnswer, NotReached."""
        with _answering():
            answer: Json = await self.create_tweet(text=text, in_reply_to_tweet_id=in_reply_to or None, user_auth=True)
            return answer

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        user_auth: bool = True,  # noqa: ARG002 - there is no bearer token: every request is signed
    ) -> aiohttp.ClientResponse:
        """Send one signed request, once. Raises Refusal when the answer is no success."""
        signer = OAuthSigner(self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        url = str(URL(self._base_url + route).with_query(sorted((params or {}).items())))
        url, headers, _ = signer.sign(url, method, headers={"User-Agent": self.user_agent})  # type: ignore[arg-type]  # any method
        # What is signed has its colons encoded; aiohttp would send them bare.
        before, mark, query = url.partition("?")
        signed = URL(f"{before}{mark}{query.replace(':', '%3A')}", encoded=True)
        # Not redirected: a post would be sent twice.
        with telemetry.request(method, signed.host or "", route) as exchange:
            async with self.session.request(
                method, signed, json=json, headers=headers, allow_redirects=False
            ) as response:
                exchange.status = response.status
                body = await response.read()
        is_success = 200 <= response.status < 300
        problem = {} if is_success else _json_object(body)
        answer = Answer(response.status, response.reason or "", response.headers, problem)
        self._hear(answer)
        if not is_success:
            raise Refusal(answer)
        return response


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn what goes wrong on the way, or in reading an answer, into NoAnswer, or NotReached."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotReached(_why(error)) from error
    except (aiohttp.ClientError, *UNREADABLE) as error:
        raise NoAnswer(_why(error)) from error


def _why(error: Exception) -> str:
    """Return what went wrong on the way, or with the answer, in words for people and by no library's names."""
    match error:
        case TimeoutError():
            return "it took too long"
        case aiohttp.ClientConnectorError():
            return "no connection could be made"
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            return "the connection broke off"
        case _:
            return SOMETHING_ELSE


def _json_object(body: bytes) -> Json:
    try:
        found = json_text.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
