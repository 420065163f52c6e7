"""What belongs to a wallet, in the accounts of a transaction before and after it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTable
from solders.message import Message, MessageAddressTableLookup, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token.state import TokenAccount, TokenAccountState
from solders.transaction_status import UiTransactionStatusMeta, UiTransactionTokenBalance
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from services.trading.domain.market import SOL

TOKEN_PROGRAMS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
"""The token program, and Token-2022, whose accounts begin with the same bytes."""

_TOKEN_ACCOUNT_BYTES = 165
_ACCOUNT_TYPE_AT, _ACCOUNT_TYPE = 165, 2
"""Where a Token-2022 account with extensions says what it is, and how it says that it is no mint."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What a transaction does to a wallet: gains by mint, spendable lamports after it, and powers given away."""

    gains: Mapping[str, int]
    lamports_left: int
    grants: tuple[str, ...]


def compare(
    owner: Pubkey, keys: Sequence[Pubkey], before: Sequence[Account | None], after: Sequence[Account | None]
) -> Estate:
    """Return what became of the wallet `owner` between two states of these accounts."""
    gains: Counter[str] = Counter()
    grants: list[str] = []
    lamports_left = 0
    for key, earlier, later in zip(keys, before, after, strict=True):
        if key == owner:
            lamports_left = later.lamports if later else 0
            gains[SOL] += lamports_left - (earlier.lamports if earlier else 0)
            if later is not None and (later.owner != SYSTEM_PROGRAM or later.data):
                grants.append("hand the wallet to a program")
            continue
        was, now = _held(owner, earlier), _held(owner, later)
        for held, account, sign in ((was, earlier, -1), (now, later, 1)):
            if held is not None and account is not None:
                gains[SOL] += sign * account.lamports
                # The lamports of a wrapped SOL account are its tokens: they count once.
                if str(held.mint) != SOL:
                    gains[str(held.mint)] += sign * held.amount
        if now is not None:
            grants += _granted(was, now)
    return Estate(gains, lamports_left, tuple(grants))


def gains(owner: str, keys: Sequence[Pubkey], meta: UiTransactionStatusMeta) -> dict[str, int]:
    """Return a wallet's gains by mint in a transaction that landed; `keys` are those in the transaction itself."""
    every = [str(key) for key in keys]
    if meta.loaded_addresses is not None:
        every += [str(key) for key in (*meta.loaded_addresses.writable, *meta.loaded_addresses.readonly)]
    total: Counter[str] = Counter()
    sides = (
        (-1, meta.pre_balances, meta.pre_token_balances or []),
        (1, meta.post_balances, meta.post_token_balances or []),
    )
    for sign, lamports, tokens in sides:
        total[SOL] += sign * lamports[every.index(owner)]
        for held in tokens:
            if str(held.owner) == owner:
                total[SOL] += sign * lamports[held.account_index]
                _add(total, held, sign)
    return dict(total)


def writable(message: Message | MessageV0 | MessageV1) -> list[Pubkey]:
    """Return the accounts named in a message itself that it may change: by its header, signers and others apart."""
    keys, header = message.account_keys, message.header
    signers = keys[: header.num_required_signatures - header.num_readonly_signed_accounts]
    others = keys[header.num_required_signatures : len(keys) - header.num_readonly_unsigned_accounts]
    return [*signers, *others]


def lookups(message: Message | MessageV0 | MessageV1) -> list[MessageAddressTableLookup]:
    """Return the address lookup tables that a message uses."""
    return list(message.address_table_lookups) if isinstance(message, MessageV0) else []


def looked_up(table: Account | None, indexes: bytes) -> list[Pubkey]:
    """Return these addresses of a lookup table. Raises LookupError when it isn't there, or is shorter."""
    if table is None:
        raise LookupError("no such lookup table")
    addresses = AddressLookupTable.deserialize(table.data).addresses
    return [addresses[index] for index in indexes]


def _add(total: Counter[str], held: UiTransactionTokenBalance, sign: int) -> None:
    if str(held.mint) != SOL:
        total[str(held.mint)] += sign * int(held.ui_token_amount.amount)


def _held(owner: Pubkey, account: Account | None) -> TokenAccount | None:
    """Return the token account in an account's data, when it belongs to this wallet."""
    if account is None or account.owner not in TOKEN_PROGRAMS or len(account.data) < _TOKEN_ACCOUNT_BYTES:
        return None
    if len(account.data) > _TOKEN_ACCOUNT_BYTES and account.data[_ACCOUNT_TYPE_AT] != _ACCOUNT_TYPE:
        return None
    held = TokenAccount.from_bytes(account.data[:_TOKEN_ACCOUNT_BYTES])
    return held if held.state != TokenAccountState.Uninitialized and held.owner == owner else None


def _granted(was: TokenAccount | None, now: TokenAccount) -> list[str]:
    """Return the powers over a token account that others have now and had not before."""
    found = []
    same_delegate = was is not None and was.delegate == now.delegate
    if now.delegate is not None and not (was and same_delegate and now.delegated_amount <= was.delegated_amount):
        found.append("let another account spend tokens")
    if now.close_authority is not None and (was is None or was.close_authority != now.close_authority):
        found.append("let another account close a token account")
    return found
