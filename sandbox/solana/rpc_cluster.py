"""The JSON-RPC methods about the cluster: its health, its time and its fees."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.solana import wire
from sandbox.solana.chain import Chain
from sandbox.solana.clock import BLOCKHASH_LIFE, FIRST_SLOT, SLOTS_WITHOUT_BLOCK, Commitment
from sandbox.solana.params import InvalidParamsError, Params, RpcError

VERSION = "4.2.0"
_MAX_FEE_ACCOUNTS, _FEE_SLOTS = 128, 150
_EPOCH_SLOTS = 432_000
_MAX_BLOCKS = 500_000
_CLEANED_UP, _NOT_AVAILABLE = -32001, -32004
_MAX_ACCOUNT_BYTES = 10 * 1024 * 1024


def in_context(chain: Chain, commitment: Commitment, value: Any) -> dict[str, Any]:
    """Wrap an answer with the slot as of which it is true."""
    return {"context": {"apiVersion": VERSION, "slot": chain.clock.slot(commitment)}, "value": value}


def _health(_chain: Chain, _params: Params) -> str:
    return "ok"


def _version(_chain: Chain, _params: Params) -> dict[str, Any]:
    return {"solana-core": VERSION, "feature-set": 0}


def _genesis_hash(chain: Chain, _params: Params) -> str:
    return str(chain.genesis_hash)


def _slot(chain: Chain, params: Params) -> int:
    return chain.clock.slot(params.config(0).commitment())


def _block_height(chain: Chain, params: Params) -> int:
    return chain.clock.height(params.config(0).commitment())


def _epoch_info(chain: Chain, params: Params) -> dict[str, Any]:
    slot = chain.clock.slot(params.config(0).commitment())
    epoch, index = divmod(slot, _EPOCH_SLOTS)
    return {
        "absoluteSlot": slot,
        "blockHeight": slot - SLOTS_WITHOUT_BLOCK,
        "epoch": epoch,
        "slotIndex": index,
        "slotsInEpoch": _EPOCH_SLOTS,
        "transactionCount": chain.journal.count(slot),
    }


def _transaction_count(chain: Chain, params: Params) -> int:
    return chain.journal.count(chain.clock.slot(params.config(0).commitment()))


def _latest_blockhash(chain: Chain, params: Params) -> dict[str, Any]:
    commitment = params.config(0).commitment()
    # One reading of the clock, so that slot, hash and height belong together.
    slot = chain.clock.slot(commitment)
    height = slot - SLOTS_WITHOUT_BLOCK
    value = {"blockhash": str(chain.clock.blockhash(height)), "lastValidBlockHeight": height + BLOCKHASH_LIFE}
    return {"context": {"apiVersion": VERSION, "slot": slot}, "value": value}


def _is_blockhash_valid(chain: Chain, params: Params) -> dict[str, Any]:
    blockhash, commitment = params.blockhash(0, "blockhash"), params.config(1).commitment()
    valid = chain.clock.last_valid_height(blockhash, chain.clock.height(commitment)) is not None
    return in_context(chain, commitment, valid)


def _block_time(chain: Chain, params: Params) -> int:
    slot = params.u64(0, "slot")
    if slot < FIRST_SLOT:
        told = f"Block {slot} cleaned up, does not exist on node. First available block: {FIRST_SLOT}"
        raise RpcError(_CLEANED_UP, told)
    if slot > chain.clock.slot(Commitment.CONFIRMED):
        raise RpcError(_NOT_AVAILABLE, f"Block not available for slot {slot}")
    return chain.clock.time_of(slot)


def _blocks(chain: Chain, params: Params) -> list[int]:
    start, end = params.u64(0, "start slot"), params.optional_u64(1, "end slot")
    newest = chain.clock.slot(params.options().commitment())
    end = newest if end is None else min(end, newest)
    if end - start > _MAX_BLOCKS:
        raise InvalidParamsError(f"Slot range too large; max {_MAX_BLOCKS}")
    # Here each slot has its block.
    return list(range(max(start, FIRST_SLOT), end + 1))


def _rent(chain: Chain, params: Params) -> int:
    size = params.u64(0, "size")
    if size > _MAX_ACCOUNT_BYTES:
        raise InvalidParamsError(f"size must be at most {_MAX_ACCOUNT_BYTES} bytes")
    return chain.rent(size)


def _fee(chain: Chain, params: Params) -> dict[str, Any]:
    commitment = params.config(1).commitment()
    try:
        tx = wire.unsigned(params.text(0, "message"))
    except ValueError as error:
        raise InvalidParamsError(f"message can't be decoded from base64: {error}") from error
    alive = chain.clock.last_valid_height(tx.message.recent_blockhash, chain.clock.height(commitment))
    return in_context(chain, commitment, None if alive is None else chain.fee_of(tx))


def _prioritization_fees(chain: Chain, params: Params) -> list[dict[str, Any]]:
    if params.values_given:
        params.listed(0, "addresses", _MAX_FEE_ACCOUNTS)
    newest = chain.clock.slot()
    # Nobody competes for a block here: it takes what comes.
    return [{"slot": slot, "prioritizationFee": 0} for slot in range(newest - _FEE_SLOTS, newest)]


METHODS: Mapping[str, Callable[[Chain, Params], Any]] = {
    "getHealth": _health,
    "getVersion": _version,
    "getGenesisHash": _genesis_hash,
    "getSlot": _slot,
    "getBlockHeight": _block_height,
    "getEpochInfo": _epoch_info,
    "getTransactionCount": _transaction_count,
    "getLatestBlockhash": _latest_blockhash,
    "getBlockTime": _block_time,
    "getBlocks": _blocks,
    "isBlockhashValid": _is_blockhash_valid,
    "getMinimumBalanceForRentExemption": _rent,
    "getFeeForMessage": _fee,
    "getRecentPrioritizationFees": _prioritization_fees,
}
