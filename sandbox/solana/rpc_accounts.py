"""The JSON-RPC methods that read accounts, wallets and tokens."""

from collections.abc import Callable, Mapping
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from sandbox.solana import parsed
from sandbox.solana.chain import Chain
from sandbox.solana.params import Config, InvalidParamsError, Params, as_pubkey
from sandbox.solana.rpc_cluster import in_context

ENCODINGS = ("base58", "base64", "base64+zstd", "jsonParsed")
_MAX_BASE58_BYTES = 128
_MAX_ACCOUNTS = 100


def _balance(chain: Chain, params: Params) -> dict[str, Any]:
    address, commitment = params.pubkey(0, "address"), params.config(1).commitment()
    return in_context(chain, commitment, chain.balance(address, commitment))


def _account_info(chain: Chain, params: Params) -> dict[str, Any]:
    address, config = params.pubkey(0, "address"), params.config(1)
    commitment = config.commitment()
    account = chain.account(address, commitment)
    return in_context(chain, commitment, shown(chain, account, config, "base58"))


def _multiple_accounts(chain: Chain, params: Params) -> dict[str, Any]:
    given, config = params.listed(0, "addresses", _MAX_ACCOUNTS), params.config(1)
    commitment = config.commitment()
    addresses = [as_pubkey(address, f"addresses[{index}]") for index, address in enumerate(given)]
    value = [shown(chain, chain.account(address, commitment), config, "base64") for address in addresses]
    return in_context(chain, commitment, value)


def _token_accounts_by_owner(chain: Chain, params: Params) -> dict[str, Any]:
    owner, wanted, config = params.pubkey(0, "owner"), params.config(1), params.config(2)
    commitment = config.commitment()
    mint, program = wanted.get("mint"), wanted.get("programId")
    if (mint is None) == (program is None):
        raise InvalidParamsError("the filter must have either mint or programId")
    belongs: Callable[[Account], bool]
    if mint is not None:
        address = as_pubkey(mint, "mint")
        if parsed.mint(chain.account(address, commitment)) is None:
            raise InvalidParamsError("could not find mint")
        belongs = lambda account: _mint_of(account) == address  # noqa: E731
    else:
        program_id = as_pubkey(program, "programId")
        belongs = lambda account: account.owner == program_id  # noqa: E731
    value = [
        {"pubkey": str(address), "account": shown(chain, account, config, "base64")}
        for address, account in chain.token_accounts(owner, commitment)
        if belongs(account)
    ]
    return in_context(chain, commitment, value)


def _token_account_balance(chain: Chain, params: Params) -> dict[str, Any]:
    address, commitment = params.pubkey(0, "token account"), params.config(1).commitment()
    held = parsed.token_account(chain.account(address, commitment))
    if held is None:
        raise InvalidParamsError("could not find account, or it is not a token account")
    decimals = chain.decimals_of(held.mint)
    if decimals is None:
        raise InvalidParamsError("could not find mint")
    value = parsed.token_amount(held.amount, decimals)
    return in_context(chain, commitment, value)


def _token_supply(chain: Chain, params: Params) -> dict[str, Any]:
    address, commitment = params.pubkey(0, "mint"), params.config(1).commitment()
    mint = parsed.mint(chain.account(address, commitment))
    if mint is None:
        raise InvalidParamsError("could not find mint")
    return in_context(chain, commitment, parsed.token_amount(mint.supply, mint.decimals))


def _mint_of(account: Account) -> Pubkey | None:
    held = parsed.token_account(account)
    return None if held is None else held.mint


def shown(chain: Chain, account: Account | None, config: Config, default: str) -> dict[str, Any] | None:
    """Show an account as the options of a call ask for it; raises InvalidParamsError."""
    encoding, data_slice = config.encoding(default, ENCODINGS), config.data_slice()
    if account is None:
        return None
    if encoding == "base58" and data_slice is None and len(account.data) > _MAX_BASE58_BYTES:
        raise InvalidParamsError(f"base58 shows at most {_MAX_BASE58_BYTES} bytes of data: use base64 encoding")
    return parsed.account_view(account, encoding, chain.decimals_of, data_slice)


METHODS: Mapping[str, Callable[[Chain, Params], Any]] = {
    "getBalance": _balance,
    "getAccountInfo": _account_info,
    "getMultipleAccounts": _multiple_accounts,
    "getTokenAccountsByOwner": _token_accounts_by_owner,
    "getTokenAccountBalance": _token_account_balance,
    "getTokenSupply": _token_supply,
}
