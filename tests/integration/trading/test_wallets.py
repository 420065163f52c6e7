"""Wallets, their keys and their balances through the wire, on each database."""

import json
from pathlib import Path

import grpc
import pytest
from solders.keypair import Keypair

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL, Cluster, Trader
from tests.support.refusals import reason_of, refusal


@pytest.fixture
def settings(settings: TradingSettings, database_url: str) -> TradingSettings:
    return settings.model_copy(update={"database_url": database_url})


def register(agent_id: str, private_key: str = "", request_id: str = "") -> pb.RegisterWalletRequest:
    return pb.RegisterWalletRequest(agent_id=agent_id, private_key=private_key, request_id=request_id)


def forms(key: Keypair) -> dict[str, str]:
    """Return the ways to write a key."""
    return {
        "base58": str(key),
        "json": json.dumps(list(bytes(key))),
        "hex": bytes(key).hex(),
        "seed": key.secret().hex(),
    }


async def test_a_wallet_without_a_key_gets_a_new_one_and_is_registered_once(trading: TradingServiceStub) -> None:
    first = await trading.RegisterWallet(register("agt_a", request_id="req_1"))
    assert await trading.RegisterWallet(register("agt_a", request_id="req_1")) == first
    assert (await trading.GetWallet(pb.GetWalletRequest(id=first.wallet.id))).wallet == first.wallet
    assert await reason_of(trading.RegisterWallet(register("agt_b", request_id="req_1"))) == "REQUEST_ID_REUSED"


async def test_every_form_of_a_key_is_the_same_key(trading: TradingServiceStub) -> None:
    key = Keypair()
    base58, *others = forms(key).values()
    made = (await trading.RegisterWallet(register("agt_a", base58))).wallet
    assert made.address == str(key.pubkey())
    for form in others:
        told = await refusal(trading.RegisterWallet(register("agt_b", form)))
        assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WALLET_EXISTS")
    assert await reason_of(trading.RegisterWallet(register("agt_a"))) == "WALLET_EXISTS"


@pytest.mark.parametrize("wrong", ["abc", "[1, 2]", "0" * 128, pytest.param(str(Keypair())[:-1] + "!", id="no base58")])
async def test_what_is_no_key_is_refused_and_not_repeated(trading: TradingServiceStub, wrong: str) -> None:
    told = await refusal(trading.RegisterWallet(register("agt_a", wrong)))
    assert (told.reason, [violation.field for violation in told.violations]) == ("INVALID_REQUEST", ["private_key"])
    assert wrong not in f"{told.message} {told.violations} {told.metadata}"
    assert not (await trading.ListWallets(pb.ListWalletsRequest())).wallets


async def test_wallets_are_listed_oldest_first_by_page_and_agent(trading: TradingServiceStub) -> None:
    made = [(await trading.RegisterWallet(register(f"agt_{number}"))).wallet for number in range(3)]
    first = await trading.ListWallets(pb.ListWalletsRequest(page_size=2))
    second = await trading.ListWallets(pb.ListWalletsRequest(page_size=2, page_token=first.next_page_token))
    assert [*first.wallets, *second.wallets] == made
    assert not second.next_page_token
    assert list((await trading.ListWallets(pb.ListWalletsRequest(agent_id="agt_1"))).wallets) == [made[1]]


async def test_balances_show_sol_first_and_tokens_with_their_symbols(trader: Trader, cluster: Cluster) -> None:
    bought = await trader.swap("SOL", "USDC", 10_000_000)
    found = await trader.trading.GetBalances(pb.GetBalancesRequest(wallet_id=trader.wallet.id))
    assert list(found.balances) == [
        pb.Balance(mint=SOL, amount=await cluster.lamports(trader.wallet.address), decimals=9, symbol="SOL"),
        pb.Balance(mint=trader.mints["USDC"], amount=bought.output_amount, decimals=6, symbol="USDC"),
    ]


async def test_an_empty_wallet_holds_no_sol_and_symbols_are_not_needed(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    wallet = (await trading.RegisterWallet(register("agt_a"))).wallet
    await cluster.fault(kind="status", status=500, route="GET /jupiter/tokens")
    found = await trading.GetBalances(pb.GetBalancesRequest(wallet_id=wallet.id))
    assert list(found.balances) == [pb.Balance(mint=SOL, decimals=9)]


async def test_a_key_stands_in_no_log_and_no_file_and_still_signs_after_a_restart(
    serve: Serve, settings: TradingSettings, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings.model_copy(update={"database_url": "", "log_level": "DEBUG"})
    caplog.set_level("DEBUG")
    key = Keypair()
    async with serve("trading", settings, opener(settings)) as channel:
        trading = TradingServiceStub(channel)
        wallet = (await trading.RegisterWallet(register("agt_a", str(key)))).wallet
        with pytest.raises(grpc.aio.AioRpcError):
            await trading.RegisterWallet(register("agt_b", forms(key)["hex"]))
    await cluster.fund(wallet.address, LAMPORTS_PER_SOL)
    async with serve("trading", settings, opener(settings)) as channel:
        trade = await Trader(TradingServiceStub(channel), wallet, cluster.mints).swap("SOL", "SOCK", 10_000_000)
        assert trade.state == pb.TRADE_STATE_SETTLED
    path = settings.key_file("trading").path
    assert not path.is_relative_to(settings.data_dir)
    assert path.stat().st_mode & 0o777 == 0o600
    written = [path.read_bytes() for path in _files(settings.data_dir)]
    for secret in (bytes(key), key.secret(), *(form.encode() for form in forms(key).values())):
        assert not any(secret in content for content in written)
        assert secret.decode(errors="replace") not in caplog.text


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
