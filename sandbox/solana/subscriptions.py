"""JSON-RPC over WebSocket: subscriptions to signatures, slots and accounts.

What a subscription waits for is looked up again and again, a few times in each slot, until its connection ends.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.solana import rpc
from sandbox.solana.chain import Chain
from sandbox.solana.clock import SLOTS_BEHIND, Commitment
from sandbox.solana.node import Node
from sandbox.solana.params import InvalidParamsError, MethodNotFoundError, Params
from sandbox.solana.rpc_accounts import shown
from sandbox.solana.rpc_cluster import in_context

_LOOKS_PER_SLOT = 4
_MAX_SUBSCRIPTIONS = 1_000

Look = Callable[[Chain], Any]
"""Says what there is to be told now, or None."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a client wants to be told of."""

    notification: str
    look: Look
    is_told_once: bool = False


def _signature(_chain: Chain, params: Params) -> Subscription:
    signature, commitment = params.signature(0, "signature"), params.config(1).commitment()

    def look(chain: Chain) -> Any:
        landed = chain.landed(signature, commitment)
        return landed and in_context(chain, commitment, {"err": landed.meta["err"]})

    return Subscription("signatureNotification", look, is_told_once=True)


def _slot(chain: Chain, _params: Params) -> Subscription:
    told = chain.clock.slot()

    def look(chain: Chain) -> Any:
        nonlocal told
        before, told = told, chain.clock.slot()
        root = told - SLOTS_BEHIND[Commitment.FINALIZED]
        return None if told == before else {"slot": told, "parent": told - 1, "root": root}

    return Subscription("slotNotification", look)


def _account(chain: Chain, params: Params) -> Subscription:
    address, config = params.pubkey(0, "address"), params.config(1)
    commitment = config.commitment()

    def seen(chain: Chain) -> Any:
        return shown(chain, chain.account(address, commitment), config, "base58")

    told = seen(chain)

    def look(chain: Chain) -> Any:
        nonlocal told
        before, told = told, seen(chain)
        return None if told == before else in_context(chain, commitment, told)

    return Subscription("accountNotification", look)


_SUBSCRIBE: Mapping[str, Callable[[Chain, Params], Subscription]] = {
    "signatureSubscribe": _signature,
    "slotSubscribe": _slot,
    "accountSubscribe": _account,
}
_UNSUBSCRIBE = frozenset({"signatureUnsubscribe", "slotUnsubscribe", "accountUnsubscribe"})


def route(node: Node, slot_seconds: float) -> WebSocketRoute:
    """Return the route of the subscriptions."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await _Connection(node, socket, slot_seconds / _LOOKS_PER_SLOT).serve()

    return WebSocketRoute("/", endpoint)


class _Connection:
    """One client."""

    def __init__(self, node: Node, socket: WebSocket, pause: float) -> None:
        self._node = node
        self._socket = socket
        self._pause = pause
        self._numbers = itertools.count(1)
        self._subscriptions: dict[int, Subscription] = {}

    async def serve(self) -> None:
        """Answer and tell until the client goes."""
        telling = asyncio.create_task(self._tell())
        try:
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    await self._answer((await self._socket.receive_text()).encode())
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _answer(self, body: bytes) -> None:
        try:
            calls, is_batch = rpc.read(body)
        except rpc.UnreadableError as error:
            await self._socket.send_json(error.answer)
            return
        # What has no id wants no answer: clients keep a connection alive by such calls.
        wanted = [call for call in calls if not isinstance(call.raw, dict) or "id" in call.raw]
        answers = await self._node.run(lambda world: [self._carry_out(world.chain, call) for call in wanted])
        if answers:
            await self._socket.send_json(answers if is_batch else answers[0])

    def _carry_out(self, chain: Chain, call: rpc.Call) -> dict[str, Any]:
        return rpc.answered(call, lambda params: self._subscribe(chain, call.method, params))

    def _subscribe(self, chain: Chain, method: str, params: Params) -> Any:
        if method in _UNSUBSCRIBE:
            if self._subscriptions.pop(params.u64(0, "subscription"), None) is None:
                raise InvalidParamsError("Invalid subscription id.")
            return True
        if method not in _SUBSCRIBE:
            raise MethodNotFoundError
        if len(self._subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise InvalidParamsError(f"a connection has at most {_MAX_SUBSCRIPTIONS} subscriptions")
        number = next(self._numbers)
        self._subscriptions[number] = _SUBSCRIBE[method](chain, params)
        return number

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            if not self._subscriptions:
                continue
            for number, notification, news in await self._node.run(lambda world: self._news(world.chain)):
                params = {"result": news, "subscription": number}
                await self._socket.send_text(json.dumps({"jsonrpc": "2.0", "method": notification, "params": params}))

    def _news(self, chain: Chain) -> list[tuple[int, str, Any]]:
        found = []
        for number, subscription in list(self._subscriptions.items()):
            if (news := subscription.look(chain)) is not None:
                found.append((number, subscription.notification, news))
                if subscription.is_told_once:
                    del self._subscriptions[number]
        return found
