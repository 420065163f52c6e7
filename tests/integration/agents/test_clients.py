"""The adapters that speak to the other services: memory and llm as they are, social and trading as small servers."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.agents.adapters.llm_client import LlmClient
from services.agents.adapters.memory_client import MemoryClient
from services.agents.adapters.social_client import SocialClient
from services.agents.adapters.trading_client import TradingClient
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import OwnEvent
from services.agents.domain.persona import read_persona
from services.agents.domain.prompts import Exchange, Part, PromptParts, Sampling
from services.agents.domain.trading import WRAPPED_SOL, PastTrade
from services.agents.ports.neighbours import NewMemory, Refused, Source, View, WalletKey
from services.agents.ports.stored import Order, Progress
from services.llm.bootstrap import opener as open_llm
from services.llm.settings import LlmSettings, ProviderSettings
from services.memory.bootstrap import opener as open_memory
from services.memory.settings import MemorySettings
from services.runtime import errors
from services.runtime.rpc import status
from tests.conftest import Serve
from tests.fakes.clock import FixedClock

Answers = dict[str, Callable[[Any], Any]]

CLOCK = FixedClock()
SOCIAL = social_pb.DESCRIPTOR.services_by_name["SocialService"]
TRADING = trading_pb.DESCRIPTOR.services_by_name["TradingService"]
MOSS = "MossMossMossMossMossMossMossMossMossMossMoss"


@pytest.fixture
async def memory(serve: Serve, tmp_path: Path) -> AsyncIterator[MemoryClient]:
    settings = MemorySettings(port=0, data_dir=tmp_path)
    async with serve("memory", settings, open_memory(settings)) as channel:
        yield MemoryClient(MemoryServiceStub(channel), RelationshipServiceStub(channel))


async def test_a_memory_is_stored_once_and_found(memory: MemoryClient) -> None:
    new = NewMemory("The ferry was late again", "event", Source.EXTERNAL, author="stranger")
    first = await memory.remember("wren", new, "req_1")
    assert await memory.remember("wren", new, "req_1") == first
    [hit] = await memory.search("wren", "the ferry", 5, list(Source))
    assert (hit.id, hit.text, hit.kind, hit.source, hit.author) == (
        first,
        new.text,
        "event",
        Source.EXTERNAL,
        "stranger",
    )


async def test_only_own_and_operators_memories_are_trusted(memory: MemoryClient) -> None:
    for source in Source:
        await memory.remember("wren", NewMemory(f"{source} says the ferry sinks", "event", source), f"req_{source}")
    for found in (
        await memory.trusted("wren", ["event"], 10),
        await memory.trusted_about("wren", "ferry", ["event"], 9),
    ):
        assert {item.provenance for item in found} == {"self", "operator"}
    assert await memory.trusted("wren", ["trade"], 10) == []


async def test_a_search_finds_what_these_sources_and_this_author_have_said(memory: MemoryClient) -> None:
    for number, (source, author) in enumerate(
        ((Source.SELF, ""), (Source.EXTERNAL, "x:7"), (Source.EXTERNAL, "x:8"), (Source.AGENT, "otto"))
    ):
        new = NewMemory(f"the ferry is late, says number {number}", "interaction", source, author=author)
        await memory.remember("wren", new, f"req_{number}")

    async def found(*sources: Source, author: str = "") -> set[tuple[Source, str]]:
        hits = await memory.search("wren", "is the ferry late?", 9, sources, author)
        return {(hit.source, hit.author) for hit in hits}

    assert await found(Source.SELF, Source.OPERATOR) == {(Source.SELF, "")}
    assert await found(Source.AGENT, Source.EXTERNAL, author="x:7") == {(Source.EXTERNAL, "x:7")}
    assert await found(Source.AGENT, Source.EXTERNAL, author="wren") == set()


async def test_what_was_said_is_all_the_agents_own_whatever_it_was_made_from_newest_first(memory: MemoryClient) -> None:
    kinds = ["post", "interaction"]
    for number, (source, kind, author) in enumerate(
        (
            (Source.SELF, "post", ""),
            (Source.EXTERNAL, "interaction", "wren"),
            (Source.EXTERNAL, "interaction", "x:7"),
            (Source.AGENT, "interaction", "wren"),
            (Source.SELF, "trade", ""),
            (Source.SELF, "interaction", ""),
        )
    ):
        new = NewMemory(f"words number {number}", kind, source, author=author, subject=f"subject {number}")
        await memory.remember("wren", new, f"req_{number}")
    said = await memory.said("wren", kinds, 9)
    assert [one.text for one in said] == [f"words number {number}" for number in (5, 3, 1, 0)]
    assert [one.subject for one in await memory.said("wren", kinds, 2)] == ["subject 5", "subject 3"]
    assert {item.text for item in await memory.trusted("wren", kinds, 9)} == {"words number 0", "words number 5"}


async def test_a_view_of_somebody_is_set_and_moves_with_interactions(memory: MemoryClient) -> None:
    assert await memory.view_of("wren", "otto") is None
    await memory.set_view("wren", "otto", View(0.5, 0.5, 0.5, "Fixes clocks."), "req_1")
    for _ in range(2):
        await memory.interacted("wren", "otto", "They spoke of clocks", View(0.25, 0.25, -0.25), "req_2")
    assert await memory.view_of("wren", "otto") == View(0.75, 0.75, 0.25, "Fixes clocks.")


async def test_a_prompt_comes_back_as_candidates(serve: Serve, tmp_path: Path) -> None:
    settings = LlmSettings(port=0, data_dir=tmp_path, providers=(ProviderSettings(name="fake"),))
    prompt = PromptParts(
        system="Wren walks.",
        background=(Part("Mood now", "calm"),),
        notes=(Part("You remember", "The ferry was late."),),
        conversation=(Part("you", "Late again."),),
        examples=(Exchange("rain", "Rain again.", (Part("memory", "It rained."),)),),
        input="gates",
        context=(Part("memory", "The gate creaks."),),
        input_label="topic",
        output_label="post",
        sampling=Sampling(0.8, 0.9, 40),
        candidate_count=3,
    )
    async with serve("llm", settings, open_llm(settings)) as channel:
        llm = LlmClient(LlmServiceStub(channel))
        written = await llm.generate("wren", prompt, "", "", seed=7)
        with pytest.raises(Refused) as refused:
            await llm.generate("wren", prompt, "nobody", "", seed=7)
    assert len(written.candidates) == 3
    assert all(candidate.text for candidate in written.candidates)
    assert written.model.startswith("fake/")
    assert refused.value.reason == "PROVIDER_NOT_FOUND"


async def test_a_post_settles_with_its_id_on_the_network() -> None:
    post = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_UNKNOWN)
    post.due_time.GetCurrentTime()
    settled = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_SETTLED, network_post_id="77")
    answers: Answers = {
        "CreatePost": lambda _: social_pb.CreatePostResponse(post=post),
        "GetPost": lambda _: social_pb.GetPostResponse(post=settled),
    }
    async with answering(SOCIAL, answers) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        sent = await social.publish("acc_1", "hello", "", "req_1")
        assert (sent.progress, sent.network_post_id) == (Progress.UNDER_WAY, "")
        seen = await social.post(sent.id)
        assert (seen.progress, seen.network_post_id) == (Progress.SETTLED, "77")


async def test_a_post_that_nobody_looks_for_any_more_is_undecided() -> None:
    post = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_UNKNOWN)
    async with answering(SOCIAL, {"GetPost": lambda _: social_pb.GetPostResponse(post=post)}) as channel:
        seen = await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")
    assert seen.progress is Progress.UNDECIDED


async def test_a_post_is_withdrawn_by_the_name_of_its_request_and_may_never_have_been_taken() -> None:
    def withdraw(request: social_pb.WithdrawPostRequest) -> social_pb.WithdrawPostResponse:
        if request.create_request_id == "req_2":
            raise PostGone("no post")
        post = social_pb.Post(id=f"pst of {request.create_request_id}", state=social_pb.POST_STATE_FAILED)
        return social_pb.WithdrawPostResponse(post=post)

    async with answering(SOCIAL, {"WithdrawPost": withdraw}) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        taken = await social.withdraw("acc_1", "req_1")
        assert taken is not None
        assert (taken.id, taken.progress) == ("pst of req_1", Progress.FAILED)
        assert await social.withdraw("acc_1", "req_2") is None


async def test_everything_that_is_held_is_withdrawn_page_by_page() -> None:
    held = [f"pst_{number}" for number in range(3)]

    def some(request: social_pb.ListPostsRequest) -> social_pb.ListPostsResponse:
        assert list(request.states) == [social_pb.POST_STATE_CLAIMED]
        return social_pb.ListPostsResponse(posts=[social_pb.Post(id=post_id) for post_id in held[:2]])

    def withdraw(request: social_pb.WithdrawPostRequest) -> social_pb.WithdrawPostResponse:
        held.remove(request.id)
        return social_pb.WithdrawPostResponse()

    async with answering(SOCIAL, {"ListPosts": some, "WithdrawPost": withdraw}) as channel:
        await SocialClient(SocialServiceStub(channel), CLOCK).withdraw_held("acc_1")
    assert held == []


class LimitReached(errors.Exhausted):
    """A limit of the network, as the social service tells of it."""

    reason = "NETWORK_RATE_LIMITED"


class CreditsGone(errors.Exhausted):
    """What lasts longer than anybody waits."""

    reason = "CREDITS_USED_UP"


class PostGone(errors.NotFound):
    """There is no such post."""

    reason = "POST_NOT_FOUND"


async def test_what_another_service_has_to_wait_for_is_told_in_its_words() -> None:
    def limited(_request: object) -> social_pb.GetPostResponse:
        raise LimitReached("the network's rate limit is used up", 90.0, "acc_1")

    def out_of_credits(_request: object) -> social_pb.CreatePostResponse:
        raise CreditsGone("the credits at the network are used up", 3600.0, "acc_1")

    async with answering(SOCIAL, {"GetPost": limited, "CreatePost": out_of_credits}) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        with pytest.raises(DependencyUnavailable, match="rate limit is used up"):
            await social.post("pst_1")
        with pytest.raises(Refused, match="credits at the network") as refused:
            await social.publish("acc_1", "hello", "", "req_1")
    assert refused.value.reason == "CREDITS_USED_UP"


async def test_every_page_of_mentions_is_read() -> None:
    def mentions(request: social_pb.ListMentionsRequest) -> social_pb.ListMentionsResponse:
        number = 2 if request.page_token else 1
        mention = social_pb.Mention(
            network_post_id=f"{request.after_network_post_id}{number}", author_handle="a", in_reply_to_user_id="12"
        )
        return social_pb.ListMentionsResponse(mentions=[mention], next_page_token="" if number == 2 else "more")

    async with answering(SOCIAL, {"ListMentions": mentions}) as channel:
        found = await SocialClient(SocialServiceStub(channel), CLOCK).mentions("acc_1", "7")
    # A post that starts a conversation gives it its id.
    assert [(mention.network_post_id, mention.conversation_id) for mention in found] == [("71", "71"), ("72", "72")]
    assert {mention.in_reply_to_user_id for mention in found} == {"12"}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (errors.Unavailable("down", 3.0), DependencyUnavailable),
        (errors.Exhausted("slow down", 90.0, "acc_1"), DependencyUnavailable),
        (errors.WrongState("no"), Refused),
        (errors.InvalidRequest([errors.Violation("text", "is required")]), Refused),
    ],
)
async def test_what_may_pass_is_told_from_what_will_not(
    refusal: errors.PuppetError, expected: type[errors.PuppetError]
) -> None:
    def refuse(_request: object) -> social_pb.GetPostResponse:
        raise refusal

    async with answering(SOCIAL, {"GetPost": refuse}) as channel:
        with pytest.raises(expected) as raised:
            await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")
    if isinstance(refusal, errors.RetryLater):
        assert isinstance(raised.value, errors.RetryLater)
        assert raised.value.retry_after == refusal.retry_after
    else:
        assert raised.value.reason == refusal.reason


async def test_a_service_that_is_not_there_may_come_back() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(DependencyUnavailable):
            await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")


async def test_the_market_has_what_is_in_fashion_and_what_was_asked_for() -> None:
    token = trading_pb.Token(
        mint=MOSS, symbol="MOSS", decimals=6, usd="0.0123", change_24h="-0.05", liquidity_usd="9000", is_verified=True
    )

    def prices(request: trading_pb.GetPricesRequest) -> trading_pb.GetPricesResponse:
        assert list(request.mints) == [WRAPPED_SOL, "other"]
        return trading_pb.GetPricesResponse(
            prices=[trading_pb.Price(mint=WRAPPED_SOL, usd="150.5"), trading_pb.Price(mint="other", usd="2")]
        )

    answers: Answers = {
        "ListTrendingTokens": lambda _: trading_pb.ListTrendingTokensResponse(tokens=[token]),
        "GetPrices": prices,
    }
    async with answering(TRADING, answers) as channel:
        market = await TradingClient(TradingServiceStub(channel), CLOCK).market([MOSS, "other"])
    assert market.sol_usd == Decimal("150.5")
    assert [(found.mint, found.usd, found.decimals, found.is_trending) for found in market.tokens] == [
        (MOSS, Decimal("0.0123"), 6, True),
        ("other", Decimal(2), None, False),
    ]


async def test_a_text_is_screened_by_the_service_that_keeps_the_keys() -> None:
    def screen(request: trading_pb.ScreenTextRequest) -> trading_pb.ScreenTextResponse:
        return trading_pb.ScreenTextResponse(holds_key="key" in request.text)

    async with answering(TRADING, {"ScreenText": screen}) as channel:
        client = TradingClient(TradingServiceStub(channel), CLOCK)
        assert [await client.holds_key(text) for text in ("a key", "a gate")] == [True, False]


async def test_a_wallet_is_its_balances_and_its_trades_with_sol() -> None:
    balances = [
        trading_pb.Balance(mint=WRAPPED_SOL, amount=10**9, decimals=9),
        trading_pb.Balance(mint=MOSS, amount=500, decimals=6, symbol="MOSS"),
    ]
    bought = trading_pb.Trade(input_mint=WRAPPED_SOL, output_mint=MOSS, input_amount=7, output_amount=500)
    swapped = trading_pb.Trade(input_mint="a", output_mint="b", input_amount=1, output_amount=1)
    answers: Answers = {
        "GetBalances": lambda _: trading_pb.GetBalancesResponse(balances=balances),
        "ListTrades": lambda _: trading_pb.ListTradesResponse(trades=[bought, swapped]),
    }
    async with answering(TRADING, answers) as channel:
        wallet = await TradingClient(TradingServiceStub(channel), CLOCK).wallet("wal_1")
    assert wallet.lamports == 10**9
    assert [(holding.symbol, holding.amount) for holding in wallet.holdings] == [("MOSS", 500)]
    assert wallet.trades == (PastTrade(MOSS, True, 7, 500, CLOCK.now()),)


async def test_every_page_of_trades_and_of_prices_is_read() -> None:
    asked: list[int] = []

    def trades(request: trading_pb.ListTradesRequest) -> trading_pb.ListTradesResponse:
        number = int(request.page_token or "0")
        trade = trading_pb.Trade(input_mint=WRAPPED_SOL, output_mint=MOSS, input_amount=number, output_amount=1)
        return trading_pb.ListTradesResponse(trades=[trade], next_page_token=str(number + 1) if number < 3 else "")

    def prices(request: trading_pb.GetPricesRequest) -> trading_pb.GetPricesResponse:
        asked.append(len(request.mints))
        return trading_pb.GetPricesResponse(
            prices=[
                trading_pb.Price(mint=mint, usd="2", symbol="NAMED" if mint == "7" else "") for mint in request.mints
            ]
        )

    answers: Answers = {
        "GetBalances": lambda _: trading_pb.GetBalancesResponse(),
        "ListTrades": trades,
        "ListTrendingTokens": lambda _: trading_pb.ListTrendingTokensResponse(),
        "GetPrices": prices,
    }
    async with answering(TRADING, answers) as channel:
        client = TradingClient(TradingServiceStub(channel), CLOCK)
        assert [trade.lamports for trade in (await client.wallet("wal_1")).trades] == [0, 1, 2, 3]
        market = await client.market([str(number) for number in range(120)])
    assert asked == [50, 50, 21]
    assert {token.symbol for token in market.tokens if token.mint in ("7", "8")} == {"NAMED", "8"}


async def test_a_wallet_is_registered_with_the_limits_that_the_persona_gives_and_no_others(
    sample_persona: dict[str, Any],
) -> None:
    asked: list[trading_pb.RegisterWalletRequest] = []

    def register(request: trading_pb.RegisterWalletRequest) -> trading_pb.RegisterWalletResponse:
        asked.append(request)
        return trading_pb.RegisterWalletResponse(wallet=trading_pb.Wallet(id="wal_1", address="address"))

    async with answering(TRADING, {"RegisterWallet": register}) as channel:
        client = TradingClient(TradingServiceStub(channel), CLOCK)
        limits = replace(read_persona(sample_persona).trading, blacklist=(MOSS,))
        assert await client.register("wren", "key", limits, "req_1") == WalletKey("wal_1", "address")
        await client.register("wren", "", read_persona({"id": "a", "name": "A"}).trading, "req_2")
    first, second = asked
    assert (first.private_key, first.request_id, first.policy.wallet_id) == ("key", "req_1", "")
    assert list(first.policy.blocked_mints) == [MOSS]
    assert first.policy.max_trade_lamports == 50_000_000
    assert list(first.policy_mask.paths) == [
        "max_trade_lamports",
        "min_balance_lamports",
        "max_slippage_bps",
        "blocked_mints",
    ]
    assert not second.HasField("policy")
    assert not second.HasField("policy_mask")


async def test_a_persona_narrows_only_the_limits_that_it_gives(sample_persona: dict[str, Any]) -> None:
    asked: list[trading_pb.TightenPolicyRequest] = []

    def tighten(request: trading_pb.TightenPolicyRequest) -> trading_pb.TightenPolicyResponse:
        asked.append(request)
        return trading_pb.TightenPolicyResponse()

    limits = read_persona(sample_persona).trading
    async with answering(TRADING, {"TightenPolicy": tighten}) as channel:
        client = TradingClient(TradingServiceStub(channel), CLOCK)
        await client.tighten("wal_1", replace(limits, blacklist=()))
        await client.tighten("wal_1", read_persona({"id": "a", "name": "A"}).trading)
    [request] = asked
    assert request.policy.wallet_id == "wal_1"
    assert list(request.update_mask.paths) == ["max_trade_lamports", "min_balance_lamports", "max_slippage_bps"]


async def test_an_order_is_given_with_the_least_that_must_come_out() -> None:
    asked: list[trading_pb.ExecuteTradeRequest] = []

    def execute(request: trading_pb.ExecuteTradeRequest) -> trading_pb.ExecuteTradeResponse:
        asked.append(request)
        return trading_pb.ExecuteTradeResponse(trade=trading_pb.Trade(id="trd_1"))

    answers: Answers = {
        "ExecuteTrade": execute,
        "GetQuote": lambda request: trading_pb.GetQuoteResponse(
            quote=trading_pb.Quote(output_amount=2 * request.amount)
        ),
    }
    order = Order("wal_1", WRAPPED_SOL, MOSS, 7, 13, True, "MOSS", "", "", {}, None, OwnEvent.TRADED)
    async with answering(TRADING, answers) as channel:
        client = TradingClient(TradingServiceStub(channel), CLOCK)
        assert await client.quote(WRAPPED_SOL, MOSS, 7) == 14
        assert (await client.swap(order, "req_1")).progress is Progress.UNDER_WAY
    assert asked == [
        trading_pb.ExecuteTradeRequest(
            wallet_id="wal_1",
            input_mint=WRAPPED_SOL,
            output_mint=MOSS,
            amount=7,
            min_output_amount=13,
            request_id="req_1",
        )
    ]


@contextlib.asynccontextmanager
async def answering(service: ServiceDescriptor, answers: Answers) -> AsyncIterator[grpc.aio.Channel]:
    """Serve some methods of a service, each by a function."""

    def handler(name: str, answer: Callable[[Any], Any]) -> Any:
        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                return answer(request)
            except errors.PuppetError as refused:
                await context.abort_with_status(rpc_status.to_status(status.to_status(refused, "test")))

        read = GetMessageClass(service.methods_by_name[name].input_type).FromString
        return grpc.unary_unary_rpc_method_handler(handle, read, lambda message: message.SerializeToString())

    handlers = {name: handler(name, answer) for name, answer in answers.items()}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
