"""The refusals of the X API, with the bodies X sends."""

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = "https://api.twitter.com/2/problems/"


class Problem(Exception):
    """A refused call: the HTTP status and the problem JSON that X answers with."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {body.get('detail')}")
        self.status = status
        self.body = dict(body)


def problem(status: int, title: str, detail: str | None = None) -> Problem:
    """Return a problem that has no type of its own; the detail is the title when there is nothing to add."""
    return Problem(status, {"title": title, "detail": detail or title, "type": "about:blank", "status": status})


def unauthorized() -> Problem:
    """Return the one answer to every failed authentication: X doesn't say what was wrong."""
    return problem(401, "Unauthorized")


def forbidden(detail: str) -> Problem:
    """Return the refusal of a call that was understood and isn't allowed."""
    return problem(403, "Forbidden", detail)


def too_many_requests() -> Problem:
    """Return the refusal past a rate limit; the headers say when to come back."""
    return problem(429, "Too Many Requests")


def app_only_refused() -> Problem:
    """Return the refusal of a bearer token where a user has to act."""
    detail = (
        "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  "
        "Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
    )
    title = "Unsupported Authentication"
    return Problem(
        403, {"title": title, "detail": detail, "type": f"{_TYPES}unsupported-authentication", "status": 403}
    )


def tier_refused(client_id: str) -> Problem:
    """Return the refusal of an endpoint that the app's access level doesn't include."""
    return Problem(
        403,
        {
            "client_id": client_id,
            "title": "Client Forbidden",
            "detail": "This endpoint is not included in your current access level.",
            "required_enrollment": "Appropriate Level of API Access",
            "reason": "client-not-enrolled",
            "type": f"{_TYPES}client-forbidden",
            "status": 403,
        },
    )


def invalid_request(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the refusal of bad input; each error has the `parameters` at fault and a `message`."""
    return Problem(
        400,
        {
            "errors": list(errors),
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{_TYPES}invalid-request",
            "status": 400,
        },
    )


def invalid(name: str, value: object, message: str) -> Problem:
    """Return the refusal of one bad parameter or body field."""
    return invalid_request([error_of(name, value, message)])


def error_of(name: str, value: object, message: str) -> dict[str, Any]:
    """Return one entry of an invalid request's `errors[]`."""
    return {"parameters": {name: [str(value)]}, "message": message}


def missing(resource: str, parameter: str, value: str) -> dict[str, Any]:
    """Return the entry that stands in `errors[]` of a 200 answer for a resource which isn't there."""
    return {
        "value": value,
        "detail": f"Could not find {resource} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{_TYPES}resource-not-found",
    }


def not_found(resource: str, parameter: str, value: str) -> Problem:
    """Return the refusal of an action on a resource which isn't there."""
    return Problem(404, {**missing(resource, parameter, value), "status": 404})
