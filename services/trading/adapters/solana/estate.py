"""What a transaction that landed did to a wallet."""

from collections import Counter
from collections.abc import Sequence

from solders.pubkey import Pubkey
from solders.transaction_status import UiTransactionStatusMeta

from services.trading.adapters.answers import MOST_AMOUNT, whole
from services.trading.adapters.solana.programs import associated
from services.trading.domain.market import SOL


def gains(owner: Pubkey, keys: Sequence[Pubkey], meta: UiTransactionStatusMeta) -> dict[str, int]:
    """Return a wallet's gains by mint, in itself and its own accounts; `keys` are those in the transaction itself."""
    every = list(keys)
    if meta.loaded_addresses is not None:
        every += [*meta.loaded_addresses.writable, *meta.loaded_addresses.readonly]
    total: Counter[str] = Counter()
    sides = (
        (-1, meta.pre_balances, meta.pre_token_balances or []),
        (1, meta.post_balances, meta.post_token_balances or []),
    )
    for sign, lamports, tokens in sides:
        total[SOL] += sign * lamports[every.index(owner)]
        for held in tokens:
            if held.program_id and every[held.account_index] == associated(owner, held.mint, held.program_id):
                total[SOL] += sign * lamports[held.account_index]
                # The lamports of a wrapped SOL account are its tokens: they count once.
                if str(held.mint) != SOL:
                    total[str(held.mint)] += sign * whole(held.ui_token_amount.amount, MOST_AMOUNT)
    return dict(total)
