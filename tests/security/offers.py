"""What the thief's aggregator offers: swaps with the thief as the other side, at the sandbox's prices."""

import base64
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from sandbox.solana.router import ROUTE_V2, ROUTER, VAULT, Call, with_calls
from tests.integration.trading.conftest import SOL
from tests.security.aggregator import Query
from tests.security.conftest import Scene
from tests.security.thief import create_own, move, pay, unsigned

_QUOTED = ("inputMint", "outputMint", "inAmount", "outAmount", "otherAmountThreshold", "slippageBps", "priceImpactPct")


@dataclass
class Deal:
    """A swap that is offered, open for changes: what is quoted, and what the transaction does."""

    scene: Scene
    query: Query
    quote: dict[str, Any]
    programs: dict[str, Pubkey]
    steps: list[Instruction] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    tables: list[Any] = field(default_factory=list)
    payer: Pubkey | None = None
    numbers: list[int] = field(default_factory=list)
    accounts: list[AccountMeta] = field(default_factory=list)
    program: Pubkey = ROUTER

    @property
    def given(self) -> int:
        return int(self.quote["inAmount"])

    @property
    def out(self) -> int:
        return int(self.quote["outAmount"])

    def own(self, owner: Pubkey, mint: str) -> Pubkey:
        return get_associated_token_address(owner, Pubkey.from_string(mint), self.programs[mint])

    def payment(self, mint: str, source: Pubkey, target: Pubkey, amount: int, *, wraps: bool = False) -> Instruction:
        """Return a payment between two wallets."""
        if mint == SOL and not wraps:
            return pay(source, target, amount)
        decimals = 9 if mint == SOL else 6
        accounts = self.own(source, mint), self.own(target, mint)
        return move(accounts[0], mint, accounts[1], source, amount, decimals, self.programs[mint])


Spoil = Callable[[Deal], Awaitable[None] | None]


async def deal(scene: Scene, query: Query, quoted: int | None = None) -> Deal:
    """Return a deal at the sandbox's price, or at one of the thief's own."""
    mints = (query["inputMint"], query["outputMint"])
    programs = {}
    for mint in (*mints, SOL):
        found = await scene.cluster.call("getAccountInfo", mint, {"encoding": "base64", "commitment": "processed"})
        programs[mint] = Pubkey.from_string(found["value"]["owner"])
    params: dict[str, str] = {
        name: query[name] for name in ("inputMint", "outputMint", "amount", "slippageBps") if name in query
    }
    if quoted is None:
        quote = (await scene.cluster.http.get("/jupiter/swap/v2/order", params=params)).json()
        quote = {name: quote[name] for name in _QUOTED}
    else:
        slippage = int(query.get("slippageBps", 50))
        least = quoted * (10_000 - slippage) // 10_000
        quote = {
            "inputMint": mints[0],
            "outputMint": mints[1],
            "inAmount": query["amount"],
            "outAmount": str(quoted),
            "otherAmountThreshold": str(least),
            "slippageBps": slippage,
            "priceImpactPct": "0",
        }
    return Deal(scene, query, quote, programs)


async def as_order(made: Deal, spoil: Spoil) -> dict[str, Any]:
    """Return a deal as a whole transaction, with the thief's signature."""
    scene, thief, query = made.scene, made.scene.thief, made.query
    if "taker" not in query:
        return made.quote
    source, target = query["inputMint"], query["outputMint"]
    made.steps = [
        set_compute_unit_limit(200_000),
        set_compute_unit_price(25_000),
        made.payment(source, scene.address, thief.address, made.given),
    ]
    if target != SOL:
        made.steps.append(create_own(scene.address, scene.address, target, made.programs[target]))
    made.steps.append(made.payment(target, thief.address, scene.address, made.out))
    if (changed := spoil(made)) is not None:
        await changed
    tx = unsigned(made.payer or scene.address, made.steps, await thief.blockhash(), made.tables)
    latest = await scene.cluster.call("getLatestBlockhash", {"commitment": "processed"})
    fees = {"signatureFeeLamports": 10_000, "prioritizationFeeLamports": 5_000, "rentFeeLamports": 0}
    return (
        fees
        | {
            "transaction": base64.b64encode(bytes(thief.signed(tx))).decode(),
            "requestId": "order_1",
            "lastValidBlockHeight": str(latest["value"]["lastValidBlockHeight"]),
        }
        | made.quote
    )


async def as_build(made: Deal, spoil: Spoil) -> dict[str, Any]:
    """Return a deal as an instruction of the router's program, which may use the wallet's signature."""
    scene, query = made.scene, made.query
    source, target = query["inputMint"], query["outputMint"]
    made.calls = [
        Call(made.payment(source, scene.address, VAULT, made.given, wraps=True)),
        Call(made.payment(target, VAULT, scene.address, made.out, wraps=True)),
    ]
    made.numbers = [made.given, made.out, int(made.quote["slippageBps"]), 0, 0]
    accounts = [
        scene.address, made.own(scene.address, source), made.own(scene.address, target), Pubkey.from_string(source),
        Pubkey.from_string(target), made.programs[source], made.programs[target], ROUTER, ROUTER, ROUTER,
    ]  # fmt: skip
    fixed = [AccountMeta(key, index == 0, index in (1, 2)) for index, key in enumerate(accounts)]
    made.accounts = fixed
    if (changed := spoil(made)) is not None:
        await changed
    step = with_calls(made.accounts, ROUTE_V2 + struct.pack("<QQHHH", *made.numbers), made.calls)
    shown = {
        "programId": str(made.program),
        "accounts": [
            {"pubkey": str(meta.pubkey), "isSigner": meta.is_signer, "isWritable": meta.is_writable}
            for meta in step.accounts
        ],
        "data": base64.b64encode(bytes(step.data)).decode(),
    }
    tables: dict[str, list[str]] = {str(table): [] for table in made.tables}
    return {"swapInstruction": shown, "addressesByLookupTableAddress": tables} | made.quote
