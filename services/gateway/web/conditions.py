"""On what a request depends, as HTTP has it (RFC 9110, section 13.1): lists of etags, weak ones, and `*`."""

import re

from starlette.requests import Request

_ANY = "*"
_TAG = re.compile(r'(W/)?"([^"]*)"')
_NO_ETAG = "W/"
"""What no etag of a service is."""
_MAX = 10
"""How many etags of a list are looked at."""


def wanted_etags(request: Request) -> list[str]:
    """Return the etags of `If-Match` of which one must be the current one; none where any will do.

    Weak ones are passed over: they never are the same as another (section 13.1.1).
    """
    said = _said(request, "if-match")
    if said in ("", _ANY):
        return []
    return [tag for is_weak, tag in _tags(said) if not is_weak][:_MAX] or [_NO_ETAG]


def is_known(request: Request, etag: str) -> bool:
    """Tell whether the client has what has this etag already, by its `If-None-Match`, where a weak one is as good."""
    said = _said(request, "if-none-match")
    return said == _ANY or (bool(said) and etag.strip('"') in {tag for _, tag in _tags(said)})


def _said(request: Request, header: str) -> str:
    return ", ".join(request.headers.getlist(header)).strip()


def _tags(said: str) -> list[tuple[str, str]]:
    # Many leave the quotes out.
    return _TAG.findall(said) or [("W/" if said.startswith("W/") else "", said.removeprefix("W/"))]
