"""What is rehearsed, and how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from puppetctl.characters.personas import PersonaFile
from puppetctl.rehearsal.isolation import LOCAL

Progress = Callable[[str], None]
"""Is told how far a rehearsal is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed: for so many days of the characters', or until each has posted so often."""

    title: str
    personas: Sequence[PersonaFile]
    neighbours: Sequence[PersonaFile]
    days: float | None
    """None: no time passes, and each is asked for posts, one after the other."""
    speed: float
    seed: int
    posts: int | None = None
    provider: str = LOCAL
    model: str = ""
    """The sandbox's; empty: as the environment says."""
    folder: Path | None = None
    """Where everything is kept; None for a temporary folder, of which nothing is left."""

    @property
    def is_alone(self) -> bool:
        """Whether nobody else writes: neighbours who are only spoken to don't."""
        return not self.neighbours or self.days is None

    @property
    def uses_sandbox_model(self) -> bool:
        """Whether the sandbox's model writes for anybody."""
        return self.provider == LOCAL or not self.is_alone
