"""Slots, heights and blockhashes follow the wall clock alone."""

from sandbox.solana.clock import BLOCKHASH_LIFE, Commitment, Origin, SlotClock


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


def test_a_slot_takes_its_time_and_confirmation_lags_behind() -> None:
    wall = Wall()
    clock = SlotClock(b"seed", Origin(500, wall.time, 0.4), wall)
    wall.time += 40.1
    assert clock.slot() == 600
    assert clock.slot(Commitment.CONFIRMED) == 599
    assert clock.slot(Commitment.FINALIZED) == 568


def test_a_slot_settles_step_by_step() -> None:
    wall = Wall()
    clock = SlotClock(b"seed", Origin(500, wall.time, 1.0), wall)
    seen = []
    for seconds in (0, 1, 31, 32):
        wall.time = 1_000.0 + seconds
        seen.append(clock.commitment_of(500))
    assert seen == [Commitment.PROCESSED, Commitment.CONFIRMED, Commitment.CONFIRMED, Commitment.FINALIZED]


def test_time_never_goes_back_even_when_the_wall_clock_does() -> None:
    wall = Wall()
    clock = SlotClock(b"seed", Origin(500, wall.time, 1.0), wall, reached=700)
    wall.time -= 100
    assert clock.slot() == 700


def test_a_blockhash_lives_150_blocks_and_then_is_unknown() -> None:
    clock = SlotClock(b"seed", Origin(500, 0.0, 1.0), Wall())
    blockhash = clock.blockhash(1_000)
    assert clock.last_valid_height(blockhash, 1_000) == 1_000 + BLOCKHASH_LIFE
    assert clock.last_valid_height(blockhash, 1_150) == 1_150
    assert clock.last_valid_height(blockhash, 1_151) is None
    assert clock.last_valid_height(blockhash, 999) is None


def test_two_chains_have_different_blockhashes() -> None:
    one, other = (SlotClock(seed, Origin(0, 0.0, 1.0), Wall()) for seed in (b"one", b"other"))
    assert one.blockhash(7) != other.blockhash(7)
