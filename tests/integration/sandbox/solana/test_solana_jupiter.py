"""Jupiter's and Birdeye's APIs: orders, their execution to the base unit, prices and tokens."""

import base64
from typing import Any

import pytest
from solana.rpc.core import RPCException
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed
from tests.support.http import JSON

RENT = 2_039_280
FEES = 2 * 5_000 + 5_000


async def held(cluster: Cluster, wallet: Keypair, mint: str) -> int:
    account = get_associated_token_address(wallet.pubkey(), Pubkey.from_string(mint))
    return int((await cluster.rpc.get_token_account_balance(account)).value.amount)


async def test_a_swap_there_and_back_settles_to_the_base_unit(cluster: Cluster) -> None:
    wallet, sock = await cluster.wallet(), await cluster.mint("SOCK")
    bought = await cluster.order(WRAPPED_SOL, sock, SOL, wallet)
    result = await cluster.execute(bought, signed(bought, wallet))
    assert (result["status"], result["code"], result["totalInputAmount"]) == ("Success", 0, str(SOL))
    assert result["totalOutputAmount"] == bought["outAmount"]
    cluster.settle()
    assert await held(cluster, wallet, sock) == int(bought["outAmount"])
    left = 10 * SOL - SOL - RENT - FEES
    assert await cluster.balance(wallet.pubkey()) == left
    assert (bought["rentFeeLamports"], bought["signatureFeeLamports"] + bought["prioritizationFeeLamports"]) == (
        RENT,
        FEES,
    )

    sold = await cluster.order(sock, WRAPPED_SOL, int(bought["outAmount"]), wallet)
    assert (await cluster.execute(sold, signed(sold, wallet)))["status"] == "Success"
    cluster.settle()
    assert await held(cluster, wallet, sock) == 0
    assert await cluster.balance(wallet.pubkey()) == left + int(sold["outAmount"]) - FEES


async def test_the_chain_tells_what_a_swap_really_gave(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    tx = signed(order, wallet)
    await cluster.execute(order, tx)
    cluster.settle()
    found = (await cluster.rpc.get_transaction(tx.signatures[0], max_supported_transaction_version=0)).value
    assert found is not None
    meta = found.transaction.meta
    assert meta is not None
    assert meta.pre_balances[0] - meta.post_balances[0] == SOL + RENT + meta.fee
    mine = [b for b in meta.post_token_balances or [] if b.owner == wallet.pubkey()]
    assert [b.ui_token_amount.amount for b in mine] == [order["outAmount"]]
    assert not [b for b in meta.pre_token_balances or [] if b.owner == wallet.pubkey()]


async def test_a_token_is_swapped_for_a_token(cluster: Cluster) -> None:
    wallet, honk = await cluster.wallet(), await cluster.mint("HONK")
    first = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.execute(first, signed(first, wallet))
    second = await cluster.order(USDC, honk, int(first["outAmount"]), wallet)
    assert (await cluster.execute(second, signed(second, wallet)))["status"] == "Success"
    cluster.settle()
    assert await held(cluster, wallet, USDC) == 0
    assert await held(cluster, wallet, honk) == int(second["outAmount"])


async def test_an_order_can_be_sent_through_json_rpc_as_well(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    cluster.clock.advance(seconds=1)
    tx = signed(order, wallet)
    await cluster.rpc.send_raw_transaction(bytes(tx))
    again = await cluster.execute(order, tx)
    assert (again["status"], again["signature"]) == ("Success", str(tx.signatures[0]))
    cluster.settle()
    assert await held(cluster, wallet, USDC) == int(order["outAmount"])


async def test_executing_twice_swaps_once_and_reports_even_after_the_quote_expired(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    first = await cluster.execute(order, signed(order, wallet))
    cluster.clock.advance(seconds=90)
    assert await cluster.execute(order, signed(order, wallet)) == first
    assert await held(cluster, wallet, USDC) == int(order["outAmount"])


async def test_two_equal_orders_in_one_block_are_two_swaps(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    orders = [await cluster.order(WRAPPED_SOL, USDC, SOL, wallet) for _ in range(2)]
    for order in orders:
        await cluster.execute(order, signed(order, wallet))
    cluster.settle()
    assert await held(cluster, wallet, USDC) == sum(int(order["outAmount"]) for order in orders)


@pytest.mark.parametrize(("excluded", "code"), [("", -2003), ("jupiterz", -1)])
async def test_an_expired_quote_is_not_filled(cluster: Cluster, excluded: str, code: int) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet, excluded)
    cluster.clock.advance(seconds=31)
    assert (await cluster.execute(order, signed(order, wallet)))["code"] == code
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL


async def test_a_market_maker_pays_the_fee_and_signs_last(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet, "")
    assert (order["router"], order["swapType"], order["gasless"]) == ("jupiterz", "rfq", True)
    assert order["signatureFeePayer"] == order["maker"] != order["taker"]
    assert order["lastValidBlockHeight"] is None
    tx = signed(order, wallet)
    assert [bool(any(bytes(signature))) for signature in tx.signatures] == [False, True]
    with pytest.raises(RPCException, match="Failure"):
        await cluster.rpc.send_raw_transaction(bytes(tx))
    result = await cluster.execute(order, tx)
    assert (result["status"], result["error"]) == ("Success", "")
    cluster.settle()
    assert await held(cluster, wallet, USDC) == int(order["outAmount"])
    assert await cluster.balance(wallet.pubkey()) == 9 * SOL


async def test_who_has_tokens_and_hardly_any_sol_is_sponsored(cluster: Cluster) -> None:
    wallet = await cluster.wallet(1)
    order = await cluster.order(WRAPPED_SOL, USDC, SOL // 2, wallet)
    assert (order["router"], order["gasless"], order["signatureFeePayer"]) == ("metis", False, order["taker"])
    await cluster.execute(order, signed(order, wallet))
    cluster.settle()
    await drain(cluster, wallet)
    sponsored = await cluster.order(USDC, WRAPPED_SOL, 20 * 10**6, wallet)
    assert (sponsored["router"], sponsored["gasless"]) == ("metis", True)
    assert sponsored["signatureFeePayer"] != sponsored["taker"]
    assert (await cluster.execute(sponsored, signed(sponsored, wallet)))["status"] == "Success"
    cluster.settle()
    assert await cluster.balance(wallet.pubkey()) == int(sponsored["outAmount"])


async def test_routers_can_be_excluded_by_their_names(cluster: Cluster) -> None:
    query = {"inputMint": WRAPPED_SOL, "outputMint": USDC, "amount": str(SOL)}
    routers = {}
    for excluded in ("", "okx,dflow", "jupiterz", "jupiterz,metis", "iris"):
        answer = await cluster.http.get("/jupiter/swap/v2/order", params=query | {"excludeRouters": excluded})
        routers[excluded] = answer.json().get("router") or answer.status_code
    assert routers == {"": "jupiterz", "okx,dflow": "jupiterz", "jupiterz": "metis", "jupiterz,metis": 400, "iris": 400}


async def test_only_the_ordered_transaction_is_executed(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    other = await cluster.payment(wallet, Pubkey.new_unique(), 1)
    unsigned = VersionedTransaction.populate(signed(order, wallet).message, list(other.signatures) * 2)
    unknown = order | {"requestId": "who-is-that"}
    codes = [
        (await cluster.execute(order, other))["code"],
        (await cluster.execute(order, unsigned))["code"],
        (await cluster.execute(unknown, signed(order, wallet)))["code"],
    ]
    assert codes == [-3, -2, -1]
    body = {"signedTransaction": "nonsense", "requestId": order["requestId"]}
    assert (await cluster.http.post("/jupiter/swap/v2/execute", json=body)).json()["code"] == -2


async def test_money_spent_between_order_and_execution_fails_on_chain(cluster: Cluster) -> None:
    wallet = await cluster.wallet(3)
    order = await cluster.order(WRAPPED_SOL, USDC, 2 * SOL, wallet)
    await cluster.rpc.send_transaction(await cluster.payment(wallet, Pubkey.new_unique(), 2 * SOL))
    result = await cluster.execute(order, signed(order, wallet))
    assert (result["status"], result["code"]) == ("Failed", 1)
    assert result["signature"]
    cluster.settle()
    assert await cluster.balance(wallet.pubkey()) == 3 * SOL - 2 * SOL - 5_000 - FEES


@pytest.mark.parametrize("body", [b"", b"[]", b'{"requestId": "x"}', b'{"signedTransaction": "x"}'])
async def test_an_execution_needs_both_fields(cluster: Cluster, body: bytes) -> None:
    answer = await cluster.http.post("/jupiter/swap/v2/execute", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["code"] in (-4, -5)


async def test_without_a_taker_there_is_a_price_and_no_transaction(cluster: Cluster) -> None:
    query = {"inputMint": WRAPPED_SOL, "outputMint": USDC, "amount": str(SOL), "slippageBps": "100"}
    order = (await cluster.http.get("/jupiter/swap/v2/order", params=query)).json()
    assert order["transaction"] is None
    assert int(order["otherAmountThreshold"]) == int(order["outAmount"]) * 99 // 100
    assert (order["slippageBps"], order["swapMode"]) == (100, "ExactIn")


async def test_who_cannot_pay_gets_a_reason_instead_of_a_transaction(cluster: Cluster) -> None:
    poor, broke = await cluster.wallet(1), Keypair()
    short = await cluster.order(WRAPPED_SOL, USDC, SOL, poor)
    assert (short["transaction"], short["errorCode"], short["errorMessage"]) == ("", 1, "Insufficient funds")
    assert (await cluster.order(USDC, WRAPPED_SOL, 10**6, broke))["errorCode"] == 1
    order = await cluster.order(WRAPPED_SOL, USDC, SOL // 2, poor)
    await cluster.execute(order, signed(order, poor))
    cluster.settle()
    await drain(cluster, poor)
    gasless = await cluster.order(USDC, WRAPPED_SOL, 10**6, poor)
    assert (gasless["errorCode"], gasless["errorMessage"].startswith("Top up 0.")) == (3, True)


async def drain(cluster: Cluster, wallet: Keypair) -> None:
    everything = await cluster.balance(wallet.pubkey()) - 5_000
    await cluster.rpc.send_transaction(await cluster.payment(wallet, Pubkey.new_unique(), everything))
    cluster.settle()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"inputMint": ""}, "inputMint must be an address"),
        ({"outputMint": WRAPPED_SOL}, "are the same"),
        ({"amount": "0"}, "amount must be a whole number"),
        ({"amount": "1.5"}, "amount must be a whole number"),
        ({"amount": "1"}, "too small"),
        ({"taker": "me"}, "taker must be an address"),
        ({"slippageBps": "10001"}, "slippageBps must be a whole number"),
        ({"outputMint": str(Pubkey.default())}, "No routes found"),
    ],
)
async def test_a_wrong_order_is_refused_by_name(cluster: Cluster, change: dict[str, str], text: str) -> None:
    query = {"inputMint": WRAPPED_SOL, "outputMint": USDC, "amount": str(SOL)} | change
    answer = await cluster.http.get("/jupiter/swap/v2/order", params=query)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


async def test_prices_are_the_same_everywhere_and_what_is_unknown_is_left_out(cluster: Cluster) -> None:
    sock, unknown = await cluster.mint("SOCK"), str(Pubkey.new_unique())
    get = cluster.http.get
    prices = (await get("/jupiter/price/v3", params={"ids": f"{sock},{USDC},{unknown}"})).json()
    assert set(prices) == {sock, USDC}
    assert prices[USDC]["usdPrice"] == 1.0
    found = (await get("/jupiter/tokens/v2/search", params={"query": "sock"})).json()
    assert [token["id"] for token in found] == [sock]
    assert found[0]["usdPrice"] == prices[sock]["usdPrice"]
    assert found[0]["stats24h"]["priceChange"] == prices[sock]["priceChange24h"]
    bird = (await get("/birdeye/defi/price", params={"address": sock}, headers={"X-API-KEY": "any"})).json()
    assert (bird["success"], bird["data"]["value"]) == (True, prices[sock]["usdPrice"])
    many = (await get("/birdeye/defi/multi_price", params={"list_address": f"{USDC},{unknown}"})).json()
    assert (many["data"][USDC]["value"], many["data"][unknown]) == (1.0, None)


async def test_tokens_are_found_by_mint_tag_age_and_trend(cluster: Cluster) -> None:
    async def tokens(path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await cluster.http.get(f"/jupiter/tokens/v2/{path}", params=query)).json()
        return found

    assert [t["symbol"] for t in await tokens("search", query=f"{USDC},{WRAPPED_SOL}")] == ["SOL", "USDC"]
    assert all(t["isVerified"] for t in await tokens("tag", query="verified"))
    youngest = (await tokens("recent"))[0]
    assert (youngest["symbol"], youngest["audit"]["isSus"], youngest["isVerified"]) == ("FINE", True, False)
    for category in ("toptrending", "toptraded", "toporganicscore"):
        ranked = await tokens(f"{category}/24h", limit="3")
        assert len(ranked) == 3
        assert {t["symbol"] for t in ranked}.isdisjoint({"SOL", "USDC"})
    trending = (await cluster.http.get("/birdeye/defi/token_trending", params={"limit": "2", "offset": "1"})).json()
    assert [t["rank"] for t in trending["data"]["tokens"]] == [2, 3]


@pytest.mark.parametrize(
    "path",
    [
        "/jupiter/price/v3",
        "/jupiter/tokens/v2/search",
        "/jupiter/tokens/v2/tag?query=best",
        "/jupiter/tokens/v2/toptrending/1y",
        "/jupiter/tokens/v2/topfun/1h",
        "/jupiter/tokens/v2/toptraded/1h?limit=0",
        "/birdeye/defi/price",
        "/birdeye/defi/multi_price",
        "/birdeye/defi/token_trending?limit=21",
    ],
)
async def test_a_wrong_question_is_refused(cluster: Cluster, path: str) -> None:
    assert (await cluster.http.get(path)).status_code == 400


async def test_prices_move_with_the_clock(cluster: Cluster) -> None:
    async def price() -> float:
        answer = await cluster.http.get("/jupiter/price/v3", params={"ids": WRAPPED_SOL})
        return float(answer.json()[WRAPPED_SOL]["usdPrice"])

    before = await price()
    assert await price() == before
    cluster.clock.advance(minutes=10)
    assert await price() != before


async def test_a_swap_can_be_had_as_an_instruction(cluster: Cluster) -> None:
    """The taker makes the transaction, and the vault of the router's program gives what was quoted."""
    wallet, sock = await cluster.wallet(), await cluster.mint("SOCK")
    await cluster.execute(order := await cluster.order(WRAPPED_SOL, USDC, SOL, wallet), signed(order, wallet))
    query = {"inputMint": USDC, "outputMint": sock, "amount": "1000000", "taker": str(wallet.pubkey())}
    built = (await cluster.http.get("/jupiter/swap/v2/build", params={**query, "slippageBps": "100"})).json()
    assert (built["swapMode"], built["slippageBps"], built["inAmount"]) == ("ExactIn", 100, "1000000")
    steps = [step_of(shown) for shown in (*built["setupInstructions"], built["swapInstruction"])]
    blockhash = Hash.from_bytes(bytes(built["blockhashWithMetadata"]["blockhash"]))
    message = MessageV0.try_compile(wallet.pubkey(), steps, [], blockhash)
    sent = await cluster.rpc.send_raw_transaction(bytes(VersionedTransaction(message, [wallet])))
    cluster.settle()
    assert (await cluster.rpc.get_signature_statuses([sent.value])).value[0] is not None
    assert await held(cluster, wallet, sock) == int(built["outAmount"])


async def test_nobody_competes_for_a_block(cluster: Cluster) -> None:
    recent = (await cluster.rpc.get_recent_prioritization_fees([Pubkey.from_string(USDC)])).value
    assert {block.prioritization_fee for block in recent} == {0}


def step_of(shown: dict[str, Any]) -> Instruction:
    metas = [
        AccountMeta(Pubkey.from_string(account["pubkey"]), account["isSigner"], account["isWritable"])
        for account in shown["accounts"]
    ]
    return Instruction(Pubkey.from_string(shown["programId"]), base64.b64decode(shown["data"]), metas)
