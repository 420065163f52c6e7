"""What agents did, or decided not to do, and why: as data. The words for people are made last, in `prose`.

Every record stands in the database as JSON by its name. A new field has a default; one that goes is skipped.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from services.agents.domain.mood import Mood
from services.agents.domain.occasions import Occasion, TopicChoice


class ActivityKind(StrEnum):
    """What an activity is."""

    LIFECYCLE = "lifecycle"
    POST = "post"
    REPLY = "reply"
    TRADE = "trade"
    PASS = "pass"  # noqa: S105 - the agent decided to do nothing
    FAILURE = "failure"
    MOOD = "mood"
    REFLECTION = "reflection"
    DRAFT = "draft"
    EVENT = "event"


class Trigger(StrEnum):
    """What an agent acted for."""

    UNKNOWN = "unknown"
    SCHEDULE = "schedule"
    REQUEST = "request"
    MENTION = "mention"
    TRADE = "trade"
    EVENT = "event"


class LifecycleChange(StrEnum):
    """What happened to an agent."""

    UNKNOWN = "unknown"
    CREATED = "created"
    STARTED = "started"
    STOPPED = "stopped"
    RECOVERED = "recovered"
    DELETED = "deleted"
    IMPORTED = "imported"


class PassReason(StrEnum):
    """Why an agent did nothing."""

    UNKNOWN = "unknown"
    """As version 0.1 logged it: in words alone."""
    STOPPED = "stopped"
    """It was stopped before it had begun."""
    STOPPED_BEFORE_SENDING = "stopped_before_sending"
    TOO_OLD = "too_old"
    """What it would have answered was written too long ago."""
    BY_CHANCE = "by_chance"
    """By the persona's reply_probability."""
    CONVERSATION_LIMIT = "conversation_limit"
    COUNTERPART_LIMIT = "counterpart_limit"
    """It has answered this one often enough today."""
    STRANGERS_LIMIT = "strangers_limit"
    """It has answered strangers often enough today."""
    CHARACTERS_LIMIT = "characters_limit"
    """It has answered other characters often enough today."""
    MODEL_CALLS_LIMIT = "model_calls_limit"
    """The model's calls for strangers are used up today."""
    NO_CANDIDATE = "no_candidate"
    """Nothing that the model wrote may be published."""
    SAID_ALREADY = "said_already"
    """It has said the same of late, or is saying it elsewhere."""
    HOLDS_KEY = "holds_key"
    """The text held the key of a wallet."""
    NETWORK_SHARE_USED_UP = "network_share_used_up"
    """The network's limit leaves no more replies."""
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    """It was imported, and may have answered this where it lived before."""
    HOLD = "hold"
    """No trade is worth making."""
    QUOTED_TOO_LOW = "quoted_too_low"
    """What the trade is quoted at is too far below its price."""
    NOT_ENOUGH = "not_enough"
    """Too little has happened to think about."""
    NO_CONCLUSION = "no_conclusion"
    """The model drew no conclusion that follows from what it was shown."""
    REJECTED = "rejected"
    """A person didn't want it."""
    EXPIRED = "expired"
    """Nobody approved it in time."""


class MemoryUse(StrEnum):
    """What became of a memory that was brought in."""

    TOLD = "told"
    """What was said tells of it, or what was concluded follows from it."""
    SHOWN = "shown"
    """It stood in the prompt."""
    WEIGHED = "weighed"
    """It moved the score of a token."""
    FOUND = "found"
    """It was found, and the model isn't shown such things."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory that was brought in; the relevance, 0 to 1, is None where nothing was searched for.

    `source` is where it comes from, by the memory service's provenance; empty where that wasn't kept.
    """

    memory_id: str
    text: str
    relevance: float | None = None
    source: str = ""
    use: MemoryUse = MemoryUse.TOLD


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a text may not be published: a rule of the guard, and that in words."""

    rule: str
    description: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that a model wrote, and what was thought of it; the score is None where it has none."""

    text: str
    score: float | None = None
    is_chosen: bool = False
    objections: tuple[Objection, ...] = ()


class CallPurpose(StrEnum):
    """What a model was called for."""

    WRITE = "write"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call of a model: what it was asked, how many texts came back that could be read, and what it took.

    A call that judges has no prompt of its own: that is the candidate.
    """

    purpose: CallPurpose
    provider: str
    model: str
    prompt_id: str = ""
    candidates: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    background_shown: bool = False
    """True when the model was shown the prompt's background, notes and conversation."""
    cost_usd: str = ""
    """US dollars, as a decimal string; empty where that isn't known."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How words came about: who wrote them, every candidate, and what it took, in all calls and by each.

    `objections` are those that hold for no candidate alone. `provider_note` says who writes in whose place.
    """

    provider: str = ""
    model: str = ""
    candidates: tuple[Judged, ...] = ()
    objections: tuple[Objection, ...] = ()
    prompt_id: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    provider_note: str = ""
    calls: tuple[ModelCall, ...] = ()

    @property
    def cost_usd(self) -> str:
        """US dollars that all calls cost, as a decimal string; empty where that isn't known of each."""
        costs = [call.cost_usd for call in self.calls]
        return f"{sum(map(Decimal, costs)):f}" if costs and all(costs) else ""

    def after(self, before: "Writing") -> "Writing":
        """Return both as one: this one came when nothing of the one before could be published."""
        return replace(
            self,
            candidates=(*before.candidates, *self.candidates),
            objections=(*before.objections, *self.objections),
            prompt_tokens=before.prompt_tokens + self.prompt_tokens,
            completion_tokens=before.completion_tokens + self.completion_tokens,
            calls=(*before.calls, *self.calls),
        )


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why: how the character felt, in one word, what it brought in, and how its words came about.

    `unread` is why the conversation before couldn't be read. `summary` and `words` are what version 0.1 logged.
    `considered` are the memories beside those that it tells of: what the model was shown, or a decision was made from.
    """

    mood: str = ""
    memories: tuple[Recalled, ...] = ()
    writing: Writing | None = None
    unread: str = ""
    is_edited: bool = False
    """True when a person changed the words."""
    summary: str = ""
    words: str = ""
    occasion: Occasion | None = None
    topic: TopicChoice | None = None
    considered: tuple[Recalled, ...] = ()


NO_GROUNDS = Grounds()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """An agent was created, started or stopped, or can do again what it couldn't: its `aim`."""

    change: LifecycleChange
    aim: str = ""
    cause: str = ""
    """What was over with the recovery, in words."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A settled swap; amounts are base units. `ordered` is how much was to be given, which the chain may differ from.

    `portion` says of a sale how much of the holding it was; `gain` is a fraction of what that had cost.
    """

    trade_id: str
    signature: str
    is_buy: bool
    mint: str
    symbol: str
    input_mint: str
    output_mint: str
    input_amount: int
    output_amount: int
    ordered: int = 0
    portion: str = ""
    gain: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A published post; the swap is the one that it tells of.

    `news_text` are the news of others that it is a remark on: to be shown, and nothing else.
    """

    text: str
    topic: str = ""
    post_id: str = ""
    network_post_id: str = ""
    addressed_handle: str = ""
    swap: Swap | None = None
    news_text: str = ""


@dataclass(frozen=True, slots=True)
class Replied:
    """A published reply. `mention_text` is somebody else's: to be shown, and nothing else."""

    text: str
    post_id: str = ""
    network_post_id: str = ""
    in_reply_to: str = ""
    conversation_id: str = ""
    to_handle: str = ""
    to_name: str = ""
    mention_text: str = ""


@dataclass(frozen=True, slots=True)
class Traded:
    """A settled trade: the scores, 0 to 1, by the tokens' symbols, and the reasons as the decision gave them."""

    swap: Swap
    scores: dict[str, float]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """Nothing was done. `about` is the topic, `whom` who would have been answered, `limit` what was reached.

    `details` are the reasons of a decision to hold, and `scores`, 0 to 1, those of the tokens by their symbols.
    """

    reason: PassReason
    about: str = ""
    whom: str = ""
    limit: int = 0
    details: tuple[str, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """An aim that wasn't reached: the refusing service's reason and words, and what that came from."""

    aim: str
    reason: str
    message: str = ""
    whom: str = ""
    cause: str = ""
    retry_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """An event reached an agent: what it heard, or what moved its mood, and that in one word before and after.

    Where it is external its text is a stranger's: to be shown, and nothing else.
    """

    event_id: str
    text: str = ""
    is_external: bool = False
    link: str = ""
    mood_before: str = ""
    mood_after: str = ""
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class MoodAdjusted:
    """The operator changed how an agent feels, perhaps with a reason."""

    before: Mood
    after: Mood
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Something that an agent concluded, where the lowest of what it was made from comes from, and its evidence by ids.

    With a counterpart it is a note of them.
    """

    text: str
    source: str
    counterpart: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reflected:
    """An agent drew conclusions, and remembers them under these ids, in the same order."""

    conclusions: tuple[Conclusion, ...]
    memory_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A proposal that waits for a person, and what it says."""

    draft_id: str
    words: str
    expire_time: datetime


Event: TypeAlias = (
    Lifecycle | Posted | Replied | Traded | Passed | Failed | MoodAdjusted | Reflected | Drafted | Noticed
)
"""What happened."""

_KINDS: dict[type, ActivityKind] = {
    Lifecycle: ActivityKind.LIFECYCLE,
    Posted: ActivityKind.POST,
    Replied: ActivityKind.REPLY,
    Traded: ActivityKind.TRADE,
    Passed: ActivityKind.PASS,
    Failed: ActivityKind.FAILURE,
    MoodAdjusted: ActivityKind.MOOD,
    Reflected: ActivityKind.REFLECTION,
    Drafted: ActivityKind.DRAFT,
    Noticed: ActivityKind.EVENT,
}


def kind_of(event: Event) -> ActivityKind:
    """Return what kind of activity an event makes."""
    return _KINDS[type(event)]


def effect_of(event: Event) -> tuple[str, str]:
    """Return the ids of what came of it, at the service that made it and on the network; empty when nothing did."""
    match event:
        case Posted() | Replied():
            return event.post_id, event.network_post_id
        case Traded(swap):
            return swap.trade_id, swap.signature
        case _:
            return "", ""
