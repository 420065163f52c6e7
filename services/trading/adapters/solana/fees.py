"""What a transaction costs: the signatures, the priority that it asks for, and what the chain charges now."""

from collections.abc import Sequence

SIGNATURE_LAMPORTS = 5_000
"""What the chain charges for each signature."""

MAX_UNITS = 1_400_000
"""The most compute units that a transaction may use."""

UNITS_PER_STEP = 200_000
"""What an instruction may use in a transaction that names no limit."""

_QUARTILES = 4


def priority_lamports(units: int, price: int) -> int:
    """Return what so many compute units cost at a price in millionths of a lamport, rounded up."""
    return -(-units * price // 1_000_000)


def going_price(recent: Sequence[int]) -> int:
    """Return the price of a unit that three quarters of the recent blocks took, in millionths of a lamport."""
    return sorted(recent)[(len(recent) * (_QUARTILES - 1)) // _QUARTILES] if recent else 0


def affordable(price: int, units: int, most_lamports: int) -> int:
    """Return the price, or the highest at which so many units cost no more than `most_lamports`."""
    return min(price, most_lamports * 1_000_000 // units)
