"""What a web page in the user's browser can send to a sandbox: each route of each sandbox refuses it.

The requests are written by hand on a socket, so that they are what a browser sends and not what a client library lets
through.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from uvicorn.config import HTTPProtocolType

from sandbox.guard import Guard
from sandbox.llm.app import create_app as llm_app
from sandbox.llm.settings import LlmSandboxSettings
from sandbox.settings import SandboxSettings
from sandbox.solana.app import create_app as solana_app
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.support.http import ADMIN, ADMIN_TOKEN, listening, listening_in_a_thread

SANDBOXES: dict[str, tuple[Callable[..., Starlette], type[SandboxSettings]]] = {
    "x": (build_x_app, XSettings),
    "solana": (solana_app, SolanaSandboxSettings),
    "llm": (llm_app, LlmSandboxSettings),
}
HEALTH = "/_sandbox/health"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Server:
    """A sandbox that listens, each of its routes as a method and a path, and where it speaks WebSocket."""

    port: int
    routes: list[tuple[str, str]]
    sockets: list[str] = field(default_factory=list)

    async def upgraded(self, path: str, *headers: tuple[str, str]) -> int:
        """Ask for a WebSocket, and return the status of the answer."""
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: Upgrade"]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        status = await reader.readline()
        writer.close()
        return int(status.split(b" ", 2)[1])

    async def asked(self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"") -> tuple[int, str]:
        """Send one request with the headers in this order, and return the status and the head of the answer."""
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head = (await reader.read()).partition(b"\r\n\r\n")[0].decode("latin-1")
        writer.close()
        assert "access-control-" not in head.lower()
        return int(head.split(" ", 2)[1]), head

    async def refuses(self, status: int, *headers: tuple[str, str], body: bytes = b"", method: str = "") -> None:
        """Check that every route, its own ones too when the token is known, refuses these headers."""
        for own_method, path in self.routes:
            given = await self.asked(method or own_method, path, *headers, *ADMIN.items(), body=body)
            assert (own_method, path, given[0]) == (own_method, path, status)

    @property
    def host(self) -> tuple[str, str]:
        """The header of a request that really means this server."""
        return ("Host", f"127.0.0.1:{self.port}")


@pytest.fixture(scope="module", params=[*SANDBOXES])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    build, kind = SANDBOXES[request.param]
    settings = kind(admin_token=ADMIN_TOKEN, data_dir=tmp_path_factory.mktemp("data"))
    app = build(settings)
    with listening_in_a_thread(app) as url:
        sockets = [route.path for route in app.routes if isinstance(route, WebSocketRoute)]
        yield Server(int(url.rpartition(":")[2]), _routes(app), sockets)


def _routes(app: Starlette) -> list[tuple[str, str]]:
    known = (Route, WebSocketRoute)
    assert all(isinstance(route, known) for route in app.routes), "a mount would need a test of its own"
    routes = [route for route in app.routes if isinstance(route, Route)]
    return [
        (method, re.sub(r"\{\w+\}", "1", route.path)) for route in routes for method in sorted(route.methods or {"GET"})
    ]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1@evil.example:{port}",
        "localhost.:{port}",
        "app.localhost:{port}",
        "0.0.0.0:{port}",
        "2130706433:{port}",
        "127.1:{port}",
        "[::ffff:7f00:1]:{port}",
        "[::2]:{port}",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:1{port}",
        "127.0.0.1:{port}, evil.example",
        "127.0.0.1:{port}/",
        ":{port}",
        "",
    ],
)
async def test_after_rebinding_a_name_to_loopback_nothing_answers(server: Server, host: str) -> None:
    await server.refuses(421, ("Host", host.format(port=server.port)), *JSON.items(), body=b"{}")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "LOCALHOST:{port}", "127.0.0.2:{port}", "[::1]:{port}"])
async def test_a_name_of_loopback_with_the_own_port_answers(server: Server, host: str) -> None:
    assert (await server.asked("GET", HEALTH, ("Host", host.format(port=server.port))))[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:{port}", "file://"])
async def test_any_origin_is_refused(server: Server, origin: str) -> None:
    await server.refuses(403, server.host, ("Origin", origin.format(port=server.port)), *JSON.items(), body=b"{}")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Same-Origin, cross-site", ""])
async def test_a_page_that_sends_no_origin_is_known_by_its_site(server: Server, site: str) -> None:
    # Images, scripts, frames, links and fetch without CORS: GET requests carry no Origin.
    await server.refuses(403, server.host, ("Sec-Fetch-Site", site), *JSON.items(), body=b"{}")


async def test_a_second_site_hides_no_first_one(server: Server) -> None:
    sites = (("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site"))
    await server.refuses(403, server.host, *sites, *JSON.items(), body=b"{}")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; charset=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain, application/json",
        "application/jsonp",
        "",
    ],
)
async def test_what_a_form_can_send_is_no_body(server: Server, kind: str) -> None:
    # Browsers that are old enough send neither Origin nor Sec-Fetch-Site with a form.
    await server.refuses(415, server.host, ("Content-Type", kind), body=b'{"kind": "status", "x": "="}')


async def test_two_content_types_are_none(server: Server) -> None:
    types = (("Content-Type", "application/json"), ("Content-Type", "text/plain"))
    await server.refuses(415, server.host, *types, body=b"{}")


async def test_a_body_without_a_type_is_refused_even_in_chunks(server: Server) -> None:
    await server.refuses(415, server.host, body=b"{}")
    for method, path in server.routes:
        sent = (server.host, *ADMIN.items(), ("Transfer-Encoding", "chunked"))
        assert (await server.asked(method, path, *sent))[0] == 415


async def test_a_preflight_is_answered_without_permission(server: Server) -> None:
    asks = (
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type, authorization"),
        ("Access-Control-Request-Private-Network", "true"),
    )
    await server.refuses(403, server.host, *asks, method="OPTIONS")
    await server.refuses(403, server.host, method="OPTIONS")


async def test_an_upgrade_to_a_websocket_is_refused(server: Server) -> None:
    asks = (
        ("Origin", "https://evil.example"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    for method, path in server.routes:
        if method == "GET":
            assert (await server.asked(method, path, server.host, *asks))[0] == 403


@pytest.mark.parametrize(
    ("host", "headers", "is_served"),
    [
        ("127.0.0.1:{port}", (), True),
        ("127.0.0.1:{port}", (("Origin", "https://evil.example"),), False),
        ("127.0.0.1:{port}", (("Origin", "null"),), False),
        ("127.0.0.1:{port}", (("Sec-Fetch-Site", "cross-site"),), False),
        ("evil.example:{port}", (), False),
    ],
)
async def test_only_programs_that_mean_this_server_subscribe(
    server: Server, host: str, headers: tuple[tuple[str, str], ...], *, is_served: bool
) -> None:
    asks = (
        ("Host", host.format(port=server.port)),
        *headers,
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    for path in ("/", "/_sandbox/faults", "/missing"):
        status = await server.upgraded(path, *asks)
        assert (status == 101) == (is_served and path in server.sockets)


async def test_answers_are_kept_from_pages_that_only_embed_them(server: Server) -> None:
    for path, status in ((HEALTH, 200), ("/missing", 404), ("/_sandbox/faults", 401)):
        given, head = await server.asked("GET", path, server.host)
        assert given == status
        assert "cross-origin-resource-policy: same-origin" in head.lower()
        assert "x-content-type-options: nosniff" in head.lower()


@pytest.mark.parametrize(
    "authorization",
    [
        (),
        (("Authorization", ""),),
        (("Authorization", "Bearer"),),
        (("Authorization", "Bearer "),),
        (("Authorization", "Bearer wrong"),),
        (("Authorization", "Bearer " + ADMIN_TOKEN.get_secret_value()[:-1]),),
        (("Authorization", "Basic " + ADMIN_TOKEN.get_secret_value()),),
        (("Authorization", "Bearer \xff"),),
        (*ADMIN.items(), ("Authorization", "Bearer wrong")),
    ],
)
async def test_own_routes_need_the_token_and_health_does_not(
    server: Server, authorization: tuple[tuple[str, str], ...]
) -> None:
    own = [(method, path) for method, path in server.routes if path.startswith("/_sandbox") and path != HEALTH]
    assert own
    for method, path in own:
        for spelling in (path, f"{path}/", path.replace("_", "%5f"), f"{path}%0a", f"{path}?x=/_sandbox/health"):
            body = b"{}" if method == "POST" else b""
            status, _ = await server.asked(method, spelling, server.host, *JSON.items(), *authorization, body=body)
            assert (method, spelling, status) == (method, spelling, 401)
    assert (await server.asked("GET", HEALTH, server.host))[0] == 200


async def test_the_engine_of_the_language_model_has_no_port(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SOLE_PORT, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert json.loads(output) == []


_SOLE_PORT = """
import asyncio, json, sys, psutil
from pathlib import Path
from sandbox.llm.engine import run_engine
from sandbox.llm.model import find_model
from sandbox.llm.settings import LlmSandboxSettings

async def main():
    settings = LlmSandboxSettings(data_dir=Path(sys.argv[1]))
    async with run_engine(find_model(None), settings) as socket:
        folder = Path(socket).parent
        open_to_others = [oct(folder.stat().st_mode)] if folder.stat().st_mode & 0o077 else []
        print(json.dumps([str(c.laddr) for c in psutil.Process().net_connections("inet")] + open_to_others))

asyncio.run(main())
"""


@pytest.mark.parametrize("host", ["sandbox-x", "SANDBOX-X:{port}", "proxy:8080"])
@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_a_setting_names_other_hosts(tmp_path: Path, host: str, http: HTTPProtocolType) -> None:
    settings = XSettings(data_dir=tmp_path, allowed_hosts="sandbox-x, proxy:8080")  # type: ignore[arg-type]
    async with listening(build_x_app(settings), http) as url:
        server = Server(int(url.rpartition(":")[2]), [])
        own = host.format(port=server.port)
        assert (await server.asked("GET", HEALTH, ("Host", own)))[0] == (421 if own == "sandbox-x" else 200)
        assert (await server.asked("GET", HEALTH, ("Host", f"proxy:{server.port}")))[0] == 421
        assert (await server.asked("GET", HEALTH, server.host, ("Host", "evil.example")))[0] in (400, 421)


@pytest.mark.parametrize("wrong", ["*", "sandbox-x/", "a b", "http://sandbox-x"])
def test_what_is_no_host_is_refused_at_start(wrong: str) -> None:
    with pytest.raises(ValueError, match="neither a name nor name:port"):
        XSettings(allowed_hosts=wrong)  # type: ignore[arg-type]


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty token"):
        Guard(build_x_app(XSettings(data_dir=tmp_path / "made")), "", frozenset())
    (tmp_path / "admin.token").write_text("\n")
    with pytest.raises(OSError, match="delete the file"):
        build_x_app(XSettings(data_dir=tmp_path))


def test_the_token_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = XSettings(data_dir=tmp_path / "x")
    build_x_app(settings)
    path = tmp_path / "x" / "admin.token"
    token = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(token.strip()) >= 43
    build_x_app(settings)
    assert path.read_text() == token
    assert sorted(entry.name for entry in path.parent.glob("admin*")) == ["admin.token"]
