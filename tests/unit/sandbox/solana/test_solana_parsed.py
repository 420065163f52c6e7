"""Amounts and data in the shapes of JSON-RPC."""

import pytest
from solders.account import Account
from solders.pubkey import Pubkey

from sandbox.solana.parsed import account_view, token_amount


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (0, 6, "0"),
        (1, 6, "0.000001"),
        (1_500_000, 6, "1.5"),
        (12, 0, "12"),
        (100, 2, "1"),
        (2**64 - 1, 0, str(2**64 - 1)),
    ],
)
def test_amounts_are_shown_exactly(amount: int, decimals: int, text: str) -> None:
    shown = token_amount(amount, decimals)
    assert (shown["amount"], shown["uiAmountString"]) == (str(amount), text)


def test_what_cannot_be_parsed_comes_in_base64_and_can_be_cut() -> None:
    account = Account(1, b"abcdef", Pubkey.new_unique(), False, 0)
    assert account_view(account, "jsonParsed", lambda _: 0)["data"] == ["YWJjZGVm", "base64"]
    assert account_view(account, "base64", lambda _: 0, (2, 3))["data"] == ["Y2Rl", "base64"]
    assert account_view(account, "base58", lambda _: 0, (99, 3))["data"] == ["", "base58"]
