"""What a node may say, and what is not believed, looked at or computed with."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from services.trading.adapters.solana import accounts, rpc
from services.trading.adapters.solana.chain import SolanaChain
from services.trading.adapters.solana.programs import TOKEN, associated
from services.trading.adapters.solana.rpc import CONFIRMED
from services.trading.domain.errors import OUTSIDE, ChainUnavailable
from services.trading.domain.market import SOL, Balance, Order, Pair, Quote
from services.trading.domain.trade import Terms, Unsafe

WALLET = str(Keypair().pubkey())
SYSTEM = "11111111111111111111111111111111"

Answer = Callable[[dict[str, Any]], Any]
Say = Callable[[Answer], rpc.Node]


@pytest.fixture
async def saying() -> AsyncIterator[Say]:
    clients: list[rpc.Node] = []

    def say(answer: Answer) -> rpc.Node:
        def respond(request: httpx2.Request) -> httpx2.Response:
            call = json.loads(request.content)
            said = answer(call)
            body = (
                said if isinstance(said, bytes) else json.dumps({"jsonrpc": "2.0", "id": call["id"], **said}).encode()
            )
            return httpx2.Response(200, content=body)

        client = httpx2.AsyncClient(transport=httpx2.MockTransport(respond))
        clients.append(rpc.Node("http://there.test/", client))
        return clients[-1]

    yield say
    for client in clients:
        await client.close()


async def ask_everything(client: rpc.Node) -> int:
    """Ask whatever can be asked, and return how much of it was refused, in the words of the domain."""
    chain = SolanaChain(client, 0)
    questions = (
        lambda: chain.lamports(WALLET),
        lambda: chain.spendable(WALLET, SOL),
        lambda: chain.decimals([SOL]),
        lambda: chain.balances(WALLET),
        lambda: chain.sighting(str(Signature.default())),
        lambda: chain.outcome(str(Signature.default()), WALLET),
        chain.tip,
    )
    refused = 0
    for question in questions:
        try:
            await question()
        except ChainUnavailable:
            refused += 1
    return refused


@pytest.mark.parametrize("more", [{}, {"data": None}, {"data": {}}, {"data": [1]}, {"data": "x"}])
async def test_every_error_of_a_node_is_told(saying: Say, more: dict[str, Any]) -> None:
    error = {"message": "no\u202e" * 1_000, **more}
    client = saying(lambda _call: {"error": error})
    for code in (-32000, *range(-32021, -32000), -32429, -32600, -32601, -32602, -32603, -32700, 1, 429):
        error["code"] = code
        with pytest.raises(OUTSIDE):
            await SolanaChain(client, 0).tip()
        with contextlib.suppress(*OUTSIDE):
            assert len(await SolanaChain(client, 0).send(b"")) < 300


@pytest.mark.parametrize(
    "result",
    [
        None,
        5,
        -1,
        2**64 - 1,
        2**70,
        1e300,
        "x",
        [],
        [None],
        {},
        {"context": {"slot": 1}, "value": 2**64 - 1},
        {"context": {"slot": 1}, "value": []},
        {"context": {"slot": 1}, "value": [None, 5]},
        {"context": {"slot": 1}, "value": [{"lamports": 1, "owner": "x", "data": ["", "base64"]}]},
        {"context": {"slot": 1}, "value": [{"pubkey": WALLET, "account": {"data": {"parsed": 1}}}]},
    ],
)
async def test_whatever_a_node_says_it_is_understood_or_unavailable(saying: Say, result: Any) -> None:
    await ask_everything(saying(lambda _call: {"result": result}))


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff", b"5", b"null", b'{"result":' * 100_000, b"{}"])
async def test_a_body_that_is_something_else_is_unavailable(saying: Say, body: bytes) -> None:
    assert await ask_everything(saying(lambda _call: body)) == 7


async def test_a_number_that_cannot_be_stored_is_no_answer(saying: Say) -> None:
    shown = {"epoch": 1, "slotIndex": 1, "slotsInEpoch": 1, "absoluteSlot": 2**64 - 1, "blockHeight": 1}
    with pytest.raises(ChainUnavailable):
        await SolanaChain(saying(lambda _call: {"result": shown}), 0).tip()


def accounts_of(size: int, asked: list[dict[str, Any]], *, executable: bool = False) -> Answer:
    """Answer that every account is of this size, of which only what is asked for is shown."""

    def answer(call: dict[str, Any]) -> Any:
        asked.append(call)
        keys, options = call["params"]
        data = base64.b64encode(bytes(min(size, options["dataSlice"]["length"]))).decode()
        account = {
            "lamports": 1,
            "owner": SYSTEM,
            "executable": executable,
            "rentEpoch": 0,
            "space": size,
            "data": [data, "base64"],
        }
        return {"result": {"context": {"slot": 5}, "value": [account] * len(keys)}}

    return answer


async def test_an_account_is_looked_at_only_when_it_is_no_larger_than_its_share(saying: Say) -> None:
    asked: list[dict[str, Any]] = []
    keys = [Keypair().pubkey() for _ in range(20)]
    found = await accounts.accounts(saying(accounts_of(500, asked)), keys, CONFIRMED, 0, 10_000)
    assert [len(account.data) for account in found if account] == [500] * 20
    with pytest.raises(Unsafe, match="too large"):
        await accounts.accounts(saying(accounts_of(10_000_000, asked)), keys, CONFIRMED, 0, 10_000)
    assert [call["params"][1]["dataSlice"] for call in asked] == [{"offset": 0, "length": 501}] * 2


async def test_of_a_program_only_the_beginning_is_looked_at(saying: Say) -> None:
    client = saying(accounts_of(10_000_000, [], executable=True))
    [found] = await accounts.accounts(client, [Keypair().pubkey()], CONFIRMED, 0, 100)
    assert found is not None
    assert len(found.data) == 101


async def test_what_a_node_that_is_behind_shows_is_not_believed(saying: Say) -> None:
    client, keys = saying(accounts_of(1, [])), [Keypair().pubkey()]
    assert len(await accounts.accounts(client, keys, CONFIRMED, 5)) == 1
    with pytest.raises(ChainUnavailable, match="latest trade is in 6"):
        await accounts.accounts(client, keys, CONFIRMED, 6)


async def test_of_many_accounts_a_hundred_are_asked_for_at_once(saying: Say) -> None:
    asked: list[dict[str, Any]] = []
    keys = [Keypair().pubkey() for _ in range(250)]
    found = await accounts.start_of_accounts(saying(accounts_of(10_000_000, asked)), keys, CONFIRMED, 8)
    assert [len(call["params"][0]) for call in asked] == [100, 100, 50]
    assert len(found) == 250


async def test_an_order_longer_than_a_transaction_is_not_read(saying: Say) -> None:
    quote = Quote(Pair(SOL, WALLET, 1), 1, 1, 50, Decimal(0))
    order = Order(quote, "", bytes(1_233), 0, 0)
    terms = Terms(WALLET, SOL, WALLET, 1, 1, 50, 0)
    with pytest.raises(Unsafe, match="too long"):
        await SolanaChain(saying(lambda _call: {}), 0).prepare(order, terms)


def test_a_panic_over_bytes_is_an_error_like_others() -> None:
    class PanicException(BaseException):
        """As a library in Rust raises it."""

    with pytest.raises(ValueError, match="panic"), rpc.without_panics():
        raise PanicException
    with pytest.raises(KeyboardInterrupt), rpc.without_panics():
        raise KeyboardInterrupt
    with rpc.without_panics():
        assert Pubkey.from_string(SOL)


async def test_an_account_and_a_mint_that_cannot_be_read_hide_no_other(saying: Say) -> None:
    owner, mints = Pubkey.from_string(WALLET), [Keypair().pubkey() for _ in range(3)]
    mint = bytes(44) + bytes([6, 1]) + bytes(36)

    def shown(data: bytes) -> dict[str, Any]:
        account = {"lamports": 1, "owner": str(TOKEN), "executable": False, "rentEpoch": 0, "space": len(data)}
        return account | {"data": [base64.b64encode(data).decode(), "base64"]}

    def held(mint: Pubkey) -> dict[str, Any]:
        data = bytes(mint) + bytes(owner) + (7).to_bytes(8, "little") + bytes(36) + b"\1" + bytes(56)
        return {"pubkey": str(associated(owner, mint, TOKEN)), "account": shown(data)}

    unreadable = {"pubkey": str(Keypair().pubkey()), "account": shown(b"\xff" * 170)}
    mine = [unreadable, *map(held, mints)]
    what_is_there = {str(mints[0]): shown(mint), str(mints[1]): shown(b"\xff" * 82), str(mints[2]): None}

    def answer(call: dict[str, Any]) -> Any:
        value: Any = 5
        if call["method"] == "getMultipleAccounts":
            value = [what_is_there[key] for key in call["params"][0]]
        elif call["method"] == "getTokenAccountsByOwner":
            value = mine if call["params"][1]["programId"] == str(TOKEN) else []
        return {"result": {"context": {"slot": 5}, "value": value}}

    balances = await SolanaChain(saying(answer), 0).balances(WALLET)
    assert balances == [Balance(SOL, 5, 9), Balance(str(mints[0]), 7, 6)]
