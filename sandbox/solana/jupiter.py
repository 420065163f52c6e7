"""Jupiter's swap API, version 2: order and execute. Amounts are strings of base units, as Jupiter writes them."""

import base64
import json
import uuid
from typing import Any

from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.solana import builds, swaps, wire
from sandbox.solana.chain import Delivery
from sandbox.solana.clock import Commitment
from sandbox.solana.journal import Landed
from sandbox.solana.market import FEE_BPS, Quote, UnfillableError, UnknownTokenError
from sandbox.solana.node import Node, World
from sandbox.solana.router import VAULT
from sandbox.solana.swaps import Router
from sandbox.solana.web import BadRequestError, Query, address, get_route, whole

EXECUTE_PATH = "/jupiter/swap/v2/execute"
_DEFAULT_SLIPPAGE_BPS = 50

_UNKNOWN_ORDER, _BAD_TRANSACTION, _CHANGED_MESSAGE = -1, -2, -3
_NO_REQUEST_ID, _NO_TRANSACTION = -4, -5
_NOT_LANDED, _QUOTE_EXPIRED = -1000, -2003
_RFQ_NOT_LANDED = -2000
_INSUFFICIENT_FUNDS = 1
_BELOW_SPONSORED = 3
"""At the aggregator's routers; of the market makers' there the same number means another thing."""

_SWAP_TYPES = dict.fromkeys(Router, "aggregator") | {Router.JUPITERZ: "rfq"}


def routes(node: Node) -> list[Route]:
    """Return the routes of the swap API."""

    async def execute(request: Request) -> Response:
        try:
            given = json.loads(await request.body())
        except ValueError:
            given = None
        body = given if isinstance(given, dict) else {}
        request_id, signed = body.get("requestId"), body.get("signedTransaction")
        if not isinstance(request_id, str) or not request_id:
            return JSONResponse({"error": "requestId is missing", "code": _NO_REQUEST_ID}, status_code=400)
        if not isinstance(signed, str) or not signed:
            return JSONResponse({"error": "signedTransaction is missing", "code": _NO_TRANSACTION}, status_code=400)
        delivery = node.delivery(f"POST {EXECUTE_PATH}")
        return JSONResponse(await node.run(lambda world: execute_order(world, request_id, signed, delivery)))

    return [
        get_route(node, "/jupiter/swap/v2/build", build, lambda text: {"error": text}),
        get_route(node, "/jupiter/swap/v2/order", take_order, lambda text: {"error": text}),
        Route(EXECUTE_PATH, execute, methods=["POST"]),
    ]


def take_order(world: World, query: Query) -> dict[str, Any]:
    """Answer `GET /order`: a quote and, for a taker who can pay it, a transaction; raises BadRequestError."""
    now = world.chain.clock.now()
    taker = address(query, "taker") if query.get("taker") else None
    slippage = whole(query, "slippageBps", 0, 10_000, _DEFAULT_SLIPPAGE_BPS)
    quote, router = _quote(world, query, now), _router(query)
    view = _quote_view(quote, slippage) | {"router": router, "swapType": _SWAP_TYPES[router]}
    view |= {"mode": "manual" if {"slippageBps", "excludeRouters"} & set(query) else "ultra"}
    if taker is None:
        return view | {"taker": None, "transaction": None, "requestId": str(uuid.uuid4())}
    if taker == world.orders.maker:
        raise BadRequestError("taker is the market maker's wallet")
    is_rfq = router is Router.JUPITERZ
    payer = world.orders.maker if is_rfq or world.orders.is_sponsored(quote, taker) else taker
    view |= {"taker": str(taker), "rentFeeLamports": world.orders.rent_fee(quote.target, taker)}
    view |= {f"{fee}FeePayer": str(payer) for fee in ("signature", "prioritization", "rent")}
    view["gasless"] = payer != taker
    if refusal := _want(world, quote, taker, is_gasless=payer != taker):
        code, text = refusal
        return view | {
            "transaction": "",
            "requestId": str(uuid.uuid4()),
            "errorCode": code,
            "errorMessage": text,
            "error": text,
        }
    order, tx = world.orders.place(quote, taker, router, payer)
    view |= {"requestId": order.request_id, "transaction": base64.b64encode(bytes(tx)).decode()}
    if is_rfq:
        rfq = {"maker": str(world.orders.maker), "quoteId": order.request_id, "lastValidBlockHeight": None}
        return view | rfq | {"expireAt": str(int(now + swaps.QUOTE_SECONDS))}
    return view | {"lastValidBlockHeight": str(order.last_valid_height)}


def _router(query: Query) -> Router:
    """Return who makes the order: the market makers, whose price is the best, unless they are excluded."""
    excluded = [name for name in query.get("excludeRouters", "").split(",") if name]
    if unknown := set(excluded) - set(Router):
        raise BadRequestError(f"excludeRouters: unknown router {sorted(unknown)[0]}")
    for router in (Router.JUPITERZ, Router.METIS):
        if router not in excluded:
            return router
    raise BadRequestError("No routes found")


def _want(world: World, quote: Quote, taker: Pubkey, *, is_gasless: bool) -> tuple[int, str] | None:
    lacking, lamports = world.orders.shortage(quote, taker, is_gasless=is_gasless)
    if lacking:
        return _INSUFFICIENT_FUNDS, "Insufficient funds"
    return (_BELOW_SPONSORED, _top_up(lamports)) if lamports else None


def build(world: World, query: Query) -> dict[str, Any]:
    """Answer `GET /build`: a quote and the instructions of its swap; raises BadRequestError."""
    slippage = whole(query, "slippageBps", 0, 10_000, _DEFAULT_SLIPPAGE_BPS)
    taker = address(query, "taker")
    quote = _quote(world, query, world.chain.clock.now())
    if not world.builds or taker == VAULT or not builds.is_in_stock(world.chain, quote):
        raise BadRequestError("No routes found")
    shown = _quote_view(quote, slippage)
    kept = ("inputMint", "outputMint", "inAmount", "outAmount", "otherAmountThreshold", "swapMode", "slippageBps")
    view = {name: shown[name] for name in (*kept, "priceImpactPct", "routePlan")}
    return view | builds.built(world.chain, quote, taker, slippage)


def _quote(world: World, query: Query, now: float) -> Quote:
    source, target = address(query, "inputMint"), address(query, "outputMint")
    if source == target:
        raise BadRequestError("inputMint and outputMint are the same")
    amount = whole(query, "amount", 1, 2**64 - 1)
    try:
        return world.market.quote(world.market.token(source), world.market.token(target), amount, now)
    except (UnknownTokenError, UnfillableError) as error:
        raise BadRequestError(f"No routes found: {error}") from error


def _quote_view(quote: Quote, slippage: int) -> dict[str, Any]:
    mints = {"inputMint": str(quote.source.mint), "outputMint": str(quote.target.mint)}
    amounts = {"inAmount": str(quote.in_amount), "outAmount": str(quote.out_amount)}
    leg = mints | amounts | {"ammKey": str(quote.target.mint), "label": "Sandbox", "feeAmount": "0"}
    return {
        **mints,
        **amounts,
        "otherAmountThreshold": str(quote.out_amount * (10_000 - slippage) // 10_000),
        "swapMode": "ExactIn",
        "slippageBps": slippage,
        "priceImpact": quote.impact * 100,
        "priceImpactPct": f"{quote.impact:.12f}",
        "inUsdValue": quote.in_usd,
        "outUsdValue": quote.out_usd,
        "swapUsdValue": quote.in_usd,
        "routePlan": [{"swapInfo": leg, "percent": 100, "bps": 10_000}],
        "feeMint": str(quote.target.mint),
        "feeBps": FEE_BPS,
        "signatureFeeLamports": swaps.SIGNATURE_FEE,
        "prioritizationFeeLamports": swaps.PRIORITY_FEE,
        "rentFeeLamports": 0,
        "gasless": False,
        "totalTime": 0,
    }


def execute_order(world: World, request_id: str, signed: str, delivery: Delivery) -> dict[str, Any]:
    """Answer `POST /execute`; the same signed transaction again reports what became of it, and swaps only once."""
    found = world.orders.find(request_id)
    if found is None:
        return _failed(_UNKNOWN_ORDER, "Order not found: its requestId is unknown, or too old")
    order, is_fresh = found
    try:
        tx = wire.decode(signed, "base64")
    except ValueError as error:
        return _failed(_BAD_TRANSACTION, f"Invalid signed transaction: {error}")
    if to_bytes_versioned(tx.message).hex() != order.message:
        return _failed(_CHANGED_MESSAGE, "Invalid message bytes: this is not the ordered transaction")
    tx = world.orders.signed(tx)
    if not all(tx.verify_with_results()):
        return _failed(_BAD_TRANSACTION, "Invalid signed transaction: a signature is missing or wrong")
    signature = str(tx.signatures[0])
    landed = world.chain.journal.landed(signature)
    if landed is None:
        if not is_fresh and order.router == Router.JUPITERZ:
            return _failed(_QUOTE_EXPIRED, "Quote expired", signature)
        if not is_fresh:
            return _failed(_UNKNOWN_ORDER, "Order not found: it is too old", signature)
        world.chain.submit(tx, preflight=None, delivery=delivery)
        landed = world.chain.journal.landed(signature)
    if landed is None and not delivery.dropped:
        return _failed(_RFQ_NOT_LANDED if order.router == Router.JUPITERZ else _NOT_LANDED, "Failed to land", signature)
    if landed is not None and landed.meta["err"] is not None:
        return _failed_on_chain(landed)
    return {
        "status": "Success",
        "signature": signature,
        "slot": str(landed.slot if landed else world.chain.clock.slot(Commitment.PROCESSED)),
        "code": 0,
        "error": "",
        "inputAmountResult": str(order.in_amount),
        "outputAmountResult": str(order.out_amount),
        "totalInputAmount": str(order.in_amount),
        "totalOutputAmount": str(order.out_amount),
    }


def _failed(code: int, error: str, signature: str = "") -> dict[str, Any]:
    return {"status": "Failed", "signature": signature, "slot": "", "code": code, "error": error}


def _failed_on_chain(landed: Landed) -> dict[str, Any]:
    match landed.meta["err"]:
        case {"InstructionError": [_, {"Custom": code}]}:
            answer = _failed(code, f"Custom program error: {code:#x}", landed.signature)
        case err:
            answer = _failed(_NOT_LANDED, f"Transaction failed: {json.dumps(err)}", landed.signature)
    return answer | {"slot": str(landed.slot)}


def _top_up(lamports: int) -> str:
    return f"Top up {lamports / 1e9:.9f} SOL for gas"
