"""Slots, block heights and blockhashes as functions of the wall clock, so that none of them has to be stored."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from solders.hash import Hash

FIRST_SLOT = 340_000_000
SLOTS_WITHOUT_BLOCK = 21_000_000
"""Skipped slots so far: a block's height is below its slot, and a client that mixes them up is found out."""

BLOCKHASH_LIFE = 150
"""Blocks for which a transaction may name a blockhash."""


class Commitment(StrEnum):
    """How settled the state is that a caller asks about."""

    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


SLOTS_BEHIND = {Commitment.PROCESSED: 0, Commitment.CONFIRMED: 1, Commitment.FINALIZED: 32}
"""How many slots after the newest one the state of each commitment is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A slot, the Unix time at which it began, and the length of the slots since, in seconds."""

    slot: int
    time: float
    slot_seconds: float


class SlotClock:
    """Tells the slot, height and blockhash of any moment; `now` gives Unix seconds."""

    def __init__(self, seed: bytes, origin: Origin, now: Callable[[], float], reached: int = 0) -> None:
        self._seed = seed
        self._origin = origin
        self._now = now
        self._newest = max(reached, origin.slot)

    def now(self) -> float:
        """Return the Unix time in seconds."""
        return self._now()

    def slot(self, commitment: Commitment = Commitment.PROCESSED) -> int:
        """Return the newest slot of this commitment; it never goes back, even when the wall clock does."""
        passed = int((self._now() - self._origin.time) / self._origin.slot_seconds)
        self._newest = max(self._newest, self._origin.slot + passed)
        return self._newest - SLOTS_BEHIND[commitment]

    def height(self, commitment: Commitment = Commitment.PROCESSED) -> int:
        """Return the height of the newest block of this commitment."""
        return self.slot(commitment) - SLOTS_WITHOUT_BLOCK

    def time_of(self, slot: int) -> int:
        """Return the Unix time at which a slot began, as far as the present length of slots tells."""
        return int(self._origin.time + (slot - self._origin.slot) * self._origin.slot_seconds)

    def commitment_of(self, slot: int) -> Commitment:
        """Return how settled a slot is by now."""
        behind = self.slot() - slot
        return max((c for c in Commitment if SLOTS_BEHIND[c] <= behind), key=SLOTS_BEHIND.__getitem__)

    def blockhash(self, height: int) -> Hash:
        """Return the blockhash of the block at this height."""
        return _blockhash(self._seed, height)

    def last_valid_height(self, blockhash: Hash, at_height: int) -> int | None:
        """Return the last height at which this blockhash may be used, or None when it is unknown or expired."""
        for height in range(at_height, at_height - BLOCKHASH_LIFE - 1, -1):
            if self.blockhash(height) == blockhash:
                return height + BLOCKHASH_LIFE
        return None


@functools.lru_cache(maxsize=4096)
def _blockhash(seed: bytes, height: int) -> Hash:
    return Hash(hashlib.sha256(seed + b"block" + height.to_bytes(8, "big")).digest())
