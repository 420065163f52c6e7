"""Accounts and transactions in the shapes in which JSON-RPC shows them."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solders.account import Account
from solders.instruction import CompiledInstruction
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN_PROGRAM
from solders.token.state import Mint, TokenAccount, TokenAccountState
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import (
    FailedTransactionMetadata,
    SimulatedTransactionInfo,
    SimulateResult,
    TransactionMetadata,
    TransactionResult,
)

from sandbox.solana import base58, zstd
from sandbox.solana.instructions import MINT_BYTES, TOKEN_ACCOUNT_BYTES
from sandbox.solana.journal import Landed
from sandbox.solana.lookups import Named

TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
_MINT_KIND, _ACCOUNT_KIND = 1, 2
_COST_OF_ANY = 1_331
"""What a transaction counts for in a block beside its compute units: about as much as one that only pays somebody."""

AnyMessage = Message | MessageV0 | MessageV1
Accounts = Mapping[Pubkey, Account | None]
DecimalsOf = Callable[[Pubkey], int | None]


def token_account(account: Account | None) -> TokenAccount | None:
    """Return the token account in an account's data, or None when it is something else."""
    if account is None or _kind(account) != _ACCOUNT_KIND:
        return None
    held = TokenAccount.from_bytes(account.data[:TOKEN_ACCOUNT_BYTES])
    return None if held.state == TokenAccountState.Uninitialized else held


def mint(account: Account | None) -> Mint | None:
    """Return the mint in an account's data, or None when it is something else."""
    if account is None or _kind(account) != _MINT_KIND:
        return None
    return Mint.from_bytes(account.data[:MINT_BYTES])


def _kind(account: Account) -> int:
    """Return what kind of data a token program's account has, as Token-2022 numbers them; 0 for anything else."""
    size = len(account.data)
    if account.owner not in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM):
        return 0
    if account.owner == TOKEN_2022_PROGRAM and size > TOKEN_ACCOUNT_BYTES:
        return account.data[TOKEN_ACCOUNT_BYTES]
    return {MINT_BYTES: _MINT_KIND, TOKEN_ACCOUNT_BYTES: _ACCOUNT_KIND}.get(size, 0)


def token_amount(amount: int, decimals: int) -> dict[str, Any]:
    """Show an amount of base units."""
    digits = str(amount).zfill(decimals + 1)
    text = f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}".rstrip("0").rstrip(".")
    return {"amount": str(amount), "decimals": decimals, "uiAmount": amount / 10**decimals, "uiAmountString": text}


def account_view(
    account: Account, encoding: str, decimals_of: DecimalsOf, data_slice: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Show an account in one of the encodings; what jsonParsed can't parse comes in base64."""
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
        "space": len(account.data),
        "data": _account_data(account, encoding, decimals_of, data_slice),
    }


def _account_data(account: Account, encoding: str, decimals_of: DecimalsOf, data_slice: tuple[int, int] | None) -> Any:
    if encoding == "jsonParsed" and (parsed := _parsed_data(account, decimals_of)) is not None:
        return {"program": "spl-token", "parsed": parsed, "space": len(account.data)}
    data = account.data
    if data_slice is not None:
        offset, length = data_slice
        data = data[offset : offset + length]
    if encoding == "base58":
        return [base58.encode(data), "base58"]
    if encoding == "base64+zstd":
        return [base64.b64encode(zstd.frame(data)).decode(), encoding]
    return [base64.b64encode(data).decode(), "base64"]


def _parsed_data(account: Account, decimals_of: DecimalsOf) -> dict[str, Any] | None:
    if (held := token_account(account)) is not None:
        # Tokens whose mint was closed can't be shown as amounts.
        if (decimals := decimals_of(held.mint)) is None:
            return None
        info: dict[str, Any] = {
            "mint": str(held.mint),
            "owner": str(held.owner),
            "state": "frozen" if held.state == TokenAccountState.Frozen else "initialized",
            "isNative": held.is_native is not None,
            "tokenAmount": token_amount(held.amount, decimals),
        }
        if held.delegate is not None:
            amount = token_amount(held.delegated_amount, decimals)
            info |= {"delegate": str(held.delegate), "delegatedAmount": amount}
        if held.close_authority is not None:
            info["closeAuthority"] = str(held.close_authority)
        return {"type": "account", "info": info}
    if (minted := mint(account)) is not None:
        info = {
            "mintAuthority": None if minted.mint_authority is None else str(minted.mint_authority),
            "freezeAuthority": None if minted.freeze_authority is None else str(minted.freeze_authority),
            "supply": str(minted.supply),
            "decimals": minted.decimals,
            "isInitialized": minted.is_initialized,
        }
        return {"type": "mint", "info": info}
    return None


def outcome_of(result: TransactionResult | SimulateResult) -> tuple[TransactionMetadata, Any]:
    """Return what a transaction did, and its failure as JSON-RPC writes it: `{"InstructionError": [0, {"Custom": 1}]}`.

    The failure is None for a transaction that succeeded.
    """
    match result:
        case FailedTransactionMetadata():
            return result.meta(), json.loads(result.to_json())["err"]
        case SimulatedTransactionInfo():
            return result.meta(), None
        case _:
            return result, None


def inner_instructions(meta: TransactionMetadata) -> list[dict[str, Any]]:
    """Show the instructions that programs called themselves, by the index of the instruction that led to them."""
    return [
        {"index": index, "instructions": [_compiled(inner.instruction(), inner.stack_height()) for inner in called]}
        for index, called in enumerate(meta.inner_instructions())
        if called
    ]


def transaction_meta(
    named: Named,
    result: TransactionResult,
    before: Accounts,
    after: Accounts,
    decimals_of: DecimalsOf,
) -> dict[str, Any]:
    """Show what a transaction did: its fee, its logs, and the balances of every account it names."""
    meta, err = outcome_of(result)
    keys, units = named.keys, meta.compute_units_consumed()
    return {
        "err": err,
        "status": {"Ok": None} if err is None else {"Err": err},
        "fee": meta.fee(),
        "preBalances": [_lamports(before[key]) for key in keys],
        "postBalances": [_lamports(after[key]) for key in keys],
        "preTokenBalances": _token_balances(keys, before, decimals_of),
        "postTokenBalances": _token_balances(keys, after, decimals_of),
        "innerInstructions": inner_instructions(meta),
        "logMessages": meta.logs(),
        "rewards": [],
        "loadedAddresses": {"writable": _texts(named.writable), "readonly": _texts(named.readonly)},
        "computeUnitsConsumed": units,
        "costUnits": units + _COST_OF_ANY,
    }


def _texts(keys: Sequence[Pubkey]) -> list[str]:
    return [str(key) for key in keys]


def _lamports(account: Account | None) -> int:
    return 0 if account is None else account.lamports


def _token_balances(keys: Sequence[Pubkey], accounts: Accounts, decimals_of: DecimalsOf) -> list[dict[str, Any]]:
    return [
        {
            "accountIndex": index,
            "mint": str(held.mint),
            "owner": str(held.owner),
            "programId": str(account.owner),
            "uiTokenAmount": token_amount(held.amount, decimals),
        }
        for index, key in enumerate(keys)
        if (account := accounts[key]) is not None
        and (held := token_account(account)) is not None
        and (decimals := decimals_of(held.mint)) is not None
    ]


def transaction_view(landed: Landed, encoding: str) -> dict[str, Any]:
    """Show a landed transaction in `json`, `jsonParsed`, `base58` or `base64`.

    In jsonParsed the instructions carry their addresses, and their data unparsed, as for programs nobody knows.
    """
    tx = VersionedTransaction.from_bytes(landed.wire)
    meta = dict(landed.meta)
    loaded = meta["loadedAddresses"]
    keys = [*_texts(tx.message.account_keys), *loaded["writable"], *loaded["readonly"]]
    shown: Any
    if encoding == "base64":
        shown = [base64.b64encode(landed.wire).decode(), "base64"]
    elif encoding == "base58":
        shown = [base58.encode(landed.wire), "base58"]
    else:
        is_parsed = encoding == "jsonParsed"
        message = _resolved_message(tx.message, keys, loaded) if is_parsed else _plain_message(tx.message)
        shown = {"signatures": [str(signature) for signature in tx.signatures], "message": message}
    if encoding == "jsonParsed":
        del meta["loadedAddresses"]
        meta["innerInstructions"] = [
            {"index": group["index"], "instructions": [_resolved(ix, keys) for ix in group["instructions"]]}
            for group in meta["innerInstructions"]
        ]
    return {
        "slot": landed.slot,
        "blockTime": landed.time,
        "transactionIndex": 0,
        "transaction": shown,
        "meta": meta,
        "version": version_of(tx.message),
    }


def version_of(message: AnyMessage) -> int | str:
    """Return a transaction's version as JSON-RPC shows it."""
    match message:
        case MessageV0():
            return 0
        case MessageV1():
            return 1
        case _:
            return "legacy"


def _plain_message(message: AnyMessage) -> dict[str, Any]:
    header = message.header
    view: dict[str, Any] = {
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "accountKeys": _texts(message.account_keys),
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [_compiled(ix, None) for ix in message.instructions],
    }
    return view | _lookups(message)


def _resolved_message(message: AnyMessage, keys: Sequence[str], loaded: Mapping[str, Any]) -> dict[str, Any]:
    static, writable = len(message.account_keys), len(loaded["writable"])
    view: dict[str, Any] = {
        "accountKeys": [
            {
                "pubkey": key,
                "signer": index < static and message.is_signer(index),
                "writable": _is_writable(message, index) if index < static else index < static + writable,
                "source": "transaction" if index < static else "lookupTable",
            }
            for index, key in enumerate(keys)
        ],
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [_resolved(_compiled(ix, None), keys) for ix in message.instructions],
    }
    return view | _lookups(message)


def _lookups(message: AnyMessage) -> dict[str, Any]:
    if not isinstance(message, MessageV0):
        return {}
    shown = [
        {
            "accountKey": str(lookup.account_key),
            "writableIndexes": list(lookup.writable_indexes),
            "readonlyIndexes": list(lookup.readonly_indexes),
        }
        for lookup in message.address_table_lookups
    ]
    return {"addressTableLookups": shown}


def _is_writable(message: AnyMessage, index: int) -> bool:
    header = message.header
    if index < header.num_required_signatures:
        return index < header.num_required_signatures - header.num_readonly_signed_accounts
    return index < len(message.account_keys) - header.num_readonly_unsigned_accounts


def _compiled(ix: CompiledInstruction, stack_height: int | None) -> dict[str, Any]:
    return {
        "programIdIndex": ix.program_id_index,
        "accounts": list(ix.accounts),
        "data": base58.encode(bytes(ix.data)),
        "stackHeight": stack_height,
    }


def _resolved(ix: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        "programId": keys[ix["programIdIndex"]],
        "accounts": [keys[index] for index in ix["accounts"]],
        "data": ix["data"],
        "stackHeight": ix["stackHeight"],
    }
