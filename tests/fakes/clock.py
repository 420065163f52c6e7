"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self, time: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self.time = time

    def now(self) -> datetime:
        """Return the time it stands at."""
        return self.time

    def advance(self, **delta: float) -> None:
        """Move on; the arguments are those of timedelta."""
        self.time += timedelta(**delta)
