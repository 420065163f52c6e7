"""The real RPC client finds in the sandbox what it finds in a cluster."""

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TokenAccountOpts, TxOpts
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc.errors import SendTransactionPreflightFailureMessage
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN_PROGRAM
from solders.token.state import TokenAccount
from solders.transaction import Transaction, VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus

from sandbox.solana.app import create_app
from sandbox.solana.journal import Journal
from sandbox.solana.settings import SolanaSandboxSettings
from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed
from tests.support.http import JSON, listening


async def test_the_cluster_tells_its_time_and_fees(cluster: Cluster) -> None:
    rpc = cluster.rpc
    assert await rpc.is_connected()
    assert (await rpc.get_version()).value.solana_core
    assert (await rpc.get_genesis_hash()).value
    slot, height = (await rpc.get_slot()).value, (await rpc.get_block_height()).value
    assert height < slot
    epoch = (await rpc.get_epoch_info()).value
    assert (epoch.absolute_slot - epoch.block_height, epoch.slots_in_epoch) == (slot - height, 432_000)
    newest = (await rpc.get_latest_blockhash()).value
    assert newest.last_valid_block_height == height + 150
    assert (await rpc.get_minimum_balance_for_rent_exemption(165)).value == 2_039_280
    cluster.clock.advance(seconds=4)
    assert (await rpc.get_slot()).value == slot + 10
    assert (await rpc.get_latest_blockhash()).value.blockhash != newest.blockhash


async def test_a_message_costs_5000_lamports_a_signature_until_it_expires(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), SOL)
    assert isinstance(tx.message, MessageV0)
    assert (await cluster.rpc.get_fee_for_message(tx.message)).value == 5_000
    asked = str(tx.message.recent_blockhash), {"commitment": "confirmed"}
    assert (await cluster.call("isBlockhashValid", *asked))["result"]["value"] is True
    cluster.clock.advance(seconds=61)
    assert (await cluster.rpc.get_fee_for_message(tx.message)).value is None
    assert (await cluster.call("isBlockhashValid", *asked))["result"]["value"] is False


async def test_an_airdrop_is_confirmed_by_the_client_itself(tmp_path: Path) -> None:
    app = create_app(SolanaSandboxSettings(data_dir=tmp_path, slot_seconds=0.02))
    wallet = Pubkey.new_unique()
    async with listening(app) as url, AsyncClient(url, commitment=Confirmed) as rpc:
        newest = (await rpc.get_latest_blockhash()).value
        signature = (await rpc.request_airdrop(wallet, SOL)).value
        await rpc.confirm_transaction(signature, Confirmed, 0.01, newest.last_valid_block_height)
        assert (await rpc.get_balance(wallet)).value == SOL
        status = await rpc.confirm_transaction(signature, Finalized, 0.01)
        assert status.value[0] is not None
        assert status.value[0].confirmations is None


async def test_a_payment_settles_step_by_step(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    signature = (await cluster.rpc.send_transaction(await cluster.payment(wallet, receiver, SOL))).value
    seen = []
    for seconds in (0.0, 0.5, 13.0):
        cluster.clock.advance(seconds=seconds)
        status = (await cluster.rpc.get_signature_statuses([signature])).value[0]
        assert status is not None
        seen.append((status.confirmation_status, (await cluster.rpc.get_balance(receiver, Confirmed)).value))
    assert seen == [
        (TransactionConfirmationStatus.Processed, 0),
        (TransactionConfirmationStatus.Confirmed, SOL),
        (TransactionConfirmationStatus.Finalized, SOL),
    ]


async def test_an_old_status_is_found_in_the_history_only(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    signature = (await cluster.rpc.send_transaction(await cluster.payment(wallet, Pubkey.new_unique(), SOL))).value
    cluster.clock.advance(seconds=300)
    assert (await cluster.rpc.get_signature_statuses([signature])).value == [None]
    found = (await cluster.rpc.get_signature_statuses([signature], search_transaction_history=True)).value[0]
    assert found is not None
    assert (await cluster.rpc.get_signature_statuses([Signature.default()])).value == [None]


async def test_preflight_refuses_what_would_fail_with_its_logs(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    with pytest.raises(RPCException) as refused:
        await cluster.rpc.send_transaction(await cluster.payment(wallet, Pubkey.new_unique(), 99 * SOL))
    failure = refused.value.args[0]
    assert isinstance(failure, SendTransactionPreflightFailureMessage)
    assert "custom program error: 0x1" in failure.message
    assert any("insufficient lamports" in line for line in failure.data.logs or [])
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL


async def test_a_transaction_that_fails_on_chain_says_so_in_its_status(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), 99 * SOL)
    signature = (await cluster.rpc.send_raw_transaction(bytes(tx), TxOpts(skip_preflight=True))).value
    cluster.clock.advance(seconds=1)
    status = (await cluster.rpc.get_signature_statuses([signature])).value[0]
    assert status is not None
    assert status.err is not None
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL - 5_000


async def test_the_same_bytes_twice_pay_once(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    wire = bytes(await cluster.payment(wallet, receiver, SOL))
    first = (await cluster.rpc.send_raw_transaction(wire)).value
    assert (await cluster.rpc.send_raw_transaction(wire)).value == first
    cluster.settle()
    assert (await cluster.rpc.send_raw_transaction(wire, TxOpts(skip_preflight=True))).value == first
    with pytest.raises(RPCException, match="already been processed"):
        await cluster.rpc.send_raw_transaction(wire)
    assert await cluster.balance(receiver) == SOL


async def test_an_expired_blockhash_is_refused(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), SOL)
    cluster.clock.advance(seconds=61)
    with pytest.raises(RPCException, match="Blockhash not found"):
        await cluster.rpc.send_transaction(tx)


async def test_a_forged_signature_is_refused(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    wire = bytearray(bytes(await cluster.payment(wallet, Pubkey.new_unique(), SOL)))
    wire[5] ^= 1
    with pytest.raises(RPCException, match="SignatureFailure"):
        await cluster.rpc.send_raw_transaction(bytes(wire))


async def test_a_simulation_shows_the_accounts_and_changes_nothing(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    tx = await cluster.payment(wallet, receiver, SOL)
    result = (await cluster.rpc.simulate_transaction(tx)).value
    assert result.err is None
    assert result.units_consumed == 150
    wanted = {
        "encoding": "base64",
        "commitment": "confirmed",
        "accounts": {"addresses": [str(receiver)], "encoding": "base64"},
    }
    simulated = (await cluster.call("simulateTransaction", _base64(bytes(tx)), wanted))["result"]["value"]
    assert simulated["accounts"][0]["lamports"] == SOL
    cluster.settle()
    assert await cluster.balance(receiver) == 0
    cluster.clock.advance(seconds=61)
    assert (await cluster.rpc.simulate_transaction(tx)).value.err is not None
    renewed = await cluster.call("simulateTransaction", _base64(bytes(tx)), wanted | {"replaceRecentBlockhash": True})
    assert renewed["result"]["value"]["err"] is None


async def test_a_simulation_tells_why_a_transaction_would_fail(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), 99 * SOL)
    forged = VersionedTransaction.populate(tx.message, [Signature.default()])
    base = {"encoding": "base64", "commitment": "confirmed"}

    async def simulated(sent: VersionedTransaction, **options: Any) -> dict[str, Any]:
        return await cluster.call("simulateTransaction", _base64(bytes(sent)), base | options)

    unsigned = (await simulated(forged, innerInstructions=True))["result"]["value"]
    assert unsigned["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert (await simulated(forged, sigVerify=True))["result"]["value"]["err"] == "SignatureFailure"
    assert (await simulated(tx, sigVerify=True, replaceRecentBlockhash=True))["error"]["code"] == -32602
    assert (await simulated(tx, sigVerify="yes"))["error"]["code"] == -32602
    assert (await simulated(tx, accounts=["x"]))["error"]["code"] == -32602
    assert (await simulated(tx, accounts={"addresses": [], "encoding": "xml"}))["error"]["code"] == -32602


async def test_a_transaction_with_lookup_tables_is_refused(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    blockhash = (await cluster.rpc.get_latest_blockhash()).value.blockhash
    step = transfer(TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=receiver, lamports=SOL))
    table = AddressLookupTableAccount(Pubkey.new_unique(), [receiver])
    tx = VersionedTransaction(MessageV0.try_compile(wallet.pubkey(), [step], [table], blockhash), [wallet])
    with pytest.raises(RPCException, match="address table account"):
        await cluster.rpc.send_transaction(tx)
    assert (await cluster.rpc.simulate_transaction(tx)).value.err is not None
    await cluster.rpc.send_raw_transaction(bytes(tx), TxOpts(skip_preflight=True))
    cluster.settle()
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL


async def test_a_full_disk_is_an_internal_error_and_no_payment(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), SOL)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "save_landed", full)
        answer = await cluster.call(
            "sendTransaction", _base64(bytes(tx)), {"encoding": "base64", "skipPreflight": True}
        )
    assert answer["error"] == {"code": -32603, "message": "Internal error"}
    cluster.settle()
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL


async def test_a_legacy_transaction_is_as_good(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    blockhash = (await cluster.rpc.get_latest_blockhash()).value.blockhash
    step = transfer(TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=receiver, lamports=SOL))
    tx = Transaction.new_signed_with_payer([step], wallet.pubkey(), [wallet], blockhash)
    signature = (await cluster.rpc.send_raw_transaction(bytes(tx))).value
    cluster.settle()
    for encoding in ("json", "jsonParsed", "base58"):
        found = (await cluster.rpc.get_transaction(signature, encoding)).value
        assert found is not None


async def test_a_versioned_transaction_is_shown_only_to_who_supports_it(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    tx = await cluster.payment(wallet, Pubkey.new_unique(), SOL)
    signature = (await cluster.rpc.send_transaction(tx)).value
    assert (await cluster.rpc.get_transaction(signature, max_supported_transaction_version=0)).value is None
    cluster.settle()
    for encoding in ("json", "jsonParsed", "base58", "base64"):
        found = (await cluster.rpc.get_transaction(signature, encoding, max_supported_transaction_version=0)).value
        assert found is not None
        assert found.transaction.meta is not None
        assert found.transaction.meta.fee == 5_000
        assert found.transaction.meta.post_balances[0] == 9 * SOL - 5_000
    with pytest.raises(RPCException, match="not supported by the requesting client"):
        await cluster.rpc.get_transaction(signature)


async def test_a_wallets_history_comes_newest_first_and_in_pages(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    sent = []
    for lamports in (SOL, 2 * SOL, 3 * SOL):
        tx = await cluster.payment(wallet, Pubkey.new_unique(), lamports)
        sent.append((await cluster.rpc.send_transaction(tx)).value)
    cluster.settle()
    history = (await cluster.rpc.get_signatures_for_address(wallet.pubkey())).value
    assert [entry.signature for entry in history[:3]] == sent[::-1]
    page = await cluster.rpc.get_signatures_for_address(wallet.pubkey(), before=sent[2], until=sent[0])
    assert [entry.signature for entry in page.value] == [sent[1]]
    assert len((await cluster.rpc.get_signatures_for_address(wallet.pubkey(), limit=2)).value) == 2


async def test_tokens_are_found_by_owner_mint_and_program(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    sock, mint = await cluster.mint("SOCK"), Pubkey.from_string(USDC)
    for target in (USDC, sock):
        order = await cluster.order(WRAPPED_SOL, target, SOL, wallet)
        assert (await cluster.execute(order, signed(order, wallet)))["status"] == "Success"
    cluster.settle()
    rpc, owner = cluster.rpc, wallet.pubkey()
    by_mint = (await rpc.get_token_accounts_by_owner(owner, TokenAccountOpts(mint=mint))).value
    held = TokenAccount.from_bytes(by_mint[0].account.data)
    assert (held.owner, held.mint) == (owner, mint)
    every = TokenAccountOpts(program_id=TOKEN_PROGRAM)
    parsed = (await rpc.get_token_accounts_by_owner_json_parsed(owner, every)).value
    shown = [str(entry.account.data.parsed) for entry in parsed]
    assert [USDC in shown[0], sock in shown[1], len(shown)] == [True, True, 2]
    assert (await rpc.get_token_account_balance(by_mint[0].pubkey)).value.amount == str(held.amount)
    assert (await rpc.get_token_supply(mint)).value.decimals == 6
    both = (await rpc.get_multiple_accounts([by_mint[0].pubkey, Pubkey.new_unique()])).value
    assert both[0] is not None
    assert both[1] is None
    assert (await rpc.get_account_info_json_parsed(mint)).value is not None
    assert (await rpc.get_account_info(Pubkey.new_unique())).value is None


@pytest.mark.parametrize(
    ("method", "params", "code", "text"),
    [
        ("getNothing", [], -32601, "Method not found"),
        ("getBalance", [], -32602, "address is missing"),
        ("getBalance", ["nonsense"], -32602, "address is not an address"),
        ("getBalance", [USDC, {"commitment": "maybe"}], -32602, "commitment must be"),
        ("getBalance", [USDC, 7], -32602, "configuration must be an object"),
        ("requestAirdrop", [USDC, -1], -32602, "lamports must be an unsigned"),
        ("sendTransaction", ["AAAA", {"encoding": "base64"}], -32602, "transaction can't be decoded"),
        ("sendTransaction", ["0OIl"], -32602, "transaction can't be decoded"),
        ("getTransaction", ["short"], -32602, "signature is not a signature"),
        ("getSignatureStatuses", ["text"], -32602, "signatures must be a list"),
        ("getTokenAccountsByOwner", [USDC, {}], -32602, "either mint or programId"),
        ("getTokenAccountsByOwner", [USDC, {"mint": str(Pubkey.default())}], -32602, "could not find mint"),
        ("getAccountInfo", [USDC, {"dataSlice": 1}], -32602, "dataSlice must be an object"),
        ("isBlockhashValid", ["x"], -32602, "blockhash is not a blockhash"),
        ("getFeeForMessage", ["AAAA"], -32602, "message can't be decoded"),
        ("getMultipleAccounts", [[USDC] * 101], -32602, "at most 100"),
        ("getHealth", {"a": 1}, -32602, "params must be a list"),
        ("getTokenAccountBalance", [USDC], -32602, "not a token account"),
        ("getTokenSupply", [str(Pubkey.default())], -32602, "could not find mint"),
        ("getAccountInfo", [USDC, {"encoding": "xml"}], -32602, "encoding must be one of"),
        ("getMinimumBalanceForRentExemption", [2**63], -32602, "size must be at most"),
        ("getSignaturesForAddress", [USDC, {"limit": 0}], -32602, "limit must be between"),
    ],
)
async def test_a_wrong_call_is_refused_by_name(
    cluster: Cluster, method: str, params: Any, code: int, text: str
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    error = (await cluster.http.post("/", json=body)).json()["error"]
    assert error["code"] == code
    assert text in error["message"]


async def test_a_batch_is_answered_in_order_even_when_one_call_fails(cluster: Cluster) -> None:
    calls = [{"jsonrpc": "2.0", "id": name, "method": name} for name in ("getHealth", "getNothing", "getSlot")]
    answers = (await cluster.http.post("/", json=[*calls, 7])).json()
    assert [answer["id"] for answer in answers] == ["getHealth", "getNothing", "getSlot", None]
    assert ["result" in answer for answer in answers] == [True, False, True, False]


@pytest.mark.parametrize(("body", "code"), [(b"{", -32700), (b"[]", -32600), (b"7", -32600)])
async def test_what_is_no_call_is_told_so(cluster: Cluster, body: bytes, code: int) -> None:
    assert (await cluster.http.post("/", content=body, headers=JSON)).json()["error"]["code"] == code


async def test_an_airdrop_beyond_the_faucet_is_refused(cluster: Cluster) -> None:
    with pytest.raises((RPCException, SolanaRpcException)):
        await cluster.rpc.request_airdrop(Keypair().pubkey(), 2**63, Processed)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
