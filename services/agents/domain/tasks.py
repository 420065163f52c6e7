"""What agents are asked to do, and what they were told: as data, which outlives the code that wrote it.

A new field has a default. A field that goes is left out: readers skip what they don't know. A type that gets another
name keeps its old one in `TASKS` beside the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.agents.domain.events import MoodShift, News
from services.agents.domain.occasions import Occasion
from services.agents.domain.records import Swap, Trigger


@dataclass(frozen=True, slots=True)
class Mention:
    """A post of somebody else that mentions an agent. Its text may shape a reply and nothing else."""

    network_post_id: str
    author_handle: str
    text: str
    conversation_id: str
    create_time: datetime
    author_user_id: str = ""
    """The author's id on the network; empty in what was stored before it was known."""
    in_reply_to_user_id: str = ""
    """Whom it answers, by the id on the network; empty when it answers nobody, or it isn't known whom."""

    @property
    def begins_conversation(self) -> bool:
        """True when it answers nobody."""
        return self.conversation_id == self.network_post_id and not self.in_reply_to_user_id


@dataclass(frozen=True, slots=True)
class Heard:
    """A mention that was remembered, and its author: a fellow's id and name, or `network:user_id` and the handle."""

    memory_id: str
    counterpart: str
    author_name: str
    is_fellow: bool
    may_echo: bool = False
    """True of a fellow's words that may be a stranger's."""
    known_as: str = ""
    """The name by which the persona knows a stranger; empty when it doesn't."""

    @property
    def is_external(self) -> bool:
        """True when the words are a stranger's, or may be."""
        return self.may_echo or not self.is_fellow


@dataclass(frozen=True, slots=True)
class PostTask:
    """Write a post: about the topic, or about what the agent chooses when it is left out."""

    agent_id: str
    topic: str = ""
    is_awaited: bool = False
    """True when somebody waits for it, and is to hear at once what keeps it from being written."""
    trigger: Trigger = Trigger.SCHEDULE
    addressed_id: str = ""
    """The fellow whom it is spoken to; empty where the agent chooses, or speaks to nobody."""
    event_id: str = ""
    """The event that it is made for."""
    principal: str = ""
    """Who asked for it."""


@dataclass(frozen=True, slots=True)
class TradePostTask:
    """Tell of a trade."""

    agent_id: str
    swap: Swap
    trigger: Trigger = Trigger.TRADE


@dataclass(frozen=True, slots=True)
class ReplyTask:
    """Answer one mention, or decide not to."""

    agent_id: str
    mention: Mention
    heard: Heard | None = None
    """The mention as it was remembered; None when that is still to be done."""
    trigger: Trigger = Trigger.MENTION
    principal: str = ""
    """Who asked for it."""

    @property
    def is_awaited(self) -> bool:
        """True when somebody waits for it, and is to hear at once what keeps it from being written."""
        return self.trigger is Trigger.REQUEST


@dataclass(frozen=True, slots=True)
class TradeTask:
    """Consider a trade. It carries nothing that anybody has said."""

    agent_id: str
    trigger: Trigger = Trigger.SCHEDULE
    principal: str = ""
    """Who asked for it."""


@dataclass(frozen=True, slots=True)
class ActTask:
    """Do what a behaviour of this kind does; nothing more is asked for."""

    agent_id: str
    kind: str
    trigger: Trigger = Trigger.SCHEDULE


@dataclass(frozen=True, slots=True)
class RemarkTask:
    """Post a remark on what strangers have written."""

    agent_id: str
    event_id: str
    news: News
    trigger: Trigger = Trigger.EVENT


@dataclass(frozen=True, slots=True)
class NoticeTask:
    """Hear of news, or feel something: an event has reached the agent."""

    agent_id: str
    event_id: str
    news: News | None = None
    mood: MoodShift | None = None


@dataclass(frozen=True, slots=True)
class CarryOutTask:
    """Carry out a draft that was approved: a proposal of this kind of behaviour, by the name of what proposed it."""

    agent_id: str
    draft_id: str
    kind: str
    name: str
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class WithdrawTask:
    """Take back what is held back of a stopped agent's posts."""

    agent_id: str


def occasion_of(name: str, task: "ActionTask") -> Occasion:
    """Return why a task is carried out now; the name of its workflow says when it was due."""
    return Occasion(
        due_time=_slot(name) if task.trigger is Trigger.SCHEDULE else None,
        principal=getattr(task, "principal", ""),
        event_id=getattr(task, "event_id", ""),
        network_post_id=task.mention.network_post_id if isinstance(task, ReplyTask) else "",
        trade_id=task.swap.trade_id if isinstance(task, TradePostTask) else "",
    )


def _slot(name: str) -> datetime | None:
    """Return when something was due that is done again and again; its name ends with that (ADR 0008)."""
    try:
        return datetime.fromisoformat(name.rpartition("/")[2])
    except ValueError:
        return None


ActionTask: TypeAlias = PostTask | TradePostTask | ReplyTask | TradeTask | RemarkTask | ActTask
"""What a behaviour is asked to do."""

Task: TypeAlias = ActionTask | NoticeTask | CarryOutTask | WithdrawTask
"""What a workflow is asked to do."""

TASKS: Mapping[str, type] = {
    "post_task": PostTask,
    "trade_post_task": TradePostTask,
    "reply_task": ReplyTask,
    "trade_task": TradeTask,
    "act_task": ActTask,
    "remark_task": RemarkTask,
    "notice_task": NoticeTask,
    "carry_out_task": CarryOutTask,
    "withdraw_task": WithdrawTask,
}
"""Every task by its name in a database."""
