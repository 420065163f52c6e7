"""The people around the characters: one who decides about drafts, strangers who write to them, and an editor."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import aiohttp
import grpc

from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppetctl import web
from puppetctl.clients import Clients
from services.runtime.ids import new_id
from services.runtime.rpc.status import Remote
from tests.e2e.lives import Lives
from tests.support.x import XClient

T = TypeVar("T")

_PASSING = frozenset((grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED))
_CALL_SECONDS = 60.0
_PAUSE_SECONDS = 0.3
_STRANGERS = ("passer_by", "old_friend", "night_owl")


class Verdict(StrEnum):
    """What becomes of a draft."""

    APPROVED = "approved"
    REJECTED = "rejected"
    LEFT = "left"
    """Nobody decides, until it expires."""
    REFUSED = "refused"
    """The decision came too late."""


@dataclass
class People:
    """Everybody who isn't a character, and what they have done that was acknowledged."""

    lives: Lives
    chance: random.Random
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By draft."""
    texts: dict[str, str] = field(default_factory=dict)
    """What a draft was edited to, by draft."""
    events: list[str] = field(default_factory=list)
    strangers_posts: int = 0
    _clients: Clients | None = None

    @contextlib.asynccontextmanager
    async def about(self) -> AsyncIterator[None]:
        """Do what people do until the block ends; what is under way then is finished."""
        have_enough = asyncio.Event()
        # One replica may be gone for a while: a person asks the next one.
        async with self.lives.clients(self.lives.agents[-1]) as clients, aiohttp.ClientSession() as session:
            self._clients = clients
            async with asyncio.TaskGroup() as tasks:
                for work in (self._decide, self._tell, self._speaking(session)):
                    tasks.create_task(self._repeat(work, have_enough))
                try:
                    yield
                finally:
                    have_enough.set()

    async def _repeat(self, work: Callable[[], Awaitable[None]], have_enough: asyncio.Event) -> None:
        while not have_enough.is_set():
            await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(have_enough.wait(), self.chance.uniform(0.5, 2) * _PAUSE_SECONDS)

    async def _decide(self) -> None:
        drafts = self.clients.drafts
        waiting = drafts_pb.ListDraftsRequest(states=[drafts_pb.DRAFT_STATE_WAITING], page_size=500)
        found = await persistent(lambda: drafts.ListDrafts(waiting, timeout=_CALL_SECONDS))
        for draft in found.drafts:
            if draft.id in self.verdicts:
                continue
            [verdict] = self.chance.choices([Verdict.APPROVED, Verdict.REJECTED, Verdict.LEFT], [7, 2, 1])
            self.verdicts[draft.id] = await self._carry(draft, verdict)

    async def _carry(self, draft: drafts_pb.Draft, verdict: Verdict) -> Verdict:
        drafts = self.clients.drafts
        try:
            if verdict is Verdict.APPROVED:
                if not draft.HasField("trade") and self.chance.random() < 0.3:
                    await self._edit(draft)
                approval = drafts_pb.ApproveDraftRequest(id=draft.id, request_id=new_id("req"))
                await persistent(lambda: drafts.ApproveDraft(approval, timeout=_CALL_SECONDS))
            elif verdict is Verdict.REJECTED:
                rejection = drafts_pb.RejectDraftRequest(id=draft.id, request_id=new_id("req"), comment="not today")
                await persistent(lambda: drafts.RejectDraft(rejection, timeout=_CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            if Remote(error).reason not in ("DRAFT_EXPIRED", "DRAFT_DECIDED"):
                raise
            return Verdict.REFUSED
        return verdict

    async def _edit(self, draft: drafts_pb.Draft) -> None:
        drafts = self.clients.drafts
        text = f"a quiet word about {self.chance.choice(_SUBJECTS)}, {self.chance.choice(_SUBJECTS)} and rain."
        edit = drafts_pb.EditDraftRequest(id=draft.id, text=text, request_id=new_id("req"))
        try:
            await persistent(lambda: drafts.EditDraft(edit, timeout=_CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            # The guard judges a person's words too.
            if Remote(error).reason == "INVALID_REQUEST":
                return
            raise
        self.texts[draft.id] = text

    async def _tell(self) -> None:
        if self.chance.random() > 0.1:
            return
        events = self.clients.events
        event = events_pb.Event(agent_ids=[f"life-{number}" for number in self.chance.sample(range(5), 3)])
        if self.chance.random() < 0.5:
            news = events_pb.News(text=f"rain is coming to {self.chance.choice(_SUBJECTS)} {new_id('no')}")
            event.news.CopyFrom(news)
        else:
            event.scheduled_post.topic = self.chance.choice(_SUBJECTS)
        request = events_pb.PublishEventRequest(event=event, request_id=new_id("req"))
        published = await persistent(lambda: events.PublishEvent(request, timeout=_CALL_SECONDS))
        self.events.append(published.event.id)

    def _speaking(self, session: aiohttp.ClientSession) -> Callable[[], Awaitable[None]]:
        accounts: dict[str, XClient] = {}

        async def speak() -> None:
            if self.chance.random() > 0.2:
                return
            name = self.chance.choice(_STRANGERS)
            if name not in accounts:
                keys = await web.post(
                    f"{self.lives.x_url}/_sandbox/accounts",
                    {"username": name, "name": name},
                    self.lives.token("sandbox.x"),
                )
                accounts[name] = XClient(self.lives.x_url, session, keys)
            whom = f"@life_{self.chance.randrange(5)}"
            words = f"{whom} what do you say about {self.chance.choice(_SUBJECTS)} {self.chance.randrange(10**6)}?"
            with contextlib.suppress(aiohttp.ServerDisconnectedError):  # as it may be to any client of a server
                await accounts[name].create_tweet(text=words, user_auth=True)
                self.strangers_posts += 1

        return speak

    @property
    def clients(self) -> Clients:
        """What reaches the services."""
        assert self._clients is not None
        return self._clients


_SUBJECTS = ("letters", "gates", "the dog", "the round", "shortcuts", "the bell", "puddles", "the postbox", "stamps")


async def persistent(call: Callable[[], Awaitable[T]]) -> T:
    """Call until there is an answer that isn't about the service being away."""
    async with asyncio.timeout(900):
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSING:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
