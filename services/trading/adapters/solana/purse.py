"""What is a wallet's in a swap: its lamports, and its own accounts for the mints of the swap.

Whatever else names the wallet, as owner, authority or otherwise, is neither counted nor touched.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey
from solders.token.state import TokenAccount, TokenAccountState

from services.trading.adapters.solana.mints import Mint
from services.trading.adapters.solana.programs import (
    PROGRAMS,
    SYSTEM,
    TOKEN,
    TOKEN_ACCOUNT_BYTES,
    TOKEN_PROGRAMS,
    WRAPPED_SOL,
    associated,
)
from services.trading.domain.market import SOL
from services.trading.domain.trade import Terms, Unsafe

Accounts = Mapping[Pubkey, Account | None]


@dataclass(frozen=True, slots=True)
class Purse:
    """The accounts of one wallet that one swap may move something out of, or into."""

    wallet: Pubkey
    terms: Terms
    input: Mint
    output: Mint

    @property
    def input_account(self) -> Pubkey:
        """The wallet's own account for what is given; for SOL the one that wraps it."""
        return associated(self.wallet, self.input.address, self.input.program)

    @property
    def output_account(self) -> Pubkey:
        """The wallet's own account for what is wanted; for SOL the one that wraps it."""
        return associated(self.wallet, self.output.address, self.output.program)

    @property
    def wrapped_account(self) -> Pubkey:
        """The wallet's own account for wrapped SOL."""
        return associated(self.wallet, WRAPPED_SOL, TOKEN)

    @property
    def mints(self) -> dict[Pubkey, str]:
        """The mints of the wallet's own accounts, by account."""
        return {
            self.wrapped_account: SOL,
            self.input_account: self.terms.input_mint,
            self.output_account: self.terms.output_mint,
        }

    @property
    def accounts(self) -> list[Pubkey]:
        """The wallet and its own accounts."""
        return [self.wallet, *self.mints]

    def looked_at(self, keys: Iterable[Pubkey], writable: Collection[Pubkey]) -> list[Pubkey]:
        """Return the wallet's accounts, and those of a transaction that may have to do with what else is its.

        Read-only ones too: what they say of the wallet, as a multisig does, may be what its signature opens.
        """
        mints = (self.input.address, self.output.address)
        others = (key for key in keys if key in writable or (key not in mints and key not in PROGRAMS))
        return list(dict.fromkeys([*self.accounts, *others]))

    def check_untouched(self, accounts: Accounts) -> None:
        """Raise Unsafe when one of these accounts is another one that names the wallet."""
        named = bytes(self.wallet)
        for key, account in accounts.items():
            if key not in self.accounts and account is not None and named in bytes(account.data):
                raise Unsafe(f"it has to do with {key}, which names the wallet")

    def holding(self, accounts: Accounts, account: Pubkey) -> int:
        """Return the tokens in one of the wallet's own accounts. Raises Unsafe when others have power over it."""
        held = self._held(account, accounts[account])
        return held.amount if held else 0

    def holdings(self, accounts: Accounts) -> dict[str, int]:
        """Return what the wallet has by mint, with the lamports of its own accounts under SOL.

        Raises Unsafe when others have power over one of these accounts.
        """
        wallet = accounts[self.wallet]
        if wallet is not None and (wallet.owner != SYSTEM or wallet.data):
            raise Unsafe("the wallet would belong to a program")
        found = {SOL: wallet.lamports if wallet else 0}
        for key, mint in self.mints.items():
            held, account = self._held(key, accounts[key]), accounts[key]
            # The lamports of a wrapped SOL account are its tokens: they count once.
            found[SOL] += account.lamports if account else 0
            if mint != SOL:
                found[mint] = held.amount if held else 0
        return found

    def _held(self, key: Pubkey, account: Account | None) -> TokenAccount | None:
        if account is None or (account.owner == SYSTEM and not account.data):
            return None
        held = own_account(self.wallet, key, account)
        if held is None or str(held.mint) != self.mints[key]:
            raise Unsafe(f"the wallet's account {key} for {self.mints[key]} is not the wallet's alone")
        return held


def own_account(wallet: Pubkey, key: Pubkey, account: Account) -> TokenAccount | None:
    """Return the token account that is a wallet's own: associated, usable, and in nobody else's power."""
    if account.owner not in TOKEN_PROGRAMS or len(account.data) < TOKEN_ACCOUNT_BYTES:
        return None
    held = TokenAccount.from_bytes(bytes(account.data)[:TOKEN_ACCOUNT_BYTES])
    is_own = (
        held.owner == wallet
        and held.state == TokenAccountState.Initialized
        and held.delegate is None
        and held.close_authority is None
        and key == associated(wallet, held.mint, account.owner)
    )
    return held if is_own else None
