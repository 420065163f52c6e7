"""What the answers of nodes of today and of tomorrow are taken for."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, MessageV1
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from services.trading.adapters.http import BoundedTransport
from services.trading.adapters.solana import rpc
from services.trading.adapters.solana.chain import SolanaChain
from services.trading.domain.errors import AccessRefused, ChainRateLimited, ChainUnavailable
from services.trading.domain.market import SOL
from services.trading.domain.trade import Outcome, Sight, Sighting

KEY = Keypair()
WALLET = str(KEY.pubkey())
SIGNATURE = str(KEY.sign_message(b""))
META: dict[str, Any] = {
    "err": None,
    "status": {"Ok": None},
    "fee": 5_000,
    "preBalances": [1_000_000_000, 0, 1],
    "postBalances": [999_994_000, 1_000, 1],
    "innerInstructions": [],
    "logMessages": [],
    "preTokenBalances": [],
    "postTokenBalances": [],
    "rewards": [],
    "loadedAddresses": {"writable": [], "readonly": []},
    "computeUnitsConsumed": 150,
    "costUnits": 1_481,
}


class There:
    """A node that gives one answer for ever."""

    def __init__(self) -> None:
        self.nodes: list[rpc.Node] = []
        self.asked: list[bytes] = []

    def says(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> SolanaChain:
        def respond(request: httpx2.Request) -> httpx2.Response:
            self.asked.append(request.content)
            return httpx2.Response(status, json={"jsonrpc": "2.0", "id": 0, **body}, headers=headers)

        client = httpx2.AsyncClient(transport=BoundedTransport(httpx2.MockTransport(respond)))
        self.nodes.append(rpc.Node("http://there.test/?api-key=abc", client))
        return SolanaChain(self.nodes[-1], 0)


@pytest.fixture
async def there() -> AsyncIterator[There]:
    there = There()
    yield there
    for node in there.nodes:
        await node.close()


def landed(version: int = 0, **meta: Any) -> dict[str, Any]:
    """Show a payment of 1000 lamports that landed."""
    step = transfer(TransferParams(from_pubkey=KEY.pubkey(), to_pubkey=Keypair().pubkey(), lamports=1_000))
    kind: Any = MessageV1 if version else MessageV0
    message = kind.try_compile(KEY.pubkey(), [step], *([] if version else [[]]), Hash.new_unique())
    wire = bytes(VersionedTransaction(message, [KEY]))
    shown: dict[str, Any] = {
        "slot": 447_120_001,
        "blockTime": 1_790_000_000,
        "transactionIndex": 12,
        "version": version,
    }
    shown |= {"transaction": [base64.b64encode(wire).decode(), "base64"], "meta": META | meta}
    return {"result": shown}


@pytest.mark.parametrize("version", [0, 1])
async def test_what_a_transaction_of_each_version_did_is_read(there: There, version: int) -> None:
    outcome = await there.says(landed(version)).outcome(SIGNATURE, WALLET)
    assert outcome == Outcome(447_120_001, "", 5_000, {SOL: -6_000})
    assert b'"maxSupportedTransactionVersion":1' in there.asked[0]


@pytest.mark.parametrize(
    ("err", "told"),
    [
        ({"InstructionError": [3, {"Custom": 6001}]}, "InstructionError 3 Custom 6001"),
        ({"InstructionError": [3, "BorshIoError"]}, "InstructionError 3 BorshIoError"),
        ({"InstructionError": [3, {"BorshIoError": "Unknown"}]}, "InstructionError 3 BorshIoError Unknown"),
        ({"InsufficientFundsForRent": {"account_index": 2}}, "InsufficientFundsForRent account_index 2"),
        ("SomethingNew", "SomethingNew"),
        ({"SomethingNew": {"of": [1, None, "kind"]}}, "SomethingNew of 1  kind"),
        ({}, "an error without a name"),
        ("", "an error without a name"),
        (False, "False"),
        (0, "0"),
    ],
)
async def test_what_failed_on_the_chain_has_failed_whatever_the_name(there: There, err: Any, told: str) -> None:
    outcome = await there.says(landed(err=err, status={"Err": err})).outcome(SIGNATURE, WALLET)
    assert outcome == Outcome(447_120_001, told, 5_000, {SOL: -6_000})
    status = {"slot": 7, "confirmations": None, "err": err, "status": {"Err": err}, "confirmationStatus": "finalized"}
    chain = there.says({"result": {"context": {"slot": 9}, "value": [status]}})
    assert await chain.sighting(SIGNATURE) == Sight(Sighting.CONFIRMED, 9, 7, told)


async def test_an_error_nested_without_end_is_cut(there: There) -> None:
    err: Any = "deep"
    for _ in range(200):
        err = {"Nested": [err]}
    outcome = await there.says(landed(err=err)).outcome(SIGNATURE, WALLET)
    assert outcome is not None
    assert outcome.error.startswith("Nested Nested")


@pytest.mark.parametrize(
    ("status", "sighting"),
    [
        ({"confirmationStatus": "processed", "confirmations": 0}, Sighting.PENDING),
        ({"confirmationStatus": "confirmed", "confirmations": 1}, Sighting.CONFIRMED),
        ({"confirmationStatus": "finalized", "confirmations": None}, Sighting.CONFIRMED),
        ({"confirmations": 3}, Sighting.PENDING),
        ({"confirmations": None}, Sighting.CONFIRMED),
    ],
)
async def test_a_status_is_read_from_nodes_of_every_age(
    there: There, status: dict[str, Any], sighting: Sighting
) -> None:
    shown = {"context": {"slot": 9}, "value": [{"slot": 7, "err": None} | status]}
    assert await there.says({"result": shown}).sighting(SIGNATURE) == Sight(sighting, 9, 7, "")


@pytest.mark.parametrize("code", [-32000, -32005, -32016, *range(-32021, -32017), -32603, "x", None])
@pytest.mark.parametrize("status", [200, 400, 500, 503])
async def test_what_a_node_says_of_itself_is_an_outage(there: There, code: Any, status: int) -> None:
    chain = there.says({"error": {"code": code, "message": "not now"}}, status)
    for question in (
        lambda: chain.lamports(WALLET),
        lambda: chain.sighting(SIGNATURE),
        lambda: chain.outcome(SIGNATURE, WALLET),
        lambda: chain.send(b"x"),
    ):
        with pytest.raises(ChainUnavailable, match="not now"):
            await question()


async def test_a_body_with_a_bare_error_is_told(there: There) -> None:
    with pytest.raises(ChainUnavailable, match="upstream is down"):
        await there.says({"error": "upstream is down"}).lamports(WALLET)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            {"code": -32002, "message": "the trial run failed", "data": {"err": "BlockhashNotFound", "logs": []}},
            "the Solana node: the trial run failed: BlockhashNotFound",
        ),
        (
            {"code": -32002, "message": "the trial run failed", "data": {"err": "SignatureFailure"}},
            "the Solana node: the trial run failed: SignatureFailure",
        ),
        (
            {"code": -32002, "message": "failed", "data": {"err": {"InstructionError": [2, "NewName"]}}},
            "the Solana node: failed: InstructionError 2 NewName",
        ),
        ({"code": -32002, "message": "failed"}, "the Solana node: failed"),
        ({"code": -32002, "message": "failed", "data": "x"}, "the Solana node: failed"),
        ({"code": -32003, "message": "signature"}, "the Solana node: signature"),
        ({"code": -32602}, "the Solana node: it doesn't say why"),
    ],
)
async def test_what_a_node_says_of_a_transaction_is_told_and_proves_nothing(
    there: There, error: dict[str, Any], told: str
) -> None:
    assert await there.says({"error": error}).send(b"x") == told


async def test_a_rate_limit_is_one_in_whatever_way_it_is_told(there: There) -> None:
    with pytest.raises(ChainRateLimited) as limited:
        await there.says({"error": {"code": 429, "message": "many"}}, 429, {"retry-after": "10"}).lamports(WALLET)
    assert int(limited.value.retry_after) == 10
    for code in (-32429, 429):
        with pytest.raises(ChainRateLimited):
            await there.says({"error": {"code": code, "message": "too many"}}).send(b"x")


@pytest.mark.parametrize(("code", "status"), [(403, 403), (401, 401), (403, 200), (-32000, 403)])
async def test_a_node_that_serves_nobody_from_here_is_no_outage(there: There, code: int, status: int) -> None:
    chain = there.says({"error": {"code": code, "message": "forbidden"}}, status)
    for question in (lambda: chain.lamports(WALLET), lambda: chain.send(b"x")):
        with pytest.raises(AccessRefused, match="the Solana node refuses this caller"):
            await question()


async def test_the_largest_number_of_lamports_is_a_number(there: There) -> None:
    shown = {"context": {"slot": 1}, "value": 2**64 - 1}
    assert await there.says({"result": shown}).lamports(WALLET) == 2**64 - 1
