"""JSON-RPC 2.0: envelopes, batches and errors around the methods."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.solana import rpc_accounts, rpc_cluster, rpc_programs, rpc_transactions
from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.params import Config, InvalidParamsError, MethodNotFoundError, Params, RpcError, as_u64

METHODS: Mapping[str, Callable[[Chain, Params], Any]] = {
    **rpc_cluster.METHODS,
    **rpc_accounts.METHODS,
    **rpc_programs.METHODS,
    **rpc_transactions.METHODS,
}

DELIVERIES: Mapping[str, Callable[[Chain, Params, Delivery], Any]] = rpc_transactions.DELIVERIES
"""The methods that send a transaction, which may get lost or be seen late."""

MAX_BATCH = 100
_SLOT_NOT_REACHED = -32016
_logger = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """The body is no JSON-RPC; `answer` says so."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = _failure(None, code, message)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a request; `raw` is what came, of which `method` is the name, or empty."""

    raw: Any
    method: str


def read(body: bytes) -> tuple[list[Call], bool]:
    """Return the calls in a request's body, and whether they came as a batch; raises UnreadableError."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise UnreadableError(-32700, "Parse error") from error
    is_batch = isinstance(given, list)
    calls = given if is_batch else [given]
    if not calls or len(calls) > MAX_BATCH:
        raise UnreadableError(-32600, f"Invalid request: a batch has 1 to {MAX_BATCH} calls")
    return [Call(raw, _method_of(raw)) for raw in calls], is_batch


def name_of(body: bytes) -> str:
    """Return the method that a request calls; a batch goes by its first one, and what is unreadable by nothing."""
    try:
        return read(body)[0][0].method
    except UnreadableError:
        return ""


def answer(chain: Chain, call: Call, delivery: Delivery) -> dict[str, Any]:
    """Carry out one call, and return its envelope."""
    return answered(call, lambda params: _dispatch(chain, call.method, params, delivery))


def answered(call: Call, carry_out: Callable[[Params], Any]) -> dict[str, Any]:
    """Return the envelope around what comes of a call; no exception gets out."""
    if not call.method:
        return _failure(None, -32600, "Invalid request")
    call_id, params = call.raw.get("id"), call.raw.get("params") or []
    try:
        if not isinstance(params, list):
            raise InvalidParamsError("params must be a list")
        result = carry_out(Params(params))
    except RpcError as error:
        return _failure(call_id, error.code, error.message, error.data)
    except Exception:
        _logger.exception("%s failed", call.method)
        return _failure(call_id, -32603, "Internal error")
    return {"jsonrpc": "2.0", "result": result, "id": call_id}


def _dispatch(chain: Chain, name: str, params: Params, delivery: Delivery) -> Any:
    _check_slot(chain, params.options())
    if name in DELIVERIES:
        return DELIVERIES[name](chain, params, delivery)
    if name in METHODS:
        return METHODS[name](chain, params)
    raise MethodNotFoundError


def _check_slot(chain: Chain, options: Config) -> None:
    """Refuse to answer as of an earlier slot than the caller has seen elsewhere."""
    least = options.get("minContextSlot")
    if least is None:
        return
    name = "preflightCommitment" if options.get("preflightCommitment") else "commitment"
    slot = chain.clock.slot(options.commitment(name))
    if slot < as_u64(least, "minContextSlot"):
        raise RpcError(_SLOT_NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": slot})


def _method_of(raw: Any) -> str:
    method = raw.get("method") if isinstance(raw, dict) else None
    return method if isinstance(method, str) else ""


def _failure(call_id: Any, code: int, message: str, data: Any = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "error": error, "id": call_id}
