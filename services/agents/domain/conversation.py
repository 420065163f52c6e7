"""What was said in a conversation before a post that is answered, and by whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """A post of a conversation. `who` is what a model is told of its author: never a stranger's handle."""

    who: str
    text: str
    is_own: bool = False


CALLER = "your maker"
"""What a model is told of an operator who talks to a character to see how it does: nobody that it would know."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before, oldest first."""

    turns: tuple[Turn, ...] = ()
    is_external: bool = False
    """True when somebody speaks in it who is no character of this suite."""
    unread: str = ""
    """Why it could not be read; empty when it was, or there is none."""

    @property
    def heard(self) -> tuple[str, ...]:
        """What others have said."""
        return tuple(turn.text for turn in self.turns if not turn.is_own)
