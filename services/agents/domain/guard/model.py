"""What the guard is given, and what it says."""

import math
from dataclasses import dataclass
from enum import StrEnum

from services.agents.domain.records import Objection
from services.runtime.text.weight import TextLimit

_LONGEST = TextLimit(2_000)
"""As long as a text is judged at all."""


class Purpose(StrEnum):
    """What a text is for."""

    POST = "post"
    REPLY = "reply"
    TRADE_POST = "trade_post"


class Rule(StrEnum):
    """What a candidate was measured by; the log names it beside the words."""

    LENGTH = "LENGTH"
    SHAPE = "SHAPE"
    """A whole sentence, not too short, without signs that force an order of reading on others."""
    ROLE = "ROLE"
    """The character's own voice, and nothing of its prompt."""
    ENTITIES = "ENTITIES"
    """No link, mention or tag that code didn't put there."""
    STYLE = "STYLE"
    TASTE = "TASTE"
    """Avoided topics, harm, and advice on money."""
    NOVELTY = "NOVELTY"
    TRUTH = "TRUTH"
    """The memory that was to be brought in, and a trade as it was."""
    STRANGERS = "STRANGERS"
    """Nothing that is taken from a stranger."""
    SECRETS = "SECRETS"
    CUT = "CUT"
    """The model didn't come to its end."""
    WITHHELD = "WITHHELD"
    """The provider or the model gave no text."""
    SCREENING = "SCREENING"
    """A second model's judgement."""
    SAID_ELSEWHERE = "SAID_ELSEWHERE"
    """Another workflow of the character says the same."""
    CALLS_USED_UP = "CALLS_USED_UP"
    """The model could not be asked again."""


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
    """Every reason why a text may not be published; none when it may."""

    objections: tuple[Objection, ...] = ()

    @property
    def ok(self) -> bool:
        """True when it may be published."""
        return not self.objections

    @property
    def reasons(self) -> tuple[str, ...]:
        """The objections in words."""
        return tuple(objection.description for objection in self.objections)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A candidate after its repairs, with its verdict and its score: higher is better."""

    text: str
    verdict: Verdict
    score: float

    @property
    def is_ranked(self) -> bool:
        """False for what is so bad that it has no score."""
        return math.isfinite(self.score)
