"""What every call to the X API goes through: who calls, how often, with what, and how the answer is written."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import FaultBoard, FaultKind
from sandbox.x.accounts import Accounts, User
from sandbox.x.fields import Vocabulary
from sandbox.x.limits import LIMITS, Limiter
from sandbox.x.oauth import Authenticator, Caller
from sandbox.x.params import Query
from sandbox.x.problems import Problem, app_only_refused, invalid, too_many_requests
from sandbox.x.refusals import refuse
from sandbox.x.usage import Usage


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may go on: its caller, path parameters, query string and JSON object."""

    caller: Caller
    path: dict[str, str]
    query_string: str
    body: Mapping[str, Any]
    vocabulary: Vocabulary

    @property
    def user(self) -> User:
        """The account that calls."""
        return self.caller.user

    def query(self, allowed: Collection[str] = ()) -> Query:
        """Return the query parameters, of which only these may be given."""
        return Query(self.query_string, allowed, self.vocabulary)


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON that a call is answered with."""

    body: Mapping[str, Any]
    status: int = 200


Handler = Callable[[Call], Answer]


class Gate:
    """Turns handlers into routes that authenticate, count and refuse before they call the handler."""

    def __init__(
        self, accounts: Accounts, authenticator: Authenticator, limiter: Limiter, board: FaultBoard, usage: Usage
    ) -> None:
        self._accounts = accounts
        self._authenticator = authenticator
        self._limiter = limiter
        self._board = board
        self._usage = usage

    def route(self, endpoint: str, handler: Handler) -> Route:
        """Return the route of an endpoint, which is written as in the table of limits."""
        method, _, path = endpoint.partition(" ")

        async def serve(request: Request) -> Response:
            self._usage.count_call(endpoint)
            if fault := self._board.take(FaultKind.REFUSAL, f"{method} {request.url.path}"):
                return refuse(fault.refusal, fault.seconds)
            headers: dict[str, str] = {}
            try:
                caller = self._authenticator.authenticate(request)
                if caller.app_only and LIMITS[endpoint].app is None:
                    raise app_only_refused()
                allowance = self._limiter.take(endpoint, caller)
                headers = allowance.headers()
                if allowance.refused:
                    raise too_many_requests()
                body = await _json_object(request) if method == "POST" else {}
                query_string = request.scope["query_string"].decode("ascii", "replace")
                vocabulary = self._accounts.vocabulary
                answer = handler(Call(caller, request.path_params, query_string, body, vocabulary))
            except Problem as refusal:
                return JSONResponse(refusal.body, refusal.status, headers)
            if method == "GET":
                self._usage.count_shown(answer.body)
            return JSONResponse(answer.body, answer.status, headers)

        return Route(path, serve, methods=[method])


def load_json(raw: bytes) -> Any:
    """Return what JSON holds; a ValueError also refuses half of a surrogate pair, which no answer could repeat."""
    try:
        value = json.loads(raw)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


async def _json_object(request: Request) -> Mapping[str, Any]:
    try:
        body = load_json(await request.body())
    except ValueError as error:
        raise invalid("$", "", f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid("$", "", "$: is not a JSON object, object expected")
    return body
