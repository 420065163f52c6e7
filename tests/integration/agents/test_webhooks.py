"""Messages to a person: stored with what they tell of, signed, and sent until they are taken, whatever happens."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.responses import RedirectResponse, Response

import services.agents
from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents import bootstrap
from services.agents.adapters.sql import SqlRecords
from services.agents.adapters.webhooks import HttpWebhook
from services.agents.domain.drafts import DraftState
from services.agents.domain.notices import Notice, trial_notice
from services.agents.domain.webhooks import KEPT, MAX_WAITING, MessageRecord, MessageState
from services.agents.ports.neighbours import Refused
from services.agents.service import Outbox
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.agents import World
from tests.fakes.clock import FixedClock
from tests.integration.agents.conftest import OpenChannel, create, next_of, until
from tests.integration.agents.killed import starter
from tests.support.channels import open_as, operator_of
from tests.support.http import free_port
from tests.support.receiver import SECRET, Receiver, receiving
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
OTHER = "whsec_" + base64.b64encode(b"another key that is long enough!").decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore[SqlRecords]]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


@pytest.fixture
def careful(persona: Persona) -> Persona:
    return persona | {"approval": "all"}


def told(settings: AgentsSettings, url: str, **more: Any) -> AgentsSettings:
    """Return settings with a webhook."""
    return settings.model_copy(
        update={"webhook_url": SecretStr(url), "webhook_secret": SecretStr(SECRET), "public_url": "", **more}
    )


def outbox(
    store: SqlStore[SqlRecords], clock: FixedClock, url: str, keys: tuple[bytes, ...] = (KEY,), seconds: float = 10
) -> Outbox:
    return Outbox(store, HttpWebhook(url, keys, seconds), "", clock)


async def put(store: SqlStore[SqlRecords], outbox: Outbox, *names: str) -> None:
    """Store messages of these names."""
    async with store.writing() as records:
        for name in names:
            await outbox.tell(records, Notice("webhook.test", name, {}))
        await records.commit()


async def stored(store: SqlStore[SqlRecords], *ids: str) -> list[MessageRecord]:
    async with store.reading() as records:
        found = [await records.message(message_id) for message_id in ids]
    return [message for message in found if message is not None]


async def propose(agents: AgentServiceStub, request_id: str = "req") -> log_pb.Activity:
    asked = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id=request_id)
    return (await agents.TriggerPost(asked, timeout=WAIT_SECONDS)).activity


async def test_a_draft_that_waits_is_told_of_once_with_a_link_to_its_page(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, careful: Persona, receiver: Receiver
) -> None:
    async with open_channel(told(settings, receiver.url, public_url="https://suite.example/app/")) as channel:
        agents = AgentServiceStub(channel)
        await agents.CreateAgent(create(careful))
        activity = await propose(agents)
        [(message_id, body)] = await receiver.until(1)
        assert message_id.startswith("msg_")
        assert (body["type"], body["data"]["id"]) == ("draft.waiting", activity.draft.draft_id)
        url = f"https://suite.example/app/drafts/{activity.draft.draft_id}"
        assert body["data"]["url"] == url
        assert url in body["text"]
        assert activity.draft.words in body["text"]
        assert body["data"]["expire_time"].endswith("Z")
        # Opening the page is all that the link does: nothing was published meanwhile.
        assert not world.social.posts
        await propose(agents, "again")
        await receiver.until(2)
    assert len(set(receiver.ids)) == len(receiver.ids) == 2
    assert not receiver.forged


async def test_without_a_public_url_the_message_names_the_command(
    open_channel: OpenChannel, settings: AgentsSettings, careful: Persona, receiver: Receiver
) -> None:
    async with open_channel(told(settings, receiver.url)) as channel:
        agents = AgentServiceStub(channel)
        await agents.CreateAgent(create(careful))
        activity = await propose(agents)
        [(_, body)] = await receiver.until(1)
    assert f"puppetctl drafts approve {activity.draft.draft_id}" in body["text"]
    assert "url" not in body["data"]


async def test_a_receiver_that_says_nothing_keeps_no_character_waiting(
    open_channel: OpenChannel, settings: AgentsSettings, persona: Persona, receiver: Receiver
) -> None:
    receiver.holding = asyncio.Event()
    async with open_channel(told(settings, receiver.url)) as channel:
        agents = AgentServiceStub(channel)
        await agents.CreateAgent(create(persona | {"approval": "trades"}))
        await agents.CreateAgent(create(persona | {"id": "finch", "name": "Finch", "approval": "all"}))
        await agents.TriggerPost(pb.TriggerPostRequest(agent_id="finch", request_id="one"), timeout=WAIT_SECONDS)
        await receiver.until(1)
        await propose(agents)
        [posted] = await next_of(agents, log_pb.ACTIVITY_KIND_POST)
    assert posted.agent_id == "wren"


async def test_a_key_that_the_network_refuses_is_told_of_while_the_character_lives(
    open_channel: OpenChannel,
    settings: AgentsSettings,
    world: World,
    persona: Persona,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "_ALERT_SECONDS", 0.05)
    world.social.blind = Refused("social", "CREDENTIALS_REFUSED", "CREDENTIALS_REFUSED: the network refuses the keys")
    async with open_channel(told(settings, receiver.url, speed=600.0)) as channel:
        await AgentServiceStub(channel).CreateAgent(create(persona))
        [(_, body)] = await receiver.until(1)
        looks = world.social.looks
        await until(lambda: world.social.looks >= looks + 4)
    assert (body["type"], body["data"]["alert"], body["data"]["cause"]) == (
        "alert.opened",
        "key_refused",
        "CREDENTIALS_REFUSED",
    )
    assert body["data"]["agents"] == [{"id": "wren", "name": persona["name"]}]
    assert [other["data"]["cause"] for _, other in receiver.bodies] == ["CREDENTIALS_REFUSED"]


async def test_a_service_that_is_killed_between_storing_and_sending_sends_when_it_is_back(
    tmp_path: Path, careful: Persona
) -> None:
    port = free_port()
    settings = told(
        AgentsSettings(port=0, data_dir=tmp_path, speed=1e-6, poll_seconds=0.05, drain_seconds=0),
        f"http://127.0.0.1:{port}/in",
    )
    start = starter()

    @contextlib.asynccontextmanager
    async def living(settings: AgentsSettings) -> AsyncIterator[AgentServiceStub]:
        process, heard = start(settings)
        try:
            address = await asyncio.to_thread(heard.recv)
            async with open_as(address, operator_of(settings.data_dir)) as channel:
                yield AgentServiceStub(channel)
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            heard.close()

    async with living(settings) as agents:
        await agents.CreateAgent(create(careful))
        draft_id = (await propose(agents)).draft.draft_id
    async with receiving(Receiver()) as receiver, living(told(settings, receiver.url)) as agents:
        [(_, body)] = await receiver.until(1)
        assert body["data"]["id"] == draft_id
        await propose(agents)
    assert len(set(receiver.ids)) == 1


async def test_what_a_receiver_got_and_did_not_answer_in_time_comes_again_under_the_same_id(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    receiver.holding = asyncio.Event()
    hurried, sending = outbox(store, clock, receiver.url, seconds=2), outbox(store, clock, receiver.url)
    await put(store, hurried, "one")
    await hurried.deliver()
    [message] = await stored(store, *receiver.ids)
    assert (message.state, message.attempts, message.failure) == (
        MessageState.WAITING,
        1,
        "it took longer than 2 seconds",
    )
    receiver.holding.set()
    await sending.deliver()
    assert len(receiver.ids) == 1
    clock.advance(seconds=10)
    await sending.deliver()
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    [message] = await stored(store, receiver.ids[0])
    assert message.state is MessageState.DELIVERED


async def test_what_a_process_had_begun_to_send_when_it_died_another_one_sends_and_not_before(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    receiver.holding = asyncio.Event()
    dying, other = (outbox(store, clock, receiver.url) for _ in range(2))
    await put(store, dying, "one")
    begun = asyncio.ensure_future(dying.deliver())
    await receiver.until(1)
    await other.deliver()
    assert len(receiver.ids) == 1
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    receiver.holding.set()
    clock.advance(seconds=61)
    await other.deliver()
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


async def test_two_replicas_send_each_message_once(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    replicas = [outbox(store, clock, receiver.url) for _ in range(2)]
    await put(store, replicas[0], *(f"number {number}" for number in range(12)))
    for _ in range(3):
        await asyncio.gather(*(replica.deliver() for replica in replicas))
    assert len(receiver.ids) == len(set(receiver.ids)) == 12


async def test_pauses_grow_and_after_a_day_a_message_is_given_up(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    sending = outbox(store, clock, receiver.url)
    await put(store, sending, "one")
    begin, times = clock.now(), []
    receiver.answers = [Response(status_code=500)] * 100
    while clock.now() - begin < timedelta(days=1, hours=4):
        before = len(receiver.ids)
        await sending.deliver()
        if len(receiver.ids) > before:
            times.append(clock.now() - begin)
        clock.advance(seconds=5 if clock.now() - begin < timedelta(minutes=2) else 300)
    [message] = await stored(store, receiver.ids[0])
    assert (message.state, message.failure) == (MessageState.FAILED, "was answered with status 500")
    assert times[0] == timedelta()
    assert 8 < len(times) < 20
    assert timedelta(hours=18) < times[-1] < timedelta(days=1)
    assert len(set(receiver.ids)) == 1


async def test_a_receiver_says_when_it_wants_a_message_again(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    sending = outbox(store, clock, receiver.url)
    receiver.answers = [Response(status_code=429, headers={"retry-after": "900"})]
    await put(store, sending, "one")
    await sending.deliver()
    clock.advance(minutes=14)
    await sending.deliver()
    assert len(receiver.ids) == 1
    clock.advance(minutes=1)
    await sending.deliver()
    assert len(receiver.ids) == 2


async def test_a_receiver_that_is_gone_gets_no_more_until_a_start(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    sending = outbox(store, clock, receiver.url)
    receiver.answers = [Response(status_code=410)]
    await put(store, sending, "one")
    await sending.deliver()
    await put(store, sending, "two")
    clock.advance(hours=1)
    await sending.deliver()
    assert len(receiver.ids) == 1
    await outbox(store, clock, receiver.url).deliver()
    assert [body["text"] for _, body in receiver.bodies][1:] in (["one", "two"], ["two", "one"])


async def test_a_redirection_is_not_followed(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    async with receiving(Receiver()) as elsewhere:
        receiver.answers = [RedirectResponse(elsewhere.url, status_code=307)]
        sending = outbox(store, clock, receiver.url)
        await put(store, sending, "one")
        await sending.deliver()
    assert not elsewhere.bodies
    [message] = await stored(store, *receiver.ids)
    assert message.failure == "was answered with status 307"


async def test_while_keys_are_exchanged_a_receiver_with_either_takes_a_message(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    keys = AgentsSettings(webhook_secret=SecretStr(f"{SECRET} {OTHER}")).webhook_keys()
    for secret in (SECRET, OTHER):
        async with receiving(Receiver(secret)) as receiver:
            sending = outbox(store, clock, receiver.url, tuple(keys))
            await put(store, sending, "one")
            await sending.deliver()
        assert (len(receiver.bodies), receiver.forged) == (1, 0)
    async with receiving(Receiver("whsec_" + base64.b64encode(b"x" * 32).decode())) as receiver:
        with contextlib.suppress(httpx2.HTTPError):
            await HttpWebhook(receiver.url, keys).send("msg_1", trial_notice().body(clock.now()), clock.now())
    assert (len(receiver.bodies), receiver.forged) == (0, 1)


async def test_a_draft_that_was_decided_meanwhile_is_not_told_of(
    open_channel: OpenChannel, settings: AgentsSettings, careful: Persona, clock: FixedClock, database_url: str
) -> None:
    async with open_channel(told(settings, f"http://127.0.0.1:{free_port()}/in")) as channel:
        agents = AgentServiceStub(channel)
        await agents.CreateAgent(create(careful))
        draft_id = (await propose(agents)).draft.draft_id
    database = Database(database_url)
    try:
        store = SqlStore(database, SqlRecords)
        async with store.writing() as records:
            draft = await records.draft(draft_id)
            assert draft is not None
            [message] = await records.due_messages(draft.expire_time, 9)
            draft.reject("", "", "operator", draft.create_time)
            await records.save(draft)
            await records.commit()
        assert draft.state is DraftState.REJECTED
        async with receiving(Receiver()) as receiver:
            await outbox(store, FixedClock(draft.expire_time - timedelta(hours=1)), receiver.url).deliver()
        assert not receiver.bodies
        [message] = await stored(store, message.id)
        assert message.state is MessageState.OVERTAKEN
    finally:
        await database.close()


async def test_what_nobody_takes_is_bounded_and_what_is_over_goes_after_a_week(
    store: SqlStore[SqlRecords], clock: FixedClock, receiver: Receiver
) -> None:
    sending = outbox(store, clock, receiver.url)
    await put(store, sending, *(f"number {number}" for number in range(MAX_WAITING + 5)))
    receiver.answers = [Response(status_code=410) for _ in range(8)]
    await sending.deliver()
    await sending.bound()
    async with store.writing() as records:
        waiting = await records.due_messages(clock.now() + timedelta(hours=1), 2 * MAX_WAITING)
        assert len(waiting) == MAX_WAITING
        assert await records.forget_messages(clock.now() - KEPT, 500) == 0
        clock.advance(days=KEPT.days, seconds=1)
        assert await records.forget_messages(clock.now() - KEPT, 500) == 500
