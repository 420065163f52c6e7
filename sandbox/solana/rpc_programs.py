"""The JSON-RPC methods that go through all accounts of a program."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from sandbox.solana import base58, parsed
from sandbox.solana.chain import Chain
from sandbox.solana.params import InvalidParamsError, Params, as_u64
from sandbox.solana.rpc_accounts import shown
from sandbox.solana.rpc_cluster import in_context

_MAX_FILTERS, _MAX_LARGEST = 4, 20

Filter = Callable[[Account], bool]


def _program_accounts(chain: Chain, params: Params) -> Any:
    program, config = params.pubkey(0, "program"), params.config(1)
    commitment, filters = config.commitment(), _filters(config.get("filters"))
    value = [
        {"pubkey": str(address), "account": shown(chain, account, config, "base64")}
        for address, account in _in_order(chain.owned_by(program, commitment))
        if all(fits(account) for fits in filters)
    ]
    return in_context(chain, commitment, value) if config.flag("withContext") else value


def _largest_accounts(chain: Chain, params: Params) -> dict[str, Any]:
    address, commitment = params.pubkey(0, "mint"), params.config(1).commitment()
    account = chain.account(address, commitment)
    mint = parsed.mint(account)
    if account is None or mint is None:
        raise InvalidParamsError("could not find mint")
    held = [
        (token.amount, str(owned))
        for owned, shown_account in chain.owned_by(account.owner, commitment)
        if (token := parsed.token_account(shown_account)) is not None and token.mint == address
    ]
    largest = sorted(held, key=lambda row: (-row[0], row[1]))[:_MAX_LARGEST]
    value = [{"address": key, **parsed.token_amount(amount, mint.decimals)} for amount, key in largest]
    return in_context(chain, commitment, value)


def _filters(given: Any) -> list[Filter]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > _MAX_FILTERS:
        raise InvalidParamsError(f"filters must be a list of at most {_MAX_FILTERS}")
    return [_filter(one) for one in given]


def _filter(given: Any) -> Filter:
    match given:
        case {"dataSize": size}:
            length = as_u64(size, "filters.dataSize")
            return lambda account: len(account.data) == length
        case {"memcmp": {"offset": at, "bytes": text, **more}}:
            offset = as_u64(at, "filters.memcmp.offset")
            wanted = _bytes(text, more.get("encoding") or "base58")
            return lambda account: account.data[offset : offset + len(wanted)] == wanted
        case _:
            raise InvalidParamsError("each of filters must have dataSize, or memcmp with offset and bytes")


def _bytes(text: Any, encoding: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if encoding == "base64" else base58.decode(text)
    except (TypeError, ValueError) as error:
        raise InvalidParamsError(f"filters.memcmp.bytes can't be decoded: {error}") from error


def _in_order(accounts: Any) -> list[tuple[Pubkey, Account]]:
    return sorted(accounts, key=lambda pair: bytes(pair[0]))


METHODS: Mapping[str, Callable[[Chain, Params], Any]] = {
    "getProgramAccounts": _program_accounts,
    "getTokenLargestAccounts": _largest_accounts,
}
