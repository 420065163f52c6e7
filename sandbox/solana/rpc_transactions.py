"""The JSON-RPC methods that send, try and look up transactions."""

from collections.abc import Callable, Mapping
from typing import Any

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from sandbox.solana import genesis, parsed, wire
from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.clock import BLOCKHASH_LIFE, Commitment
from sandbox.solana.journal import Landed
from sandbox.solana.params import InvalidParamsError, Params, RpcError, as_pubkey, as_signature, as_u64
from sandbox.solana.refusals import BAD_SIGNATURE, RefusedError
from sandbox.solana.rpc_accounts import ENCODINGS
from sandbox.solana.rpc_cluster import in_context

STATUS_CACHE_SLOTS = 300
"""How long a node knows a signature's status without searching its history."""

_ENCODINGS = ("json", "jsonParsed", "base58", "base64")
_PREFLIGHT_FAILED = -32002
_UNSUPPORTED_VERSION = -32015


def _decoded(params: Params) -> VersionedTransaction:
    encoding = params.config(1).encoding("base58", ("base58", "base64"))
    try:
        return wire.decode(params.text(0, "transaction"), encoding)
    except ValueError as error:
        raise InvalidParamsError(f"transaction can't be decoded from {encoding}: {error}") from error


def _send(chain: Chain, params: Params, delivery: Delivery) -> str:
    tx, config = _decoded(params), params.config(1)
    preflight = None if config.flag("skipPreflight") else config.commitment("preflightCommitment")
    return _submitted(lambda: chain.submit(tx, preflight, delivery))


def _request_airdrop(chain: Chain, params: Params, delivery: Delivery) -> str:
    receiver, lamports = params.pubkey(0, "address"), params.u64(1, "lamports")
    return _submitted(lambda: genesis.airdrop(chain, receiver, lamports, delivery))


def _submitted(submit: Callable[[], str]) -> str:
    try:
        return submit()
    except RefusedError as error:
        data = _outcome(error.err, error.logs, error.units)
        raise RpcError(_PREFLIGHT_FAILED, str(error), data) from error


def _outcome(err: Any, logs: list[str], units: int) -> dict[str, Any]:
    return {
        "err": err,
        "logs": logs,
        "accounts": None,
        "fee": None,
        "innerInstructions": None,
        "loadedAccountsDataSize": 0,
        "loadedAddresses": None,
        "preBalances": None,
        "postBalances": None,
        "preTokenBalances": None,
        "postTokenBalances": None,
        "replacementBlockhash": None,
        "returnData": None,
        "unitsConsumed": units,
    }


def _simulate(chain: Chain, params: Params) -> dict[str, Any]:
    tx, config = _decoded(params), params.config(1)
    commitment, replaces = config.commitment(), config.flag("replaceRecentBlockhash")
    wanted, encoding = _accounts_wanted(config.get("accounts"))
    if config.flag("sigVerify"):
        if replaces:
            raise InvalidParamsError("sigVerify may not be used with replaceRecentBlockhash")
        if not all(tx.verify_with_results()):
            return in_context(chain, commitment, _outcome(BAD_SIGNATURE, [], 0))
    height = chain.clock.height(commitment)
    if not replaces and chain.clock.last_valid_height(tx.message.recent_blockhash, height) is None:
        return in_context(chain, commitment, _outcome("BlockhashNotFound", [], 0))
    result = chain.simulate(tx)
    meta, err = parsed.outcome_of(result)
    outcome = _outcome(err, meta.logs(), meta.compute_units_consumed())
    if config.flag("innerInstructions"):
        outcome["innerInstructions"] = parsed.inner_instructions(meta)
    if wanted:
        after = {} if isinstance(result, FailedTransactionMetadata) else dict(result.post_accounts())
        shown = [after.get(address) or chain.account(address) for address in wanted]
        outcome["accounts"] = [
            account and parsed.account_view(account, encoding, chain.decimals_of) for account in shown
        ]
    if replaces:
        fresh = {"blockhash": str(chain.clock.blockhash(height)), "lastValidBlockHeight": height + BLOCKHASH_LIFE}
        outcome["replacementBlockhash"] = fresh
    return in_context(chain, commitment, outcome)


def _accounts_wanted(given: Any) -> tuple[list[Pubkey], str]:
    if given is None:
        return [], "base64"
    addresses = given.get("addresses") if isinstance(given, dict) else None
    if not isinstance(addresses, list):
        raise InvalidParamsError("accounts must be an object with a list of addresses")
    encoding = given.get("encoding") or "base64"
    if encoding not in ENCODINGS:
        raise InvalidParamsError(f"accounts.encoding must be one of {', '.join(ENCODINGS)}")
    return [as_pubkey(address, "accounts.addresses") for address in addresses], encoding


def _signature_statuses(chain: Chain, params: Params) -> dict[str, Any]:
    given, config = params.listed(0, "signatures", 256), params.config(1)
    signatures = [as_signature(signature, f"signatures[{index}]") for index, signature in enumerate(given)]
    oldest = 0 if config.flag("searchTransactionHistory") else chain.clock.slot() - STATUS_CACHE_SLOTS
    found = [chain.landed(signature, Commitment.PROCESSED) for signature in signatures]
    value = [None if landed is None or landed.slot < oldest else _status(chain, landed) for landed in found]
    return in_context(chain, Commitment.PROCESSED, value)


def _status(chain: Chain, landed: Landed) -> dict[str, Any]:
    settled = chain.clock.commitment_of(landed.slot)
    return {
        "slot": landed.slot,
        "confirmations": None if settled is Commitment.FINALIZED else chain.clock.slot() - landed.slot,
        "err": landed.meta["err"],
        "status": landed.meta["status"],
        "confirmationStatus": settled,
    }


def _signatures_for_address(chain: Chain, params: Params) -> list[dict[str, Any]]:
    address, config = params.pubkey(0, "address"), params.config(1)
    commitment = _settled(config.commitment())
    before, until = config.get("before"), config.get("until")
    limit = 1000 if config.get("limit") is None else as_u64(config.get("limit"), "limit")
    if not 1 <= limit <= 1000:
        raise InvalidParamsError("limit must be between 1 and 1000")
    found = chain.journal.mentions(
        address,
        slot=chain.clock.slot(commitment),
        now=chain.clock.now(),
        before=None if before is None else as_signature(before, "before"),
        until=None if until is None else as_signature(until, "until"),
        limit=limit,
    )
    return [
        {
            "signature": landed.signature,
            "slot": landed.slot,
            "err": landed.meta["err"],
            "memo": None,
            "blockTime": landed.time,
            "confirmationStatus": chain.clock.commitment_of(landed.slot),
        }
        for landed in found
    ]


def _transaction(chain: Chain, params: Params) -> dict[str, Any] | None:
    signature, config = params.signature(0, "signature"), params.config(1)
    encoding = config.encoding("json", _ENCODINGS)
    landed = chain.landed(signature, _settled(config.commitment()))
    if landed is None:
        return None
    view = parsed.transaction_view(landed, encoding)
    newest, version = config.get("maxSupportedTransactionVersion"), view["version"]
    if version != "legacy" and (newest is None or version > as_u64(newest, "maxSupportedTransactionVersion")):
        raise RpcError(
            _UNSUPPORTED_VERSION,
            f"Transaction version ({version}) is not supported by the requesting client. Please try the request again "
            f'with the following configuration parameter: "maxSupportedTransactionVersion": {version}',
        )
    if newest is None:
        del view["version"]
    return view


def _settled(commitment: Commitment) -> Commitment:
    if commitment is Commitment.PROCESSED:
        raise InvalidParamsError("commitment must be at least confirmed")
    return commitment


METHODS: Mapping[str, Callable[[Chain, Params], Any]] = {
    "simulateTransaction": _simulate,
    "getSignatureStatuses": _signature_statuses,
    "getSignaturesForAddress": _signatures_for_address,
    "getTransaction": _transaction,
}

DELIVERIES: Mapping[str, Callable[[Chain, Params, Delivery], Any]] = {
    "sendTransaction": _send,
    "requestAirdrop": _request_airdrop,
}
