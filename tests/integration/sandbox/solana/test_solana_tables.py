"""Lookup tables and transactions of version 1, sent and read back as on a cluster of today."""

import base64
import struct
from typing import Any

import pytest
from solana.rpc.core import RPCException
from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.address_lookup_table_account import AddressLookupTableAccount, derive_lookup_table_address
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed
from tests.integration.sandbox.solana.test_solana_jupiter import held, step_of

_CREATE, _EXTEND = 0, 2


async def table_of(cluster: Cluster, wallet: Keypair, addresses: list[Pubkey]) -> AddressLookupTableAccount:
    """Make a lookup table by the program's own instructions."""
    slot, authority = (await cluster.rpc.get_slot()).value, wallet.pubkey()
    key, bump = derive_lookup_table_address(authority, slot)
    metas = [
        AccountMeta(key, False, True),
        AccountMeta(authority, True, False),
        AccountMeta(authority, True, True),
        AccountMeta(SYSTEM, False, False),
    ]
    listed = b"".join(map(bytes, addresses))
    steps = [
        Instruction(LOOKUP_TABLES, struct.pack("<IQB", _CREATE, slot, bump), metas),
        Instruction(LOOKUP_TABLES, struct.pack("<IQ", _EXTEND, len(addresses)) + listed, metas),
    ]
    await send(cluster, MessageV0.try_compile(authority, steps, [], await newest(cluster)), wallet)
    return AddressLookupTableAccount(key, addresses)


async def newest(cluster: Cluster) -> Hash:
    return (await cluster.rpc.get_latest_blockhash()).value.blockhash


async def send(cluster: Cluster, message: Any, wallet: Keypair) -> str:
    """Send a message, let it become final, and return its signature."""
    wire = bytes(VersionedTransaction(message, [wallet]))
    signature = (await cluster.rpc.send_raw_transaction(wire)).value
    cluster.settle()
    return str(signature)


async def test_a_payment_through_a_lookup_table_lands_and_shows_what_it_loaded(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    table = await table_of(cluster, wallet, [Pubkey.new_unique(), receiver])
    step = transfer(TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=receiver, lamports=SOL))
    message = MessageV0.try_compile(wallet.pubkey(), [step], [table], await newest(cluster))
    assert receiver not in message.account_keys
    signature = await send(cluster, message, wallet)
    assert await cluster.balance(receiver) == SOL
    options: dict[str, Any] = {"maxSupportedTransactionVersion": 0, "encoding": "json"}
    shown = (await cluster.call("getTransaction", signature, options))["result"]
    assert shown["meta"]["loadedAddresses"] == {"writable": [str(receiver)], "readonly": []}
    assert (shown["meta"]["preBalances"][-1], shown["meta"]["postBalances"][-1]) == (0, SOL)
    assert shown["transaction"]["message"]["addressTableLookups"] == [
        {"accountKey": str(table.key), "writableIndexes": [1], "readonlyIndexes": []}
    ]
    parsed = (await cluster.call("getTransaction", signature, options | {"encoding": "jsonParsed"}))["result"]
    last = parsed["transaction"]["message"]["accountKeys"][-1]
    assert last == {"pubkey": str(receiver), "signer": False, "writable": True, "source": "lookupTable"}
    assert parsed["transaction"]["message"]["instructions"][0]["accounts"] == [str(wallet.pubkey()), str(receiver)]
    listed = (await cluster.rpc.get_signatures_for_address(receiver)).value
    assert [str(row.signature) for row in listed] == [signature]


async def test_a_place_that_a_table_does_not_have_is_refused_by_its_name(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    table = await table_of(cluster, wallet, [Pubkey.new_unique()])
    longer = AddressLookupTableAccount(table.key, [*table.addresses, receiver])
    step = transfer(TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=receiver, lamports=SOL))
    message = MessageV0.try_compile(wallet.pubkey(), [step], [longer], await newest(cluster))
    with pytest.raises(RPCException, match="InvalidAddressLookupTableIndex"):
        await send(cluster, message, wallet)


async def test_a_built_swap_is_shortened_by_the_sandboxs_own_table(cluster: Cluster) -> None:
    wallet, sock = await cluster.wallet(), await cluster.mint("SOCK")
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.execute(order, signed(order, wallet))
    cluster.settle()
    query = {"inputMint": USDC, "outputMint": sock, "amount": "1000000", "taker": str(wallet.pubkey())}
    built = (await cluster.http.get("/jupiter/swap/v2/build", params=query)).json()
    [(key, listed)] = built["addressesByLookupTableAddress"].items()
    table = AddressLookupTableAccount(Pubkey.from_string(key), [Pubkey.from_string(address) for address in listed])
    steps = [step_of(shown) for shown in (*built["setupInstructions"], built["swapInstruction"])]
    message = MessageV0.try_compile(wallet.pubkey(), steps, [table], await newest(cluster))
    assert message.address_table_lookups
    await send(cluster, message, wallet)
    assert await held(cluster, wallet, sock) == int(built["outAmount"])


async def test_version_1_is_shown_only_to_who_supports_it(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    step = transfer(TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=receiver, lamports=SOL))
    message = MessageV1.try_compile(wallet.pubkey(), [step], await newest(cluster))
    signature = await send(cluster, message, wallet)
    assert await cluster.balance(receiver) == SOL
    for newest_version in (None, 0):
        refused = await cluster.call("getTransaction", signature, {"maxSupportedTransactionVersion": newest_version})
        assert refused["error"]["code"] == -32015
    for encoding in ("json", "jsonParsed", "base58", "base64"):
        options = {"maxSupportedTransactionVersion": 1, "encoding": encoding}
        shown = (await cluster.call("getTransaction", signature, options))["result"]
        assert (shown["version"], shown["meta"]["fee"]) == (1, 5_000)


async def test_only_version_1_may_be_longer_than_a_packet(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    memo = Instruction(Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"), b"x" * 1_200, [])
    blockhash = await newest(cluster)
    short = MessageV0.try_compile(wallet.pubkey(), [memo], [], blockhash)
    wire = base64.b64encode(bytes(VersionedTransaction(short, [wallet]))).decode()
    refused = await cluster.call("sendTransaction", wire, {"encoding": "base64"})
    assert "at most 1232 bytes" in refused["error"]["message"]
    await send(cluster, MessageV1.try_compile(wallet.pubkey(), [memo], blockhash), wallet)
