"""Token prices as a pure function of a seed and the time: a geometric random walk with regimes.

The walk moves in blocks of six hours. A block's return follows from the seed and the block's number; within a block
a Brownian bridge halves the time until a step is shorter than two seconds. Any price can be asked for, in any order
and after any restart, and is always the same.
"""

import hashlib
import math
import struct
from enum import IntEnum

BLOCK_SECONDS = 6 * 3600.0
_BLOCKS_PER_REGIME = 4
_BRIDGE_DEPTH = 14
_PULL = 0.02
"""The share of its distance from the starting price that a walk loses in a block: no price goes to zero or the moon."""


class Regime(IntEnum):
    """The mood of a market for a day."""

    CALM = 0
    CLIMB = 1
    SLIDE = 2
    STORM = 3


_DRIFT = {Regime.CALM: 0.0, Regime.CLIMB: 0.4, Regime.SLIDE: -0.35, Regime.STORM: 0.0}
"""A block's mean return, in standard deviations."""

_LIVELINESS = {Regime.CALM: 0.5, Regime.CLIMB: 1.0, Regime.SLIDE: 1.0, Regime.STORM: 1.8}
"""What a regime multiplies the volatility and the volume by."""


class PriceWalk:
    """The price of one token over time, in US dollars, from `start` at the Unix time `origin`."""

    def __init__(self, seed: bytes, start: float, daily_volatility: float, origin: float) -> None:
        self._seed = hashlib.sha256(seed).digest()
        self._start = start
        self._block_volatility = daily_volatility * math.sqrt(BLOCK_SECONDS / 86_400)
        self._origin = origin
        # Log distances from the start at the boundaries of the blocks reached so far; each needs the one before it.
        self._boundaries = [0.0]

    def price(self, at: float) -> float:
        """Return the price at a Unix time; before the origin it is the starting price."""
        position = max(0.0, (at - self._origin) / BLOCK_SECONDS)
        block = int(position)
        while len(self._boundaries) <= block + 1:
            self._boundaries.append(self._next_boundary())
        left, right = self._boundaries[block], self._boundaries[block + 1]
        return self._start * math.exp(self._bridge(block, position - block, left, right))

    def liveliness(self, at: float) -> float:
        """Return by how much the market is livelier or duller than usual at a Unix time."""
        return _LIVELINESS[self._regime(int(max(0.0, at - self._origin) / BLOCK_SECONDS))]

    def chance(self, *what: int) -> float:
        """Return a number in (0, 1) that depends on the seed and on `what` only."""
        return self._uniforms(0, *what)[0]

    def _next_boundary(self) -> float:
        block = len(self._boundaries) - 1
        regime = self._regime(block)
        shock = _DRIFT[regime] + self._normal(1, block)
        return self._boundaries[block] * (1 - _PULL) + self._volatility(block) * shock

    def _bridge(self, block: int, fraction: float, left: float, right: float) -> float:
        deviation = self._volatility(block) / 2
        node = 1
        for _ in range(_BRIDGE_DEPTH):
            middle = (left + right) / 2 + deviation * self._normal(2, block, node)
            deviation /= math.sqrt(2)
            fraction *= 2
            if fraction < 1:
                right, node = middle, node * 2
            else:
                left, node, fraction = middle, node * 2 + 1, fraction - 1
        return left + (right - left) * fraction

    def _volatility(self, block: int) -> float:
        return self._block_volatility * _LIVELINESS[self._regime(block)]

    def _regime(self, block: int) -> Regime:
        return Regime(int(self._uniforms(3, block // _BLOCKS_PER_REGIME)[0] * len(Regime)))

    def _normal(self, *what: int) -> float:
        first, second = self._uniforms(*what)
        return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)

    def _uniforms(self, *what: int) -> tuple[float, float]:
        data = struct.pack(f"<{len(what)}q", *what)
        first, second = struct.unpack("<QQ", hashlib.blake2b(data, digest_size=16, key=self._seed).digest())
        # Of 64 random bits the upper 52 plus a half: never 0 and, unlike all 64, never rounded up to 1.
        return ((first >> 12) + 0.5) / 2**52, ((second >> 12) + 0.5) / 2**52
