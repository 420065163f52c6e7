"""Addresses, decimals and what tokens are worth."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest

from services.trading.domain.market import SOL, Price, is_address, worth_in_lamports
from services.trading.wire import write_decimal


@pytest.mark.parametrize("text", [SOL, "1" * 32, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"])
def test_thirty_two_bytes_in_base58_are_an_address(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "SOL", "1" * 31, "1" * 33, "z" * 44, SOL[:-1] + "0", SOL + "1" * 10])
def test_everything_else_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_worth_is_exact_and_rounded_up() -> None:
    sol = Price(SOL, Decimal(150), 9, None)
    token = Price("mint", Decimal("0.000000003"), 5, None)
    assert worth_in_lamports(10**5, token, sol, ROUND_CEILING) == 1
    assert worth_in_lamports(10**5, token, sol, ROUND_FLOOR) == 0
    assert worth_in_lamports(15 * 10**18, Price("mint", Decimal(1), 6, None), sol, ROUND_CEILING) == 10**20


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (Decimal("1.500"), "1.5"),
        (Decimal("4.2E-7"), "0.00000042"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("150"), "150"),
    ],
)
def test_decimals_are_written_plainly(value: Decimal | None, text: str) -> None:
    assert write_decimal(value) == text
