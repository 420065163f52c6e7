"""Tweepy's client as it is used here: any base URL, every answer heard, nothing logged."""

import json as json_text
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import aiohttp
from oauthlib.oauth1 import Client as OAuthSigner
from tweepy.asynchronous import AsyncClient
from yarl import URL

from services.runtime import telemetry
from services.social.domain.accounts import Credentials

Json: TypeAlias = dict[str, Any]

_PROBLEM_FIELDS = frozenset({"title", "detail", "type", "errors"})


class Answer:
    """What X answered, as far as it isn't what was asked for: its status, its headers, and its problem JSON if any."""

    def __init__(self, status: int, phrase: str, headers: Mapping[str, str], problem: Json) -> None:
        self.status = status
        self.phrase = phrase
        self.headers = headers
        self.problem = problem

    @property
    def is_success(self) -> bool:
        """True when X did what it was asked for."""
        return 200 <= self.status < 300

    @property
    def is_from_the_api(self) -> bool:
        """True when the problem is one of X's API, and not a page of what stands in front of it or elsewhere."""
        return bool(self.problem.keys() & _PROBLEM_FIELDS)

    @property
    def kind(self) -> str:
        """The last part of the problem's type, which is the same under every host; empty for `about:blank`."""
        kind = self.problem.get("type")
        return kind.rpartition("/")[2] if isinstance(kind, str) and "/" in kind else ""

    @property
    def codes(self) -> set[int]:
        """The numbers of the errors, where they have numbers."""
        return {code for error in _errors(self.problem) if isinstance(code := error.get("code"), int)}

    @property
    def detail(self) -> str:
        """What X says is wrong, in its own words."""
        return explain(self.problem) or self.phrase


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"X answered {answer.status}: {answer.detail}")
        self.answer = answer


def open_session(timeout_seconds: float) -> aiohttp.ClientSession:
    """Open the HTTP session of all accounts; half of the time-out may go into connecting."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2)
    # No cookies: X's would tie the accounts to one another.
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


class XClient(AsyncClient):  # type: ignore[misc]  # tweepy has no types
    """Tweepy's client for another base URL; it logs nothing, and its errors don't need JSON.

    Tweepy's own fails on an HTML error page, and logs credentials at DEBUG.
    """

    def __init__(
        self,
        base_url: str,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        hear: Callable[[Answer], None],
    ) -> None:
        """Take what is told of every answer."""
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
        """Return X's answer to a read, whose parameters are named as X names them. Raises Refusal."""
        names = tuple(parameters)
        values = {name.replace(".", "_"): value for name, value in parameters.items()}
        answer = await self._make_request("GET", route, values, endpoint_parameters=names, user_auth=True)
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
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


def explain(problem: Json) -> str:
    """Return what is wrong, in X's own words; empty when it has none."""
    parts = [problem.get("detail"), *(error.get("message") or error.get("detail") for error in _errors(problem))]
    return " ".join(part for part in parts if isinstance(part, str))[:500]


def _errors(problem: Json) -> list[Json]:
    errors = problem.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _json_object(body: bytes) -> Json:
    try:
        found = json_text.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
