"""What stands before every route: which host is asked, which other pages may ask, how much is sent; safe headers."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.web.errors import BodyTooLarge, UnknownHost, UnsupportedEncoding
from services.gateway.web.refusals import of_gateway
from services.runtime.errors import PuppetError

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_ANYWHERE = ("0.0.0.0", "::")

_SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
_ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Request-Timeout",
)
_EXPOSED_HEADERS = ("ETag", "Retry-After")
_AS_IT_IS = frozenset(("", "identity"))
_VERBS = "GET, POST, PUT, PATCH, DELETE"


class Guard:
    """The outermost of the application."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], origins: Sequence[str], most_bytes: int) -> None:
        """Take the names that this gateway has, other pages' origins, and how large a body may be."""
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_foreign = origin in self._origins

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in _SAFE_HEADERS.items():
                    sent.setdefault(name, value)
                if is_foreign:
                    sent["Access-Control-Allow-Origin"] = origin
                    sent["Access-Control-Expose-Headers"] = ", ".join(_EXPOSED_HEADERS)
                    sent["Cross-Origin-Resource-Policy"] = "cross-origin"
                sent.add_vary_header("Origin")
            await send(message)

        request = Request(scope)
        try:
            self._check(headers)
        except PuppetError as error:
            await of_gateway(request, error)(scope, receive, send_safely)
            return
        if is_foreign and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(scope, receive, send_safely)
            return
        await self._app(scope, _Counted(receive, self._most_bytes), send_safely)

    def _check(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            raise UnknownHost("this host isn't one of the gateway's: PUPPET_GATEWAY_ALLOWED_HOSTS names them")
        given = headers.get("content-length", "")
        if given.isdecimal() and int(given) > self._most_bytes:
            raise BodyTooLarge(self._most_bytes)
        # What is packed small may be large, and most clients that pack a body don't know that they do.
        if encodings := [one for one in headers.getlist("content-encoding") if one.strip().lower() not in _AS_IT_IS]:
            raise UnsupportedEncoding(", ".join(encodings))


class _Counted:
    """Receives a body, of so many bytes at most."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left, self._limit = receive, limit, limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise BodyTooLarge(self._limit)
        return message


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {
        "Access-Control-Allow-Methods": _VERBS,
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED_HEADERS),
        "Access-Control-Max-Age": "600",
    }
    await Response(status_code=204, headers=headers)(scope, receive, send)


def own_hosts(host: str, others: Iterable[str]) -> tuple[str, ...]:
    """Return by which names a gateway is asked that listens on this host, and has others besides."""
    # What stands for every address is nobody's name: browsers let pages elsewhere ask for it.
    listened = () if host in _ANYWHERE else (f"[{host}]" if ":" in host else host,)
    return (*_LOCAL_HOSTS, *listened, *others)


def host_name(host: str) -> str:
    """Return the name in a `Host` header, without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def is_same_origin(request: Request) -> bool:
    """Tell whether a request says that it comes from a page of the host that it asks; one that says nothing does."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
