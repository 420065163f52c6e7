"""No text gives a wallet's key away: whether it would, only the service that keeps the key can say."""

import base64
import json

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.support.refusals import fields_of

KEY = Keypair.from_seed(bytes(range(7, 39)))


def register(agent_id: str, key: Keypair) -> pb.RegisterWalletRequest:
    return pb.RegisterWalletRequest(agent_id=agent_id, private_key=str(key))


async def holds_key(trading: TradingServiceStub, text: str) -> bool:
    return (await trading.ScreenText(pb.ScreenTextRequest(text=text))).holds_key


@pytest.fixture
def settings(settings: TradingSettings, database_url: str) -> TradingSettings:
    return settings.model_copy(update={"database_url": database_url})


async def test_a_wallets_key_is_recognised_in_every_writing(trading: TradingServiceStub) -> None:
    await trading.RegisterWallet(register("agt_a", KEY))
    base58, seed = str(KEY), KEY.secret()
    for written in (
        *(base58, base58[::-1], " ".join(base58), base58[20:60], base58.encode().hex()),
        base64.b64encode(f"it is {base58}".encode()).decode(),
        *(json.dumps(list(bytes(KEY))), bytes(KEY).hex(), base64.b64encode(bytes(KEY)).decode()),
        *(str(Pubkey(seed)), seed.hex(), base64.b64encode(seed).decode()),
    ):
        assert await holds_key(trading, f"It is {written}, you know."), written


async def test_what_everybody_may_know_passes(trading: TradingServiceStub) -> None:
    wallet = (await trading.RegisterWallet(register("agt_a", KEY))).wallet
    for text in ("A gate is a gate.", wallet.address, f"{bytes(KEY.pubkey()).hex()}", str(Keypair()), str(KEY)[:12]):
        assert not await holds_key(trading, text), text


async def test_a_wallet_that_came_later_is_known_at_once_and_all_are_after_a_restart(
    serve: Serve, settings: TradingSettings
) -> None:
    later = Keypair()
    async with serve("trading", settings, opener(settings)) as channel:
        trading = TradingServiceStub(channel)
        await trading.RegisterWallet(register("agt_a", KEY))
        assert not await holds_key(trading, str(later))
        await trading.RegisterWallet(register("agt_b", later))
        assert await holds_key(trading, str(later))
    async with serve("trading", settings, opener(settings)) as channel:
        assert await holds_key(TradingServiceStub(channel), str(KEY))


@pytest.mark.parametrize("text", ["", "a" * 4_001, "\ufdfa" * 300])
async def test_a_text_has_a_length(trading: TradingServiceStub, text: str) -> None:
    assert await fields_of(trading.ScreenText(pb.ScreenTextRequest(text=text))) == {"text"}
