"""What the HTTP APIs beside JSON-RPC have in common: checked query parameters, GET routes and times."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from solders.pubkey import Pubkey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.solana.node import Node, World

Query = Mapping[str, str]


class BadRequestError(Exception):
    """A parameter is missing or wrong; the message names it."""


def get_route(
    node: Node, path: str, answer: Callable[[World, Query], Any], refuse: Callable[[str], dict[str, Any]]
) -> Route:
    """Return a GET route; `answer` gets query and path parameters, `refuse` makes the body of a 400."""

    async def endpoint(request: Request) -> Response:
        query = {**request.query_params, **request.path_params}
        try:
            return JSONResponse(await node.run(lambda world: answer(world, query)))
        except BadRequestError as error:
            return JSONResponse(refuse(str(error)), status_code=400)

    return Route(path, endpoint, methods=["GET"])


def address(query: Query, name: str) -> Pubkey:
    """Return an address; raises BadRequestError, as all of these do."""
    try:
        return Pubkey.from_string(query.get(name, ""))
    except ValueError as error:
        raise BadRequestError(f"{name} must be an address: {error}") from error


def whole(query: Query, name: str, least: int, limit: int, default: int | None = None) -> int:
    """Return a whole number within these bounds, or the default when it is left out."""
    text = query.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdecimal()) or not least <= int(text) <= limit:
        raise BadRequestError(f"{name} must be a whole number from {least} to {limit}")
    return int(text)


def listed(query: Query, name: str, limit: int) -> list[str]:
    """Return the items of a list separated by commas."""
    items = [item for item in query.get(name, "").split(",") if item]
    if not 1 <= len(items) <= limit:
        raise BadRequestError(f"{name} must name 1 to {limit} mints, separated by commas")
    return items


def iso(at: float) -> str:
    """Return a Unix time in ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
