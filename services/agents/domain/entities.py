"""What the service stores: agents, their schedule, what they did, and how far they have read and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import JSON, BigInteger, DateTime, Field, Integer, SQLModel, UniqueConstraint

from services.agents.domain.mood import Mood, TradingMood
from services.agents.domain.records import (
    NO_GROUNDS,
    ActivityKind,
    Drafted,
    Event,
    Failed,
    Grounds,
    Lifecycle,
    MoodAdjusted,
    Noticed,
    Passed,
    Posted,
    Reflected,
    Replied,
    Traded,
    Trigger,
)
from services.agents.domain.tasks import TASKS, Task
from services.runtime import errors
from services.runtime.columns import TypedColumn, text_of

EVENT = TypedColumn(
    {
        "lifecycle": Lifecycle,
        "posted": Posted,
        "replied": Replied,
        "traded": Traded,
        "passed": Passed,
        "failed": Failed,
        "mood_adjusted": MoodAdjusted,
        "reflected": Reflected,
        "noticed": Noticed,
        "drafted": Drafted,
    }
)
GROUNDS = TypedColumn({"grounds": Grounds})
TASK = TypedColumn(TASKS)


_LONGEST_WAIT, _LONGEST_TOLD_WAIT = timedelta(hours=1), timedelta(hours=6)


class AgentRecord(SQLModel, table=True):
    """A character. Its persona is stored redacted: its secrets are with the services that own them."""

    __tablename__ = "agent"

    id: str = Field(primary_key=True)
    name: str
    description: str
    is_active: bool
    persona: dict[str, Any] = Field(sa_type=JSON)
    account_id: str = ""
    handle: str = Field(default="", index=True)
    """What it is called on the network, to address it by; empty while that isn't known."""
    handle_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When it was called so, as far as is known."""
    network_user_id: str = ""
    """Its id on the network, which stays when the handle changes; empty until it is known."""
    wallet_id: str = ""
    valence: float
    arousal: float
    dominance: float
    mood_time: datetime = Field(sa_type=DateTime(timezone=True))
    trading_valence: float | None = None
    trading_arousal: float | None = None
    trading_dominance: float | None = None
    trading_mood_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    start_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    stop_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When it was stopped; None while it runs, and of one that was never started."""
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 0
    persona_version: int = 1
    """Which of its personas this is, counted from 1."""
    delete_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When its deletion was asked for; None while it lives."""
    keeps_wallet: bool = False
    """Whether its wallet stays when it is deleted."""
    import_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When it was imported here; None when it was created here."""

    @property
    def etag(self) -> str:
        """Names this state of the agent; a change of mood alone doesn't change it."""
        return str(self.version)

    @property
    def mood(self) -> Mood:
        """How it felt at `mood_time`."""
        return Mood(self.valence, self.arousal, self.dominance)

    def put_mood(self, mood: Mood, now: datetime) -> None:
        """Set how it feels now."""
        self.valence, self.arousal, self.dominance = mood.valence, mood.arousal, mood.dominance
        self.mood_time = now

    @property
    def trading_mood(self) -> tuple[TradingMood, datetime] | None:
        """The mood that its trades read, and when that was; None when no trade has moved it yet."""
        valence, arousal, dominance = self.trading_valence, self.trading_arousal, self.trading_dominance
        if valence is None or arousal is None or dominance is None or self.trading_mood_time is None:
            return None
        return TradingMood(Mood(valence, arousal, dominance)), self.trading_mood_time

    def put_trading_mood(self, mood: TradingMood, now: datetime) -> None:
        """Set the mood that its trades read."""
        felt = mood.felt
        self.trading_valence, self.trading_arousal, self.trading_dominance = felt.valence, felt.arousal, felt.dominance
        self.trading_mood_time = now

    def move_to(self, account_id: str, network_user_id: str) -> None:
        """Give it an account, or none; what another one was called goes."""
        if account_id != self.account_id:
            self.handle, self.handle_time = "", None
        self.account_id, self.network_user_id = account_id, network_user_id

    def be_called(self, handle: str, time: datetime) -> bool:
        """Take down what it was called at a time; False when that is no news, or later news are known."""
        if handle == self.handle or (self.handle_time is not None and time <= self.handle_time):
            return False
        self.handle, self.handle_time = handle, time
        return True

    def start(self, now: datetime) -> None:
        """Let its schedule run from now on."""
        self.is_active, self.start_time, self.stop_time = True, now, None
        self._touch(now)

    def stop(self, now: datetime) -> None:
        """Let its schedule rest."""
        self.is_active, self.start_time, self.stop_time = False, None, now
        self._touch(now)

    def be_deleted(self, now: datetime, *, keeps_wallet: bool) -> None:
        """Let its schedule rest for good."""
        self.delete_time = self.delete_time or now
        self.keeps_wallet = self.keeps_wallet or keeps_wallet
        self.stop(now)

    def be_imported(self, now: datetime) -> None:
        """Let it rest here, whatever it did where it was exported."""
        self.delete_time, self.keeps_wallet, self.import_time = None, False, now
        self.stop(now)

    def become(self, name: str, description: str, persona: dict[str, Any], etag: str, now: datetime) -> None:
        """Take on a changed, redacted persona. Raises Conflict when an etag is given and isn't the current one."""
        if etag and etag != self.etag:
            raise errors.Conflict(f"agent {self.id!r} has changed since", etag=self.etag)
        if persona != self.persona:
            self.persona_version += 1
        self.name, self.description, self.persona = name, description, persona
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.update_time = now
        self.version += 1


@dataclass(frozen=True, slots=True)
class MemberName:
    """What an agent with an account is called; the handle is empty while that isn't known."""

    id: str
    name: str
    handle: str


class Mark(SQLModel, table=True):
    """What was done to all that is stored, such as `redacted`, and by which rules or when."""

    name: str = Field(primary_key=True)
    value: str


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where an agent reads its mentions, and after which one."""

    agent_id: str
    account_id: str
    after: str
    is_settled: bool
    """True unless it was kept from reading the last time, or what it is called isn't known."""


class ScheduleEntry(SQLModel, table=True):
    """When an agent does something next: again and again, or, where it has a task, once."""

    __tablename__ = "schedule"

    agent_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    """The kind of the behaviour."""
    key: str = Field(default="", primary_key=True)
    """Tells apart what is done once, such as the mention that is answered; empty for what is done again and again."""
    due_time: datetime = Field(sa_type=DateTime(timezone=True), index=True)
    task: Task | None = Field(default=None, sa_type=TASK)
    """What is to be done once."""


class ActivityRecord(SQLModel, table=True):
    """Something that an agent did, and why; a step that runs twice is logged once."""

    __tablename__ = "activity"
    # A cursor must never name two activities, not even when the newest row is gone.
    __table_args__ = (UniqueConstraint("workflow_id", "step"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    workflow_id: str
    step: str
    agent_id: str = Field(index=True)
    agent_name: str
    kind: ActivityKind = Field(sa_type=text_of(ActivityKind))
    behaviour: str = ""
    """The kind of the behaviour that did it; empty where none did."""
    trigger: Trigger = Field(default=Trigger.UNKNOWN, sa_type=text_of(Trigger))
    event: Event = Field(sa_type=EVENT)
    grounds: Grounds = Field(default=NO_GROUNDS, sa_type=GROUNDS)
    effect_id: str = Field(default="", index=True)
    """The id of the post or trade that it tells of, at the service that made it; empty of anything else."""
    network_effect_id: str = Field(default="", index=True)
    """The same on the network, or the chain: a post's id, or a signature."""
    create_time: datetime = Field(sa_type=DateTime(timezone=True), index=True)


class MoodRecord(SQLModel, table=True):
    """How an agent felt right after something had moved it, and what that was: codes with blanks between them."""

    __tablename__ = "mood"

    seq: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    agent_id: str
    valence: float
    arousal: float
    dominance: float
    causes: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))

    @classmethod
    def of(cls, agent_id: str, mood: Mood, causes: Sequence[str], now: datetime) -> "MoodRecord":
        """Return a new one."""
        return cls(
            agent_id=agent_id,
            valence=mood.valence,
            arousal=mood.arousal,
            dominance=mood.dominance,
            causes=" ".join(causes),
            create_time=now,
        )

    @property
    def mood(self) -> Mood:
        """How it felt."""
        return Mood(self.valence, self.arousal, self.dominance)


class MentionCursor(SQLModel, table=True):
    """The last mention that an agent has read: what the social service calls `after`."""

    __tablename__ = "mention_cursor"

    agent_id: str = Field(primary_key=True)
    after: str


class ConversationCount(SQLModel, table=True):
    """How many replies an agent has given to one counterpart in one conversation.

    Days stand here like conversations, with the replies and the model's calls that they had.
    """

    __tablename__ = "conversation_count"

    agent_id: str = Field(primary_key=True)
    conversation_id: str = Field(primary_key=True)
    counterpart: str = Field(primary_key=True)
    replies: int = 0
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When it was last counted."""


class ExternalConversation(SQLModel, table=True):
    """A conversation in which some agent has heard words from outside: a fellow may repeat them there."""

    __tablename__ = "external_conversation"

    conversation_id: str = Field(primary_key=True)
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When such words were last heard in it."""


class Reservation(SQLModel, table=True):
    """Words, by their fingerprint, that a workflow of an agent is about to publish, or has published of late."""

    __tablename__ = "reservation"

    agent_id: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    workflow_id: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))


class Hindrance(SQLModel, table=True):
    """What keeps an agent from something that it aims at, until that has worked again."""

    agent_id: str = Field(primary_key=True)
    aim: str = Field(primary_key=True)
    """In a few words, such as `post`."""
    cause: str
    """The reason of whatever refuses it."""
    words: str
    begin_time: datetime = Field(sa_type=DateTime(timezone=True))
    retry_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When there is sense in trying again: as it was told, or as `wait` has it."""

    def followed_by(self, other: "Hindrance") -> "Hindrance":
        """Return this row, with what is told now; since when it is so stays while the cause does."""
        if self.cause != other.cause:
            self.cause, self.begin_time = other.cause, other.begin_time
        self.words, self.retry_time = other.words, other.retry_time
        return self

    def wait(self, now: datetime) -> None:
        """Set when to try again after a failure of now: as was told, else after as long as it has failed.

        An hour is the longest, and six where it was told: what was told may be over sooner.
        """
        if self.retry_time is None:
            self.retry_time = now + min(now - self.begin_time, _LONGEST_WAIT)
        self.retry_time = min(self.retry_time, now + _LONGEST_TOLD_WAIT)


class Acquaintance(SQLModel, table=True):
    """Who it is whom a persona knows by a handle: whoever was first heard under it, whatever they are called later."""

    __tablename__ = "acquaintance"

    agent_id: str = Field(primary_key=True)
    handle: str = Field(primary_key=True)
    network_user_id: str


class ReplicaRecord(SQLModel, table=True):
    """One life of a process of this service, which no other has the id of."""

    __tablename__ = "replica"

    id: str = Field(primary_key=True)
    lease_end: float
    """Until when it is taken to be there unless it renews this, in seconds since 1970 by the database's clock."""
    is_ended: bool = False
    """True when it was given up, or has given up: for good, so its work can be taken up."""
