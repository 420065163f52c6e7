"""What a mint is: its program, its fee on transfers, and the powers over what holders have."""

from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey
from solders.token.state import Mint as MintState

from services.trading.adapters.solana.programs import TOKEN, TOKEN_2022, TOKEN_ACCOUNT_BYTES, TOKEN_PROGRAMS
from services.trading.domain.trade import Unsafe

_MINT_BYTES = 82
_TYPE_AT, _MINT_TYPE = 165, 1
_EXTENSIONS_AT = 166
_TRANSFER_FEE = 1
_FEES_AT, _FEE_BYTES = 72, 18
"""Where the present and the coming fee of a transfer stand in the extension: epoch, most, basis points."""

_HARMLESS = {
    _TRANSFER_FEE,
    10,  # interest, which is only shown
    18,  # where the metadata is
    19,  # the metadata
    20, 21, 22, 23,  # groups
    25,  # a factor, which is only shown
}  # fmt: skip
"""The extensions of a mint that give nobody power over what a holder has; whatever isn't known is not harmless."""

# A Token-2022 account has its type, and for each extension type, length and value: that it can't change its owner, and
# with a fee on transfers how much is withheld.
_OWN_ACCOUNT_BYTES = TOKEN_ACCOUNT_BYTES + 1 + 4
_WITHHELD_BYTES = 4 + 8
LARGEST_ACCOUNT_BYTES = _OWN_ACCOUNT_BYTES + _WITHHELD_BYTES
"""The size of the largest account of a mint with harmless extensions."""


@dataclass(frozen=True, slots=True)
class Mint:
    """A mint as it is on the chain."""

    address: Pubkey
    program: Pubkey
    decimals: int
    extensions: frozenset[int]
    fees: tuple[tuple[int, int], ...]
    """Basis points and the most in base units that a transfer withholds, now and from some epoch on."""

    @property
    def account_bytes(self) -> int:
        """The size of a wallet's own account for it, when it has harmless extensions only."""
        if self.program == TOKEN:
            return TOKEN_ACCOUNT_BYTES
        return _OWN_ACCOUNT_BYTES + (_WITHHELD_BYTES if _TRANSFER_FEE in self.extensions else 0)

    def check_bought(self) -> None:
        """Raise Unsafe when somebody else may take, freeze or move what is bought."""
        if dangerous := sorted(self.extensions - _HARMLESS):
            raise Unsafe(f"the mint {self.address} has extensions that give others power over its holders: {dangerous}")

    def after_fee(self, amount: int) -> int:
        """Return what arrives of a transfer, at the highest fee that is known."""
        return amount - max((min(limit, -(-amount * bps // 10_000)) for bps, limit in self.fees), default=0)


def read_mint(address: Pubkey, account: Account | None) -> Mint:
    """Return the mint in an account. Raises Unsafe when it is none."""
    if account is None or account.owner not in TOKEN_PROGRAMS or len(account.data) < _MINT_BYTES:
        raise Unsafe(f"{address} is not a mint")
    data = bytes(account.data)
    is_extended = account.owner == TOKEN_2022 and len(data) > _TYPE_AT
    if len(data) != _MINT_BYTES and not (is_extended and data[_TYPE_AT] == _MINT_TYPE):
        raise Unsafe(f"{address} is not a mint")
    state = MintState.from_bytes(data[:_MINT_BYTES])
    if not state.is_initialized:
        raise Unsafe(f"{address} is not a mint")
    found = _extensions(data[_EXTENSIONS_AT:]) if is_extended else {}
    return Mint(address, account.owner, state.decimals, frozenset(found), _fees(found.get(_TRANSFER_FEE, b"")))


def _extensions(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 4 <= len(data):
        kind, length = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        if kind == 0:
            break
        found[kind] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def _fees(data: bytes) -> tuple[tuple[int, int], ...]:
    starts = range(_FEES_AT, len(data) - _FEE_BYTES + 1, _FEE_BYTES)
    fees = (data[start : start + _FEE_BYTES] for start in starts)
    return tuple((int.from_bytes(fee[16:18], "little"), int.from_bytes(fee[8:16], "little")) for fee in fees)
