"""What the guard is given, and what it says."""

from dataclasses import dataclass
from enum import StrEnum

from services.runtime.text.weight import TextLimit

_LONGEST = TextLimit(2_000)
"""As long as a text is judged at all."""


class Purpose(StrEnum):
    """What a text is for."""

    POST = "post"
    REPLY = "reply"
    TRADE_POST = "trade_post"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that a model wrote, whether it was cut, and the mean natural logarithm of its tokens' probabilities."""

    text: str
    is_cut: bool = False
    mean_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a text has to stand beside."""

    about: str = ""
    """The topic of a post, the post that a reply answers, or the trade in words."""
    memory: str = ""
    """What a reply has to bring in; empty when there is nothing."""
    own_posts: tuple[str, ...] = ()
    """What the character published lately, its replies included."""
    system: str = ""
    """The prompt's `system`, none of which may be read out."""
    conversation: tuple[str, ...] = ()
    """What others have said before in the conversation that a reply is part of, oldest first."""
    is_memory_trusted: bool = True
    """False when the memory holds what somebody else has said: it is brought in, and nothing is taken from it."""
    names: tuple[str, ...] = ()
    """What the other characters are called, but for the one that is answered."""
    symbols: tuple[str, ...] = ()
    """What the tokens on the market are called, as far as they are known."""
    limit: TextLimit = _LONGEST
    """How long the whole may be, by the network and by the persona."""
    prefix: str = ""
    """What is put in front of the text, and counts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text may be published, and every reason why not."""

    ok: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A candidate after its repairs, with its verdict and its score: higher is better."""

    text: str
    verdict: Verdict
    score: float
