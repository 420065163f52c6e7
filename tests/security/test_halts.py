"""Halts and narrowed policies, while many trades are open: nothing that comes later is signed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlmodel import select, text

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services import trading as trading_service
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.idempotency import NO_REQUEST
from services.runtime.sql import SqlStore
from services.trading.adapters.sql import SqlRecords
from services.trading.bootstrap import opener
from services.trading.domain.trade import Trade
from services.trading.domain.wallet import ALL_WALLETS, lock_key_of
from services.trading.service.halts import Halts
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, until
from tests.support.refusals import reason_of
from tests.support.waits import WAIT_SECONDS

WALLETS, TRADES_EACH = 10, 5
AMOUNT = 1_000_000
_FINAL = (pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_FAILED)


class Crowd:
    """Wallets with trades, and the service's own records of what was signed."""

    def __init__(self, trading: TradingServiceStub, settings: TradingSettings, cluster: Cluster) -> None:
        self.trading = trading
        self.cluster = cluster
        self.database = Database(settings.sql_url("trading"))
        self.wallets: list[pb.Wallet] = []

    async def gather(self, wallets: int = WALLETS) -> None:
        """Register wallets that may trade a lot."""
        policy = pb.Policy(max_daily_trades=100)
        for number in range(wallets):
            request = pb.RegisterWalletRequest(
                agent_id=f"agt_{number}", policy=policy, policy_mask=FieldMask(paths=["max_daily_trades"])
            )
            self.wallets.append((await self.trading.RegisterWallet(request)).wallet)
        await asyncio.gather(*(self.cluster.fund(wallet.address, LAMPORTS_PER_SOL) for wallet in self.wallets))

    async def claim(self, each: int = TRADES_EACH) -> None:
        """Ask for trades, and don't wait for their end."""
        swaps = (
            self.trading.ExecuteTrade(
                pb.ExecuteTradeRequest(
                    wallet_id=wallet.id,
                    input_mint=self.cluster.mints["SOL"],
                    output_mint=self.cluster.mints["SOCK"],
                    amount=AMOUNT,
                    request_id=f"{wallet.id} {number}",
                ),
                timeout=100,
            )
            for wallet in self.wallets
            for number in range(each)
        )
        self.swaps = [asyncio.ensure_future(_answer(swap)) for swap in swaps]
        await until(lambda: self._have(each * len(self.wallets)), 90)

    async def signed(self) -> set[str]:
        """Return the trades that have a signature, as the database has them now."""
        return {trade.id for trade in await self.trades() if trade.signature}

    async def trades(self) -> list[Trade]:
        """Return all trades as the database has them now."""
        async with SqlStore(self.database, SqlRecords).reading() as records:
            return list((await records._session.exec(select(Trade))).all())

    async def end(self) -> list[Trade]:
        """Wait until every trade is final."""

        async def all_final() -> bool:
            return all(trade.is_final for trade in await self.trades())

        await until(all_final, 60)
        await asyncio.gather(*self.swaps)
        return await self.trades()

    async def _have(self, count: int) -> bool:
        return len(await self.trades()) >= count


async def _answer(call: Any) -> Any:
    return await call


@pytest.fixture
def settings(settings: TradingSettings, cluster: Cluster, database_url: str) -> TradingSettings:
    return settings.model_copy(
        update={"rpc_url": cluster.url, "jupiter_url": f"{cluster.url}/jupiter", "database_url": database_url}
    )


@pytest.fixture
async def crowd(trading: TradingServiceStub, settings: TradingSettings, cluster: Cluster) -> AsyncIterator[Crowd]:
    crowd = Crowd(trading, settings, cluster)
    await crowd.gather()
    yield crowd
    await crowd.database.close()


async def test_nothing_is_signed_after_halting_all_has_answered(crowd: Crowd) -> None:
    await crowd.claim()
    halt = (await crowd.trading.HaltTrading(pb.HaltTradingRequest(reason="a test"), timeout=WAIT_SECONDS)).halt
    signed = await crowd.signed()
    assert halt.is_for_all
    ended = await crowd.end()
    assert len(ended) == WALLETS * TRADES_EACH
    assert {trade.id for trade in ended if trade.signature} == signed
    assert len(signed) < len(ended)
    unsigned = [trade for trade in ended if not trade.signature]
    assert {(trade.state, trade.state_cause) for trade in unsigned} == {("failed", "TRADING_HALTED")}
    assert "a test" in unsigned[0].state_reason
    # What is signed may expire on a slow machine before it lands; what has landed was signed, and is settled.
    landed = sum([len(await crowd.cluster.landed(wallet.address)) for wallet in crowd.wallets])
    settled = {trade.id for trade in ended if trade.state == "settled"}
    assert settled <= signed
    assert landed == len(settled)


async def test_halting_one_wallet_leaves_the_others_alone(crowd: Crowd) -> None:
    await crowd.claim(2)
    one, *others = crowd.wallets
    await crowd.trading.HaltTrading(pb.HaltTradingRequest(wallet_id=one.id), timeout=WAIT_SECONDS)
    signed = await crowd.signed()
    ended = await crowd.end()
    assert {t.id for t in ended if t.wallet_id == one.id and t.signature} == {
        t.id for t in ended if t.wallet_id == one.id and t.id in signed
    }
    ids = {wallet.id for wallet in others}
    # What is signed may expire on a slow machine before it lands.
    assert {trade.state_cause for trade in ended if trade.wallet_id in ids} <= {"", "EXPIRED"}
    assert {trade.state for trade in ended if trade.wallet_id in ids} >= {"settled"}


Narrowing = Callable[[Crowd, pb.Wallet], Coroutine[Any, Any, Any]]


async def lowers_a_limit(crowd: Crowd, wallet: pb.Wallet) -> None:
    policy, mask = (
        pb.Policy(wallet_id=wallet.id, max_trade_lamports=AMOUNT - 1),
        FieldMask(paths=["max_trade_lamports"]),
    )
    await crowd.trading.UpdatePolicy(pb.UpdatePolicyRequest(policy=policy, update_mask=mask))


async def blocks_a_mint(crowd: Crowd, wallet: pb.Wallet) -> None:
    policy = pb.Policy(wallet_id=wallet.id, blocked_mints=[crowd.cluster.mints["SOCK"]])
    request = pb.TightenPolicyRequest(policy=policy, update_mask=FieldMask(paths=["blocked_mints"]))
    await crowd.trading.TightenPolicy(request)


@pytest.mark.parametrize("narrow", [lowers_a_limit, blocks_a_mint])
async def test_nothing_is_signed_after_a_policy_was_narrowed(crowd: Crowd, narrow: Narrowing) -> None:
    await crowd.claim()
    await asyncio.gather(*(narrow(crowd, wallet) for wallet in crowd.wallets))
    signed = await crowd.signed()
    ended = await crowd.end()
    assert {trade.id for trade in ended if trade.signature} == signed
    assert len(signed) < len(ended)
    assert {(t.state, t.state_cause) for t in ended if not t.signature} == {("failed", "POLICY_VIOLATION")}


async def test_a_restart_widens_nothing(serve: Serve, settings: TradingSettings, cluster: Cluster) -> None:
    async with serve("trading", settings, opener(settings)) as channel:
        trading = TradingServiceStub(channel)
        crowd = Crowd(trading, settings, cluster)
        await crowd.gather(1)
        [wallet] = crowd.wallets
        await lowers_a_limit(crowd, wallet)
        await trading.HaltTrading(pb.HaltTradingRequest(wallet_id=wallet.id, reason="mine"))
        await trading.HaltTrading(pb.HaltTradingRequest(reason="all"))
    async with serve("trading", settings, opener(settings)) as channel:
        trading = TradingServiceStub(channel)
        # What `apply` does with a persona's limits: it may only narrow.
        wide = pb.Policy(wallet_id=wallet.id, max_trade_lamports=10**12, max_daily_trades=10**6)
        mask = FieldMask(paths=["max_trade_lamports", "max_daily_trades"])
        policy = (await trading.TightenPolicy(pb.TightenPolicyRequest(policy=wide, update_mask=mask))).policy
        assert (policy.max_trade_lamports, policy.max_daily_trades) == (AMOUNT - 1, 100)
        seen = (await trading.GetWallet(pb.GetWalletRequest(id=wallet.id))).wallet
        assert (seen.halt.reason, seen.halt.is_for_all) == ("all", True)
        request = pb.ExecuteTradeRequest(
            wallet_id=wallet.id,
            input_mint=cluster.mints["SOL"],
            output_mint=cluster.mints["SOCK"],
            amount=1_000,
            request_id="req_1",
        )
        assert await reason_of(trading.ExecuteTrade(request)) == "TRADING_HALTED"
        left = (await trading.ResumeTrading(pb.ResumeTradingRequest())).halt
        assert not left.HasField("create_time")
        assert (await trading.GetWallet(pb.GetWalletRequest(id=wallet.id))).wallet.halt.reason == "mine"
        assert await reason_of(trading.ExecuteTrade(request)) == "TRADING_HALTED"
        await trading.ResumeTrading(pb.ResumeTradingRequest(wallet_id=wallet.id))
        assert (await trading.ExecuteTrade(request)).trade.state in (*_FINAL, pb.TRADE_STATE_SIGNED)
    await crowd.database.close()


async def test_a_halt_is_applied_once_for_a_request(trading: TradingServiceStub) -> None:
    first = await trading.HaltTrading(pb.HaltTradingRequest(reason="a", request_id="req_1"))
    again = await trading.HaltTrading(pb.HaltTradingRequest(reason="b"))
    assert again.halt == first.halt, "halting what is halted changes nothing"
    await trading.ResumeTrading(pb.ResumeTradingRequest())
    repeated = await trading.HaltTrading(pb.HaltTradingRequest(reason="a", request_id="req_1"))
    assert not repeated.HasField("halt")
    made = (await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_a"))).wallet
    assert not made.HasField("halt")


async def test_two_replicas_obey_a_halt(serve: Serve, settings: TradingSettings, cluster: Cluster) -> None:
    if "sqlite" in settings.sql_url("trading"):
        pytest.skip("an SQLite file has one replica")
    async with (
        serve("trading", settings, opener(settings)) as one,
        serve("trading", settings, opener(settings)) as other,
    ):
        crowd = Crowd(TradingServiceStub(one), settings, cluster)
        await crowd.gather(6)
        await crowd.claim()
        await TradingServiceStub(other).HaltTrading(pb.HaltTradingRequest(reason="a test"), timeout=WAIT_SECONDS)
        signed = await crowd.signed()
        ended = await crowd.end()
        assert {trade.id for trade in ended if trade.signature} == signed
        assert len(signed) < len(ended)
    await crowd.database.close()


async def test_a_halt_over_all_waits_for_whoever_is_signing(settings: TradingSettings) -> None:
    database = Database(settings.sql_url("trading"))
    await database.migrate(Path(trading_service.__file__).with_name("migrations"))
    if database.is_sqlite:
        await database.close()
        pytest.skip("an SQLite file has one writer anyway")
    store = SqlStore(database, SqlRecords)

    async def somebody_waits() -> bool:
        async with database.read() as reader:
            query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool((await reader.connection.execute(query)).scalar())

    async with store.writing(lock_key_of("wal_1")) as signer, store.writing(lock_key_of("wal_2")) as other:
        for records, wallet_id in ((signer, "wal_1"), (other, "wal_2")):
            assert not await records.halts([wallet_id], held=True), "signers don't wait for one another"
        halting = asyncio.create_task(Halts(store, SystemClock()).halt(ALL_WALLETS, "a test", NO_REQUEST))
        await until(somebody_waits)
        assert not halting.done()
        await other.commit()
        assert not halting.done()
        await signer.commit()
    assert await halting is not None
    async with store.writing(lock_key_of("wal_1")) as signer:
        assert (await signer.halts(["wal_1"], held=True))["wal_1"].reason == "a test"
    await database.close()
