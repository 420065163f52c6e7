"""Signing in at the page by a link, and what pages of others can't do with it."""

import gzip
import time
from typing import Any

import httpx2
import pytest

from puppetctl.local.page import sign_in_link
from services.gateway.web.page import FOLDER
from services.runtime.rpc.identity import Kind, Principal
from tests.security.principals import OPERATOR
from tests.support.gateway import Door, door
from tests.support.waits import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = {"X-Puppet-Request": "1"}


def link_of(gateway: Door, name: str = OPERATOR) -> str:
    address, _, token = sign_in_link(gateway.address, gateway.suite.credential(name)).partition("#link=")
    assert address == f"http://{gateway.address}/"
    return token


async def sign_in(gateway: Door, link: str, **headers: str) -> Any:
    given = OWN | {name.replace("_", "-"): value for name, value in headers.items()}
    return await (await gateway.browser()).post("/session", json={"link": link}, headers=given)


async def signed_in(gateway: Door, name: str = OPERATOR) -> httpx2.AsyncClient:
    """Return a browser that has the cookie."""
    client = await gateway.browser(headers=OWN)
    answer = await client.post("/session", json={"link": link_of(gateway, name)})
    assert answer.status_code == 201, answer.text
    return client


async def test_a_link_is_exchanged_for_a_cookie_that_no_script_reads(gateway: Door) -> None:
    answer = await sign_in(gateway, link_of(gateway))
    assert answer.json()["data"]["principal"] == OPERATOR
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="):
        assert part in cookie
    assert "Secure" not in cookie, "without TLS a browser would drop it"
    assert int(cookie.partition("Max-Age=")[2].partition(";")[0]) <= 12 * 3600
    assert "eyJ" not in cookie, "the session is sealed"


async def test_the_cookie_lets_its_principal_in_and_no_further(gateway: Door) -> None:
    browser = await signed_in(gateway, "reader")
    assert (await browser.get("/agents")).status_code == 200
    assert (await browser.post("/trading/halt", json={})).status_code == 403
    assert (await browser.get("/session")).json()["data"]["kind"] == "reader"


async def test_a_link_is_used_once_and_in_time_and_while_the_gateway_lives(
    gateway: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(gateway)
    assert (await sign_in(gateway, link)).status_code == 201
    again = await sign_in(gateway, link)
    assert again.status_code == 401
    assert "used before" in again.json()["error"]["message"]
    fresh = link_of(gateway)
    monkeypatch.setattr("services.runtime.rpc.credentials.time.time", lambda: 1_700_000_000.0)
    old = gateway.suite.credential(OPERATOR).session("gateway", 10**9, "old")
    monkeypatch.undo()
    assert (await sign_in(gateway, old)).status_code == 401
    monkeypatch.setattr("services.gateway.web.sessions.LINK_SECONDS", -1)
    assert "too old" in (await sign_in(gateway, fresh)).json()["error"]["message"]
    monkeypatch.undo()
    assert (await sign_in(gateway, fresh)).status_code == 201, "a refused link isn't used up"


async def test_what_is_no_link_signs_nobody_in(gateway: Door) -> None:
    credential = gateway.suite.credential(OPERATOR)
    for wrong in (gateway.token(), credential.token("gateway"), credential.session("other", 60, "a"), "x.y.z"):
        assert (await sign_in(gateway, wrong)).status_code == 401
    browser = await gateway.browser(headers=OWN)
    for body in ({}, {"link": ""}, {"link": 7}, {"link": link_of(gateway), "more": 1}):
        assert (await browser.post("/session", json=body)).status_code == 400


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"X-Puppet-Request": ""}, "POST"),
        ({"X-Puppet-Request": "0"}, "POST"),
        ({"Origin": "http://evil.example"}, "GET POST"),
        ({"Origin": "http://127.0.0.1:9999"}, "GET POST"),
        ({"Origin": "null"}, "GET POST"),
        ({"Sec-Fetch-Site": "cross-site"}, "GET POST"),
        ({"Sec-Fetch-Site": "same-site"}, "GET POST"),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
    ],
)
async def test_a_page_of_somebody_else_does_nothing_with_the_cookie(
    gateway: Door, headers: dict[str, str], refused: str
) -> None:
    browser = await signed_in(gateway)
    for verb, path in (("GET", "/agents"), ("POST", "/trading/resume")):
        answer = await browser.request(verb, path, json={} if verb == "POST" else None, headers=headers)
        assert (answer.status_code == 403) == (verb in refused), (verb, headers)
        if verb in refused:
            assert answer.json()["error"]["code"] == "CSRF_REFUSED"
    assert (await sign_in(gateway, link_of(gateway), **headers)).status_code in ({403} if refused else {201})


async def test_whoever_signs_in_gets_a_session_of_their_own_whatever_was_planted_before(gateway: Door) -> None:
    thief = await signed_in(gateway, "client-odd")
    [(name, planted)] = thief.cookies.items()
    browser = await gateway.browser(headers=OWN | {"Cookie": f"{name}={planted}"})
    answer = await browser.post("/session", json={"link": link_of(gateway)})
    assert (answer.status_code, answer.json()["data"]["principal"]) == (201, OPERATOR)
    [given] = answer.headers.get_list("set-cookie")
    own = given.partition(f"{name}=")[2].partition(";")[0]
    assert own not in ("", planted)
    victim = await gateway.browser(headers=OWN)
    for cookies in (f"{name}={planted}; {name}={own}", f"{name}={own}; x=1; {name}={planted}"):
        answer = await victim.get("/session", headers={"Cookie": cookies})
        assert answer.status_code == 401, "nobody acts in a session that may be somebody else's"
        assert "two cookies" in answer.json()["error"]["message"]
    answer = await victim.get("/session", headers={"Cookie": f"{name}={own}; {name}={own}"})
    assert answer.json()["data"]["principal"] == OPERATOR
    assert (await thief.get("/session")).json()["data"]["principal"] == "client-odd"


async def test_what_has_expired_opens_nothing(gateway: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, token = await signed_in(gateway), gateway.token(seconds=60)
    given = {"Authorization": f"Bearer {token}"}
    [(name, value)] = browser.cookies.items()
    for headers in (given, {"Cookie": f"{name}={value}"}):
        assert (await gateway.client.get("/agents", headers=headers)).status_code == 200
    late = time.time() + 13 * 3600
    monkeypatch.setattr("services.runtime.rpc.registry.time.time", lambda: late)
    for verb, path in (("GET", "/agents"), ("GET", "/stream"), ("POST", "/agents/odd/stop"), ("GET", "/session")):
        answer = await gateway.client.request(verb, path, headers=given)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
        assert "WWW-Authenticate" in answer.headers
    monkeypatch.undo()
    async with door(gateway.suite) as later:
        monkeypatch.setattr("services.gateway.web.sessions.COOKIE_SECONDS", 1)
        short = await signed_in(later)
        monkeypatch.undo()

        async def is_out() -> bool:
            return (await short.get("/agents", headers={"Cookie": kept})).status_code == 401

        kept = "; ".join(f"{name}={value}" for name, value in short.cookies.items())
        await until(is_out)
        answer = await short.get("/agents", headers={"Cookie": kept})
        assert "signed in for long enough" in answer.json()["error"]["message"]


async def test_signing_out_ends_the_cookie_and_its_copies(gateway: Door) -> None:
    browser = await signed_in(gateway)
    stolen = dict(browser.cookies)
    answer = await browser.delete("/session")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = await gateway.browser(headers=OWN, cookies=stolen)
    assert (await thief.get("/agents")).status_code == 401


async def test_a_cookie_that_was_changed_or_sealed_by_another_gateway_opens_nothing(gateway: Door) -> None:
    browser = await signed_in(gateway)
    [(name, value)] = browser.cookies.items()
    middle = len(value) // 2
    changed = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    for wrong in (changed, value[:-4], "x", gateway.token()):
        client = await gateway.browser(cookies={name: wrong})
        assert (await client.get("/agents")).status_code == 401


async def test_a_cookie_outlives_a_restart_and_its_key_is_for_its_owners_eyes(gateway: Door) -> None:
    browser = await signed_in(gateway)
    [value] = browser.cookies.values()
    key = gateway.suite.folder / "auth" / "gateway-cookies.key"
    assert key.stat().st_mode & 0o777 == 0o600
    async with door(gateway.suite) as restarted:
        port = restarted.address.rpartition(":")[2]
        cookies = {f"puppet_session_{port}": value}
        client = await restarted.browser(cookies=cookies)
        assert (await client.get("/agents")).status_code == 200
        answer = await sign_in(restarted, link_of(gateway))
        assert answer.status_code == 201


async def test_who_is_revoked_is_signed_out(gateway: Door) -> None:
    gateway.suite.files.add(Principal("guest", Kind.READER))
    browser, token = await signed_in(gateway, "guest"), gateway.token("guest")
    assert (await browser.get("/agents")).status_code == 200
    gateway.suite.files.revoke("guest")
    assert (await browser.get("/agents")).status_code == 401
    assert (await gateway.client.get("/agents", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_the_page_is_served_with_etags_and_safe_headers(gateway: Door) -> None:
    for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"), ("/docs.html", "text/html")):
        answer = await gateway.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        again = await gateway.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for answer in (await gateway.client.get("/"), await gateway.client.get("/agents"), await gateway.client.get("/no")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_no_page_has_script_or_style_in_it_or_asks_elsewhere() -> None:
    pages = sorted(FOLDER.rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text()
        for inline in ("<script>", "<style", " style=", " onclick=", "javascript:", "http://", "https://", "//cdn"):
            assert inline not in text, (page.name, inline)


async def test_a_host_that_isnt_ours_is_refused(gateway: Door) -> None:
    for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "0.0.0.0", "", "localhost.evil"):
        answer = await gateway.client.get("/health", headers={"Host": host})
        assert answer.status_code == 421
        assert answer.json()["error"]["code"] == "UNKNOWN_HOST"
    for host in ("localhost", "127.0.0.1:1234", "[::1]:8080", "LOCALHOST:1"):
        assert (await gateway.client.get("/health", headers={"Host": host})).status_code == 200
    async with door(gateway.suite, allowed_hosts="puppets.example") as named:
        assert (await named.client.get("/health", headers={"Host": "puppets.example"})).status_code == 200


async def test_only_pages_of_the_list_may_ask_and_never_by_cookie(gateway: Door) -> None:
    origin = "https://board.example"
    async with door(gateway.suite, cors_origins=origin) as opened:
        preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = await opened.client.options("/agents", headers=preflight)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers
        assert "x-puppet-request" not in answer.headers["access-control-allow-headers"].lower()
        answer = await opened.call("GET", "/agents", origin=origin)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        for answer in (
            await opened.call("GET", "/agents", by="", origin=origin),
            await opened.call("GET", "/no", origin=origin),
        ):
            assert answer.status_code in {401, 404}
            assert answer.headers["access-control-allow-origin"] == origin, "a page may read why it is refused"
            assert "access-control-allow-credentials" not in answer.headers
        assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
        for evil in ("https://evil.example", "null", "http://board.example", f"{origin}.evil.example", f"{origin}:444"):
            for answer in (
                await opened.call("GET", "/agents", origin=evil),
                await opened.client.options("/agents", headers=preflight | {"Origin": evil}),
            ):
                assert not [name for name in answer.headers if name.startswith("access-control-")], evil
                assert "Origin" in answer.headers["vary"]
            assert answer.status_code == 405
        browser = await signed_in(opened)
        assert (await browser.get("/agents", headers={"Origin": origin})).status_code == 403


async def test_a_packed_body_is_refused_before_it_is_read(gateway: Door) -> None:
    packed = gzip.compress(b'{"id": "zip", "name": "Zip"}')
    headers = {"Authorization": f"Bearer {gateway.token()}"}
    for encoding in ("gzip", "GZIP", "br", "deflate, gzip", "identity, gzip"):
        given = headers | {"Content-Encoding": encoding}
        answer = await gateway.client.post("/agents", content=packed, headers=given)
        assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
        error = answer.json()["error"]
        assert (error["code"], error["details"]["violations"][0]["field"]) == ("INVALID_REQUEST", "Content-Encoding")
    given = headers | {"Content-Encoding": "identity"}
    answer = await gateway.client.post("/agents", content=gzip.decompress(packed), headers=given)
    assert answer.status_code == 201


async def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_itself(gateway: Door) -> None:
    async with door(gateway.suite, max_body_bytes=1000) as small:
        headers = {"Authorization": f"Bearer {small.token()}"}

        async def parts() -> Any:
            for _ in range(20):
                yield b" " * 100

        for content in (b" " * 2000, parts()):
            answer = await small.client.post("/agents", content=content, headers=headers)
            assert answer.status_code == 413
            assert answer.json()["error"]["details"]["violations"][0]["field"] == "body"
