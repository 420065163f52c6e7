"""How what happens between a character and somebody moves what it thinks of them.

Three sides, as the memory service keeps them: sentiment and trust of -1 to 1, familiarity of 0 to 1. Words of strangers
never earn trust, whatever they say and however often; they can lose it.
"""

from dataclasses import dataclass
from datetime import timedelta

HALF_LIFE = timedelta(days=60)
"""How long it takes, in the character's own time, until half of what has grown between two is gone."""

UPSET = -0.6
"""How friendly a text is at the most that has one of the character's stress triggers."""


@dataclass(frozen=True, slots=True)
class Rapport:
    """What a character thinks of somebody, or by how much that changes."""

    sentiment: float = 0.0
    familiarity: float = 0.0
    trust: float = 0.0

    def moved(self, change: "Rapport") -> "Rapport":
        """Return it after a change, within the ranges."""
        return Rapport(
            _clamp(self.sentiment + change.sentiment, -1),
            _clamp(self.familiarity + change.familiarity, 0),
            _clamp(self.trust + change.trust, -1),
        )

    def faded(self, usual: "Rapport", elapsed: timedelta) -> "Rapport":
        """Return what is left after `elapsed` of the character's own time, on its way to what it usually is."""
        left = 0.5 ** (max(elapsed, timedelta()) / HALF_LIFE)
        return Rapport(
            usual.sentiment + (self.sentiment - usual.sentiment) * left,
            usual.familiarity + (self.familiarity - usual.familiarity) * left,
            usual.trust + (self.trust - usual.trust) * left,
        )

    def change_to(self, other: "Rapport") -> "Rapport":
        """Return the change that makes this the other."""
        return Rapport(other.sentiment - self.sentiment, other.familiarity - self.familiarity, other.trust - self.trust)


STRANGER = Rapport()


def talked(tone: float, *, is_external: bool, number_today: int) -> Rapport:
    """Return how an exchange changes what a character thinks of who has said something in this tone, of -1 to 1.

    Each further exchange of a day counts half as much as the one before: together they move at most twice what the
    first can. Trust is lost three times as fast as it grows.
    """
    share: float = 0.5 ** (max(1, number_today) - 1)
    if is_external:
        return Rapport(0.03 * tone * share, 0.03 * share, min(0.0, 0.04 * tone) * share)
    trust = 0.005 + (0.02 if tone >= 0 else 0.06) * tone
    return Rapport((0.01 + 0.05 * tone) * share, 0.04 * share, trust * share)


def _clamp(value: float, least: float) -> float:
    return max(least, min(1.0, value))
