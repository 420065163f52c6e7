"""A wallet with its trades moves to another place, and nothing is traded twice; and wallets are deleted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from solders.keypair import Keypair

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, Trader, until
from tests.support.archives import imported, rows_of
from tests.support.refusals import fields_of, reason_of, refusal
from tests.support.waits import WAIT_SECONDS

KEY = Fernet.generate_key().decode()
SETTLED, FAILED = pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_FAILED


@pytest.fixture
def settings(settings: TradingSettings, database_url: str) -> TradingSettings:
    return settings.model_copy(update={"database_url": database_url})


@pytest.fixture
async def elsewhere(serve: Serve, settings: TradingSettings, tmp_path: Path) -> AsyncIterator[TradingServiceStub]:
    """Serve another trading service on the same chain."""
    other = settings.model_copy(update={"data_dir": tmp_path / "elsewhere", "database_url": ""})
    async with serve("trading", other, opener(other)) as channel:
        yield TradingServiceStub(channel)


async def exported(trading: TradingServiceStub, key: str = KEY) -> list[Any]:
    return await rows_of(trading.ExportWallet(pb.ExportWalletRequest(agent_id="agt_a", sealing_key=key)))


async def import_(
    trading: TradingServiceStub, rows: list[Any], agent_id: str = "agt_a", request_id: str = "one", key: str = KEY
) -> pb.ImportWalletResponse:
    return await trading.ImportWallet(imported(pb.ImportWalletRequest, agent_id, rows, request_id, sealing_key=key))


async def test_an_imported_wallet_has_its_trades_and_policy_and_trades_on(
    trader: Trader, elsewhere: TradingServiceStub, cluster: Cluster
) -> None:
    first = await trader.swap("SOL", "NAP", LAMPORTS_PER_SOL // 20, "one")
    policy = (await trader.trading.GetPolicy(pb.GetPolicyRequest(wallet_id=trader.wallet.id))).policy
    await import_(elsewhere, await exported(trader.trading))
    there = Trader(elsewhere, trader.wallet, trader.mints)
    assert await there.swap("SOL", "NAP", LAMPORTS_PER_SOL // 20, "one") == first
    assert (await elsewhere.GetPolicy(pb.GetPolicyRequest(wallet_id=trader.wallet.id))).policy == policy
    assert (await there.swap("SOL", "NAP", LAMPORTS_PER_SOL // 20, "two")).state == SETTLED
    assert len(await cluster.landed(trader.wallet.address)) == 2


async def test_a_trade_that_was_signed_is_settled_from_the_chain(
    trader: Trader, elsewhere: TradingServiceStub, cluster: Cluster
) -> None:
    await cluster.fault(kind="latency", route="getSignatureStatuses", seconds=1.0, times=3)
    request = pb.ExecuteTradeRequest(
        wallet_id=trader.wallet.id,
        input_mint=trader.mints["SOL"],
        output_mint=trader.mints["NAP"],
        amount=LAMPORTS_PER_SOL // 20,
        request_id="one",
    )
    call = trader.trading.ExecuteTrade(request, timeout=WAIT_SECONDS)
    signed = pb.ListTradesRequest(wallet_id=trader.wallet.id, states=[pb.TRADE_STATE_SIGNED])

    async def is_signed() -> bool:
        return bool((await trader.trading.ListTrades(signed)).trades)

    await until(is_signed)
    rows = await exported(trader.trading)
    await import_(elsewhere, rows)
    there = Trader(elsewhere, trader.wallet, trader.mints)
    trade = (await call).trade
    assert (await there.ended(trade.id)).signature == (await trader.ended(trade.id)).signature
    assert (await there.get(trade.id)).state == SETTLED
    assert len(await cluster.landed(trader.wallet.address)) == 1


async def test_without_its_key_a_wallet_is_halted_until_it_is_registered_with_it(
    trading: TradingServiceStub, elsewhere: TradingServiceStub, cluster: Cluster
) -> None:
    key = Keypair()
    wallet = (await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_a", private_key=str(key)))).wallet
    await cluster.fund(wallet.address, LAMPORTS_PER_SOL)
    rows = await exported(trading, key="")
    assert not [row for row in rows if str(key) in row.row]
    await import_(elsewhere, rows, key="")
    there = Trader(elsewhere, wallet, cluster.mints)
    told = await refusal(there.swap("SOL", "NAP", LAMPORTS_PER_SOL // 20))
    assert (told.reason, "imported without its key" in told.message) == ("TRADING_HALTED", True)
    wrong = pb.RegisterWalletRequest(agent_id="agt_a", private_key=str(Keypair()))
    assert await reason_of(elsewhere.RegisterWallet(wrong)) == "WALLET_EXISTS"
    again = pb.RegisterWalletRequest(agent_id="agt_a", private_key=str(key))
    assert (await elsewhere.RegisterWallet(again)).wallet.id == wallet.id
    await elsewhere.ResumeTrading(pb.ResumeTradingRequest(wallet_id=wallet.id))
    assert (await there.swap("SOL", "NAP", LAMPORTS_PER_SOL // 20)).state == SETTLED


async def test_an_import_is_made_once_and_over_another_wallet_refused(
    trader: Trader, elsewhere: TradingServiceStub
) -> None:
    rows = await exported(trader.trading)
    assert not (await import_(elsewhere, rows)).is_repeated
    assert (await import_(elsewhere, rows)).is_repeated
    assert await reason_of(import_(elsewhere, rows, request_id="two")) == "WALLET_EXISTS"
    assert await fields_of(import_(elsewhere, rows, "agt_b", "three")) == {"row (of message 1)"}
    assert await fields_of(import_(elsewhere, rows, request_id="four", key="weak")) == {"sealing_key"}


async def test_a_wallet_that_holds_anything_is_not_deleted_and_an_empty_one_is(
    trader: Trader, trading: TradingServiceStub
) -> None:
    told = await refusal(trading.DeleteWallet(pb.DeleteWalletRequest(agent_id="agt_a")))
    assert told.reason == "WALLET_NOT_EMPTY"
    assert told.metadata["balances"] == f"{LAMPORTS_PER_SOL} of {trader.mints['SOL']}"
    assert told.message.endswith(" holds 1 SOL")
    request = pb.RegisterWalletRequest(agent_id="agt_b", request_id="birth")
    first = (await trading.RegisterWallet(request)).wallet
    await trading.DeleteWallet(pb.DeleteWalletRequest(agent_id="agt_b"))
    await trading.DeleteWallet(pb.DeleteWalletRequest(agent_id="agt_b"))
    assert await reason_of(trading.GetPolicy(pb.GetPolicyRequest(wallet_id=first.id))) == "WALLET_NOT_FOUND"
    assert (await trading.RegisterWallet(request)).wallet.id != first.id


async def test_a_wallet_is_not_deleted_while_the_chain_does_not_say_what_it_holds(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_b"))
    await cluster.fault(kind="status", status=503, route="getBalance")
    assert await reason_of(trading.DeleteWallet(pb.DeleteWalletRequest(agent_id="agt_b"))) == "CHAIN_UNAVAILABLE"
    await cluster.heal()
    await trading.DeleteWallet(pb.DeleteWalletRequest(agent_id="agt_b"))
