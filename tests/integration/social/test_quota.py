"""The share of own posts on both databases, and X's word on its limits."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import aiohttp
import grpc
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import services.social
from puppet.social.v1 import social_service_pb2 as pb
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from services.social.adapters.sql import SqlRecords
from services.social.adapters.x import XNetwork
from services.social.domain.accounts import Account, NetworkName
from services.social.domain.limits import Action, Limit, Quota
from services.social.domain.network import Published
from services.social.domain.posts import Post, PostState
from services.social.settings import SocialSettings
from tests.fakes.clock import FixedClock
from tests.fakes.social import credentials
from tests.integration.social.conftest import Author, posted
from tests.support.http import listening
from tests.support.refusals import refusal
from tests.support.x import Sandbox

MIGRATIONS = Path(services.social.__file__).with_name("migrations")


@pytest.fixture
def settings(settings: SocialSettings) -> SocialSettings:
    return settings.model_copy(update={"posts_a_day": 4})


async def test_of_ten_replies_at_once_two_are_made_and_the_others_hear_when_to_come_back(
    ann: Author, x: Sandbox
) -> None:
    first = await ann.post("hello world")
    asked = [ann.post(f"reply {number}", in_reply_to=first.network_post_id) for number in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    made = [post for post in done if isinstance(post, pb.Post)]
    assert len(made) == 2

    async def again() -> pb.Post:
        return await ann.post("one more", in_reply_to=first.network_post_id)

    told = await refusal(again())
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REPLY_SHARE_USED_UP")
    assert told.retry_after is not None
    assert 86_000 < told.retry_after <= 86_400
    assert (await ann.post(made[0].text, in_reply_to=first.network_post_id)).id == made[0].id
    assert (await ann.post("and another of my own")).state == pb.POST_STATE_SETTLED
    assert len(await posted(x)) == 4


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, set()),
        ({"x-user-limit-24hour-limit": "100"}, {("account", "24hour", 100, 100)}),
        (
            {
                "x-user-limit-24hour-limit": "100",
                "x-user-limit-24hour-remaining": "7",
                "x-app-limit-24hour-limit": "17",
                "x-app-limit-24hour-remaining": "0",
                "x-rate-limit-limit": "50",
                "x-rate-limit-remaining": "49",
            },
            {("account", "24hour", 100, 7), ("app", "24hour", 17, 0), ("account", "15min", 50, 49)},
        ),
        ({"x-user-limit-24hour-limit": "soon", "x-app-limit-24hour-limit": "0"}, set()),
        ({"x-app-limit-24hour-limit": "9" * 5_000}, set()),
    ],
)
async def test_what_x_says_of_its_limits_is_told_with_every_answer(
    headers: dict[str, str], told: set[tuple[str, str, int, int]]
) -> None:
    async def create(_request: Request) -> JSONResponse:
        return JSONResponse({"data": {"id": "1", "text": "hello"}}, 201, headers)

    app = Starlette(routes=[Route("/2/tweets", create, methods=["POST"])])
    async with listening(app) as url, aiohttp.ClientSession() as session:
        network = XNetwork(url, session, SystemClock())
        assert await network.publish(credentials("Ann"), "hello", "") == Published("1")
    limits = network.limits(credentials("Ann"))
    assert {(limit.scope, limit.window, limit.allowed, limit.remaining) for limit in limits} == told
    assert {limit.action for limit in limits} <= {Action.POST}
    assert network.limits(credentials("Ann")) == []


async def test_limits_of_before_are_kept_and_posts_of_before_have_no_code(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    (tmp_path / "before").mkdir()
    for path in MIGRATIONS.glob("000[1-4]_*.py"):
        shutil.copy(path, tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    now = clock.now()
    account = Account(
        id="acc_a",
        agent_id="agt_a",
        network=NetworkName.X,
        handle="Ann",
        network_user_id="7",
        sealed_credentials="sealed",
        create_time=now,
        handle_time=now,
        handle_due_time=now,
    )
    post = Post(
        id="pst_a",
        account_id="acc_a",
        text="hello",
        in_reply_to="",
        request_id="",
        create_time=now,
        due_time=now,
        state_reason="X answered 429",
    )
    async with database.write() as transaction:
        for name, entity in (("account", account), ("post", post)):
            row = entity.model_dump(exclude={"state_cause"})
            columns = (sa.column(column, sa.inspect(type(entity)).columns[column].type) for column in row)
            await transaction.connection.execute(sa.insert(sa.table(name, *columns)).values(row))
        await transaction.connection.execute(sa.text("UPDATE account SET posts_a_day = 17"))
        await transaction.commit()
    await database.migrate(MIGRATIONS)
    async with SqlStore(database, SqlRecords).reading() as records:
        assert await records.account("acc_a") == account
        assert await records.post("pst_a") == post
        told = Limit(holder="acc_a", action=Action.POST, window="24hour", allowed=17, remaining=17, reset_time=now)
        assert await records.limits(["acc_a", "app_1"]) == [told]
        assert Quota().of([told]).max_replies == 8
    await database.close()


async def test_what_is_told_last_of_a_limit_counts_and_only_what_holds_back_is_forgotten(
    database_url: str, clock: FixedClock
) -> None:
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    store = SqlStore(database, SqlRecords)

    def limit(holder: str, window: str, remaining: int) -> Limit:
        return Limit(
            holder=holder,
            action=Action.POST,
            window=window,
            allowed=100,
            remaining=remaining,
            reset_time=clock.now(),
        )

    async with store.writing() as records:
        await records.put_limits([limit("app_1", "24hour", 5), limit("acc_a", "cap", 0), limit("acc_b", "cap", 0)])
        await records.put_limits([limit("app_1", "24hour", 4)])
        await records.put_limits([])
        await records.commit()
    async with store.writing() as records:
        assert {(row.holder, row.remaining) for row in await records.limits(["app_1", "acc_a"])} == {
            ("app_1", 4),
            ("acc_a", 0),
        }
        await records.forget_limits(["app_1", "acc_a"])
        await records.commit()
    async with store.reading() as records:
        assert {row.holder for row in await records.limits(["app_1", "acc_a", "acc_b"])} == {"app_1", "acc_b"}
    await database.close()


async def test_the_latest_replies_are_counted_by_account_and_time_and_without_those_that_failed(
    database_url: str, clock: FixedClock
) -> None:
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    start = clock.now()
    async with SqlStore(database, SqlRecords).writing() as records:
        for name in ("a", "b"):
            await records.save(
                Account(
                    id=f"acc_{name}",
                    agent_id=f"agt_{name}",
                    network=NetworkName.X,
                    handle=name,
                    network_user_id=name,
                    sealed_credentials=name,
                    create_time=start,
                    handle_time=start,
                    handle_due_time=start,
                )
            )
        for minute, (account, answered, state) in enumerate(
            [
                ("acc_a", "7", PostState.SETTLED),
                ("acc_a", "7", PostState.FAILED),
                ("acc_a", "", PostState.SETTLED),
                ("acc_b", "7", PostState.SETTLED),
                ("acc_a", "7", PostState.OUTCOME_UNKNOWN),
            ]
        ):
            await records.save(
                Post(
                    id=f"pst_{minute}",
                    account_id=account,
                    text="hello",
                    in_reply_to=answered,
                    request_id="",
                    create_time=start + timedelta(minutes=minute),
                    due_time=None,
                    state=state,
                )
            )
        before = start - timedelta(minutes=1)
        assert await records.latest_reply("acc_a", 1, before) == start + timedelta(minutes=4)
        assert await records.latest_reply("acc_a", 2, before) == start
        assert await records.latest_reply("acc_a", 3, before) is None
        assert await records.latest_reply("acc_a", 2, start) is None
    await database.close()
