"""Feeds: read within limits and from public addresses alone, each new item once, and all of it a stranger's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import event_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.agents.adapters.feeds import HttpFeeds
from services.agents.ports.feeds import FeedError, Validators
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenChannel, create
from tests.integration.agents.test_events import Persona, Suite
from tests.support.http import listening
from tests.support.waits import WAIT_SECONDS

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Valley News</title>{items}</channel></rss>"""
ITEM = (
    "<item><guid>{name}</guid><title>{name} &lt;b&gt;opens&lt;/b&gt;</title>"
    "<link>https://valley.example/{name}</link></item>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>urn:1</id><title>A bridge</title>'
    '<link href="javascript:alert(1)"/><summary type="html">&lt;p&gt;It &amp;amp; the river.&lt;/p&gt;</summary>'
    "</entry></feed>"
)
PAGE = "<html><head><title>The ferry</title><meta name='description' content='It sails again.'></head>"
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss version="2.0"><channel>'
    "<item><title>&b;</title></item></channel></rss>"
)


def rss(*names: str) -> str:
    return RSS.format(items="".join(ITEM.format(name=name) for name in names))


@dataclass
class Site:
    """A server of feeds on loopback."""

    url: str = ""
    body: str = field(default_factory=rss)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def feed(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        tag = f'"{hash(self.body)}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        return Response(self.body, media_type="application/rss+xml", headers={"etag": tag})


def answering(make: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return make()

    return answer


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    answers: dict[str, Callable[[], Response]] = {
        "/atom": lambda: Response(ATOM, media_type="application/atom+xml"),
        "/page": lambda: Response(PAGE, media_type="text/html; charset=utf-8"),
        "/bomb": lambda: Response(BOMB, media_type="application/xml"),
        "/large": lambda: Response("x" * 3_000_000, media_type="application/xml"),
        "/packed": lambda: Response("x", headers={"content-encoding": "gzip"}),
        "/none": lambda: Response("nothing of the kind", media_type="text/plain"),
        "/gone": lambda: Response(status_code=410),
        "/round": lambda: RedirectResponse("/round"),
        "/moved": lambda: RedirectResponse("/atom"),
        "/inside": lambda: RedirectResponse("file:///etc/passwd"),
    }
    routes = [Route(path, answering(make)) for path, make in answers.items()]
    async with listening(Starlette(routes=[Route("/feed", site.feed), *routes])) as url:
        site.url = url
        yield site


@pytest.fixture
def feeds() -> HttpFeeds:
    return HttpFeeds(allows_http=True, allows_private=True)


async def test_items_have_words_without_markup_and_links_of_the_web(site: Site, feeds: HttpFeeds) -> None:
    site.body = rss("Mill", "Tower")
    found = await feeds.fetch(f"{site.url}/feed", Validators())
    assert [(item.text, item.link) for item in found.items] == [
        ("Mill opens", "https://valley.example/Mill"),
        ("Tower opens", "https://valley.example/Tower"),
    ]
    [entry] = (await feeds.fetch(f"{site.url}/moved", Validators())).items
    assert (entry.text, entry.link) == ("A bridge. It & the river.", "")
    [page] = (await feeds.fetch(f"{site.url}/page", Validators())).items
    assert (page.text, page.link) == ("The ferry. It sails again", f"{site.url}/page")


async def test_what_is_known_is_asked_for_by_its_name_and_not_sent_again(site: Site, feeds: HttpFeeds) -> None:
    site.body = rss("Mill")
    first = await feeds.fetch(f"{site.url}/feed", Validators())
    again = await feeds.fetch(f"{site.url}/feed", first.validators)
    assert (again.items, again.validators) == ((), first.validators)
    assert site.asked[1]["if-none-match"] == first.validators.etag
    assert not {"authorization", "cookie"} & site.asked[1].keys()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/large", "more than 2,000,000 bytes"),
        ("/packed", "is packed"),
        ("/none", "neither a feed nor a page"),
        ("/gone", "status 410"),
        ("/round", "redirects more than 3 times"),
        ("/inside", "not an https:// address"),
    ],
)
async def test_what_is_too_much_or_no_feed_is_refused(site: Site, feeds: HttpFeeds, path: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        await feeds.fetch(f"{site.url}{path}", Validators())


async def test_entities_of_a_feed_are_not_unfolded(site: Site, feeds: HttpFeeds) -> None:
    found: Any = ()
    with contextlib.suppress(FeedError):
        found = (await feeds.fetch(f"{site.url}/bomb", Validators())).items
    assert not any("aaaa" in item.text for item in found)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/feed",
        "https://127.0.0.1:1/feed",
        "https://localhost:1/feed",
        "https://[::1]:1/feed",
        "https://[::ffff:127.0.0.1]:1/feed",
        "https://[64:ff9b::7f00:1]:1/feed",
        "https://10.1.2.3/feed",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/feed",
        "https://2130706433/feed",
        "https://user:word@127.0.0.1/feed",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "",
        "no address",
    ],
)
async def test_nothing_but_public_servers_is_asked(url: str) -> None:
    with pytest.raises(FeedError):
        await HttpFeeds(allows_http=False, allows_private=False).fetch(url, Validators())


@pytest.fixture
async def suite(open_channel: OpenChannel, settings: AgentsSettings) -> AsyncIterator[Suite]:
    allowing = settings.model_copy(update={"feed_http": True, "feed_private_addresses": True})
    async with open_channel(allowing) as channel:
        yield Suite(AgentServiceStub(channel), EventServiceStub(channel))


async def test_each_new_item_of_a_feed_reaches_agents_once_as_a_strangers(
    suite: Suite, site: Site, world: World, persona: Persona
) -> None:
    await suite.agents.CreateAgent(create(persona))
    site.body = rss("Newest", "Newer", "Old", "Older")
    feed = pb.Feed(url=f"{site.url}/feed", max_items=2)
    event = await suite.publish("one", "wren", feed=feed)
    heard = await suite.next(log_pb.ACTIVITY_KIND_EVENT, 2)
    assert {item.notice.text for item in heard} == {"Newest opens", "Newer opens"}
    assert all(item.notice.is_external for item in heard)
    listed = (await suite.events.ListEvents(pb.ListEventsRequest())).events
    news = [item for item in listed if item.HasField("news")]
    assert {item.news.feed_event_id for item in news} == {event.id}
    assert {item.news.origin for item in news} == {pb.NEWS_ORIGIN_EXTERNAL}
    stored = await suite.get(event.id)
    assert (stored.state, stored.delivery_count, stored.failure) == (pb.EVENT_STATE_DELIVERED, 2, "")
    kept = [memory for memory in world.memory.of("wren") if memory.source is Source.EXTERNAL]
    assert {memory.author for memory in kept} == {f"event:{event.id}"}


async def test_a_feed_that_cannot_be_read_says_why(suite: Suite, site: Site, persona: Persona) -> None:
    await suite.agents.CreateAgent(create(persona))
    event = await suite.publish("one", feed=pb.Feed(url=f"{site.url}/gone"))
    async with asyncio.timeout(WAIT_SECONDS):
        while (event := await suite.get(event.id)).state == pb.EVENT_STATE_SCHEDULED:
            pass
    assert (event.state, event.failure) == (pb.EVENT_STATE_FAILED, "was answered with status 410")
