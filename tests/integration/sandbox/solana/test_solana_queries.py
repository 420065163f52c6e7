"""What real clients ask a node beside balances and transactions."""

import base64
import json
from typing import Any

import pytest
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address
from websockets.asyncio.client import ClientConnection, connect

from sandbox.solana import base58, zstd
from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed


async def swapped(cluster: Cluster) -> Pubkey:
    """Return a wallet that has some USDC."""
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.execute(order, signed(order, wallet))
    cluster.settle()
    return wallet.pubkey()


async def test_blocks_have_their_times(cluster: Cluster) -> None:
    slot = (await cluster.rpc.get_slot()).value
    cluster.clock.advance(seconds=40)
    first, later = [(await cluster.rpc.get_block_time(at)).value or 0 for at in (slot, slot + 10)]
    assert later - first == 4
    assert (await cluster.rpc.get_blocks(slot, slot + 3)).value == [slot, slot + 1, slot + 2, slot + 3]
    newest = (await cluster.rpc.get_slot()).value
    blocks = (await cluster.call("getBlocks", newest - 1, {"commitment": "confirmed"}))["result"]
    assert blocks == [newest - 1, newest]
    codes = [(await cluster.call("getBlockTime", asked))["error"]["code"] for asked in (newest + 100, 5)]
    assert codes == [-32004, -32001]
    assert (await cluster.call("getBlocks", 0, 10**9))["error"]["code"] == -32602


async def test_transactions_are_counted(cluster: Cluster) -> None:
    cluster.settle()
    before = (await cluster.call("getTransactionCount"))["result"]
    await cluster.wallet()
    assert (await cluster.call("getTransactionCount"))["result"] == before + 1
    assert (await cluster.rpc.get_epoch_info()).value.transaction_count == before + 1


async def test_nobody_is_answered_as_of_an_earlier_slot_than_they_know(cluster: Cluster) -> None:
    wallet = (await cluster.wallet()).pubkey()
    slot = (await cluster.rpc.get_slot()).value
    for method, params in (("getBalance", [str(wallet)]), ("getLatestBlockhash", []), ("getEpochInfo", [])):
        options = {"commitment": "confirmed", "minContextSlot": slot}
        assert "result" in await cluster.call(method, *params, options)
        error = (await cluster.call(method, *params, options | {"minContextSlot": slot + 100}))["error"]
        assert (error["code"], error["data"]) == (-32016, {"contextSlot": slot})
    tx = {"encoding": "base64", "preflightCommitment": "confirmed", "minContextSlot": slot + 100}
    assert (await cluster.call("sendTransaction", "AA==", tx))["error"]["code"] == -32016
    assert (await cluster.call("getSlot", {"minContextSlot": "soon"}))["error"]["code"] == -32602


async def test_a_programs_accounts_are_found_by_size_and_bytes(cluster: Cluster) -> None:
    owner = await swapped(cluster)
    by_owner: list[Any] = [{"dataSize": 165}, {"memcmp": {"offset": 32, "bytes": str(owner)}}]
    own = str(get_associated_token_address(owner, Pubkey.from_string(USDC)))
    options: dict[str, Any] = {"filters": by_owner, "encoding": "base64"}
    found = (await cluster.call("getProgramAccounts", str(TOKEN_PROGRAM), options))["result"]
    assert [row["pubkey"] for row in found] == [own]
    in_base64 = {"offset": 32, "bytes": base64.b64encode(bytes(owner)).decode(), "encoding": "base64"}
    options = {"filters": [{"memcmp": in_base64}], "withContext": True, "dataSlice": {"offset": 0, "length": 32}}
    found = (await cluster.call("getProgramAccounts", str(TOKEN_PROGRAM), options))["result"]
    [row] = found["value"]
    assert base64.b64decode(row["account"]["data"][0]) == bytes(Pubkey.from_string(USDC))
    unreadable: list[Any] = [[{"dataSize": -1}], [{"memcmp": {"offset": 0, "bytes": "0"}}], [{}], "x"]
    for wrong in [*unreadable, [{"dataSize": 1}] * 5]:
        error = (await cluster.call("getProgramAccounts", str(TOKEN_PROGRAM), {"filters": wrong}))["error"]
        assert (error["code"], "filters" in error["message"]) == (-32602, True)


async def test_the_largest_holders_of_a_token_are_known(cluster: Cluster) -> None:
    owner = await swapped(cluster)
    own = str(get_associated_token_address(owner, Pubkey.from_string(USDC)))
    holders = (await cluster.rpc.get_token_largest_accounts(Pubkey.from_string(USDC))).value
    amounts = [int(holder.amount.amount) for holder in holders]
    assert amounts == sorted(amounts, reverse=True)
    assert own in [str(holder.address) for holder in holders]
    assert (await cluster.call("getTokenLargestAccounts", str(owner)))["error"]["code"] == -32602


async def test_accounts_are_shown_in_zstandard_too(cluster: Cluster) -> None:
    plain, packed = [
        (await cluster.call("getAccountInfo", USDC, {"encoding": encoding}))["result"]["value"]["data"]
        for encoding in ("base64", "base64+zstd")
    ]
    assert packed[1] == "base64+zstd"
    assert base64.b64decode(packed[0]) == zstd.frame(base64.b64decode(plain[0]))


async def ask(socket: ClientConnection, method: str, *params: Any, number: int = 1) -> dict[str, Any]:
    """Call a method over a socket, and return the answer."""
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
    return await heard(socket)


async def heard(socket: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await socket.recv())
    return told


async def test_a_signature_is_told_once_at_its_commitment(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    tx = await cluster.payment(wallet, receiver, SOL)
    async with connect(cluster.url.replace("http", "ws")) as socket:
        number = (await ask(socket, "signatureSubscribe", str(tx.signatures[0]), {"commitment": "confirmed"}))["result"]
        watched = (await ask(socket, "accountSubscribe", str(receiver), {"commitment": "confirmed"}))["result"]
        await socket.send('{"jsonrpc": "2.0", "method": "ping"}')
        await cluster.rpc.send_transaction(tx)
        cluster.clock.advance(seconds=1)
        told = {note["method"]: note["params"] for note in [await heard(socket), await heard(socket)]}
        assert told["signatureNotification"]["subscription"] == number
        assert told["signatureNotification"]["result"]["value"] == {"err": None}
        assert told["accountNotification"]["subscription"] == watched
        assert told["accountNotification"]["result"]["value"]["lamports"] == SOL
        assert (await ask(socket, "signatureUnsubscribe", number))["error"]["code"] == -32602
        assert (await ask(socket, "accountUnsubscribe", watched))["result"] is True


async def test_a_new_slot_is_told(cluster: Cluster) -> None:
    async with connect(cluster.url.replace("http", "ws")) as socket:
        await ask(socket, "slotSubscribe")
        before = (await cluster.call("getSlot", {"commitment": "processed"}))["result"]
        cluster.clock.advance(seconds=2)
        assert (await heard(socket))["params"]["result"] == {
            "slot": before + 5,
            "parent": before + 4,
            "root": before - 27,
        }


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("signatureSubscribe", [base58.encode(b"short")], -32602),
        ("signatureSubscribe", [], -32602),
        ("accountSubscribe", [USDC, {"encoding": "xml"}], -32602),
        ("blockSubscribe", ["all"], -32601),
        ("getBalance", [USDC], -32601),
        ("slotUnsubscribe", [7], -32602),
    ],
)
async def test_a_wrong_subscription_is_refused(cluster: Cluster, method: str, params: list[Any], code: int) -> None:
    async with connect(cluster.url.replace("http", "ws")) as socket:
        assert (await ask(socket, method, *params))["error"]["code"] == code
        await socket.send("{")
        assert (await heard(socket))["error"]["code"] == -32700
