"""What is logged of agents, in words for people: made last, from records, by whoever shows them."""

from services.agents.domain.proposals import Order, PostProposal, Proposal, Reflection, ReplyProposal
from services.agents.domain.records import (
    Drafted,
    Event,
    Failed,
    Grounds,
    Lifecycle,
    LifecycleChange,
    MoodAdjusted,
    Noticed,
    Objection,
    Passed,
    PassReason,
    Posted,
    Reflected,
    Replied,
    Swap,
    Traded,
    Writing,
)
from services.agents.domain.trading import bought, sold

_MAX_OBJECTIONS = 5
_IN_A_DAY = {
    PassReason.COUNTERPART_LIMIT: "to {whom} today",
    PassReason.STRANGERS_LIMIT: "to strangers today",
    PassReason.CHARACTERS_LIMIT: "to other characters today",
    PassReason.CONVERSATION_LIMIT: "in this conversation",
}
_WHY_PASSED = {
    PassReason.STOPPED: "was stopped before it began",
    PassReason.STOPPED_BEFORE_SENDING: "was stopped before it was sent",
    PassReason.TOO_OLD: "it was written too long ago",
    PassReason.BY_CHANCE: "by its reply probability",
    PassReason.MODEL_CALLS_LIMIT: "has used up the model's calls for strangers today",
    PassReason.SAID_ALREADY: "it has said the same of late",
    PassReason.NOT_ENOUGH: "too little has happened since the last time",
    PassReason.EXPIRED: "nobody approved it in time",
    PassReason.ANSWERED_ELSEWHERE: "it may have answered this before it was imported",
    PassReason.HOLDS_KEY: "the text held the key of a wallet",
    PassReason.NETWORK_SHARE_USED_UP: "has made as many replies as its network's limit leaves for them",
}


def summary_of(event: Event, grounds: Grounds, behaviour: str) -> str:
    """Return what was done."""
    if grounds.summary:
        return grounds.summary
    match event:
        case Posted() | Replied():
            return event.text
        case Traded():
            return swap_in_words(event.swap)
        case Passed():
            return _passed(event, behaviour)
        case MoodAdjusted() | Reflected() | Drafted():
            return _within(event)[0]
        case Failed():
            return f"could not {event.aim} {event.whom}".rstrip()
        case Noticed():
            return event.text if event.is_news else f"feels {event.mood_after}"
        case Lifecycle(change=LifecycleChange.RECOVERED):
            return f"can {event.aim} again"
        case Lifecycle():
            return f"was {event.change}"


def reason_of(event: Event, grounds: Grounds) -> str:
    """Return why it was done."""
    return grounds.words or _reason(event, grounds)


def _reason(event: Event, grounds: Grounds) -> str:
    match event:
        case Posted():
            return "; ".join((_about(event), *_felt(grounds), _words_of(grounds)))
        case Replied():
            return "; ".join(_why_so_said(grounds))
        case Traded():
            return "; ".join(event.reasons)
        case Passed():
            return _why_passed(event, grounds)
        case MoodAdjusted() | Reflected() | Drafted():
            return _within(event)[1]
        case Failed():
            again = f"; it isn't tried again before {event.retry_time:%Y-%m-%d %H:%M} UTC" if event.retry_time else ""
            return event.message + again
        case Noticed():
            return _why_noticed(event)
        case Lifecycle():
            is_over = event.change is LifecycleChange.RECOVERED
            asked = f"its operator asked for it; {event.cause}" if event.cause else "its operator asked for it"
            return f"this is over: {event.cause}" if is_over else asked


def why_proposed(proposal: Proposal) -> str:
    """Return why something would be done."""
    match proposal:
        case PostProposal():
            posted = Posted(proposal.text, proposal.topic, swap=proposal.swap, news_text=proposal.news_text)
            return reason_of(posted, proposal.grounds)
        case ReplyProposal():
            return reason_of(Replied(proposal.text), proposal.grounds)
        case Order():
            return "; ".join(proposal.reasons)
        case Reflection():
            return reason_of(Reflected(proposal.conclusions, ()), proposal.grounds)


def _within(event: MoodAdjusted | Reflected | Drafted) -> tuple[str, str]:
    """Return what happened within the suite alone, and why."""
    match event:
        case MoodAdjusted():
            told = f"was {event.before.label}, and is {event.after.label}"
            return told, event.reason or "its operator asked for it"
        case Reflected():
            evidence = {memory_id for conclusion in event.conclusions for memory_id in conclusion.evidence}
            told = " ".join(conclusion.text for conclusion in event.conclusions)
            return told, f"follows from {len(evidence)} memories"
        case Drafted():
            return event.words, f"waits for a person until {event.expire_time:%Y-%m-%d %H:%M} UTC"


def swap_in_words(swap: Swap) -> str:
    """Say what a swap was, as the examples of a persona put it."""
    if swap.is_buy:
        return bought(swap.ordered or swap.input_amount, swap.symbol)
    return sold(swap.portion, swap.symbol, swap.gain) if swap.gain is not None else f"sold {swap.symbol}"


def chosen(writing: Writing | None) -> str:
    """Say how words were chosen, or why none were."""
    if writing is None:
        return "in words of its own examples"
    found = next((item for item in writing.candidates if item.is_chosen), None)
    if found is None:
        return f"none of the candidates by {_model(writing)} may be published: {_objections(writing)}"
    good = sum(not item.objections for item in writing.candidates)
    return f"best of {good} good in {len(writing.candidates)} by {_model(writing)}, score {found.score or 0:.2f}"


def _passed(event: Passed, behaviour: str) -> str:
    match behaviour:
        case "trade":
            return "holds" if event.reason in (PassReason.HOLD, PassReason.QUOTED_TOO_LOW) else "trades nothing"
        case "reflect":
            return "concludes nothing"
        case "reply" if event.reason is PassReason.NETWORK_SHARE_USED_UP:
            return "keeps a reply to itself"
        case "reply" if event.reason is PassReason.NO_CANDIDATE:
            return f"finds no words for {event.whom}"
        case "reply" if event.reason is not PassReason.HOLDS_KEY:
            return f"leaves {event.whom or 'somebody'} without an answer"
    return f"posts nothing about {event.about}" if event.about else "posts nothing"


def _why_passed(event: Passed, grounds: Grounds) -> str:
    match event.reason:
        case PassReason.NO_CANDIDATE:
            return chosen(grounds.writing)
        case PassReason.HOLD | PassReason.NO_CONCLUSION:
            return "; ".join(event.details)
        case PassReason.REJECTED:
            return ": ".join(("a person rejected it", *event.details))
        case PassReason.QUOTED_TOO_LOW:
            return f"{event.about} is quoted too far below its price"
        case reason if reason in _IN_A_DAY:
            return f"has given {event.limit} replies {_IN_A_DAY[reason].format(whom=event.whom)}"
        case reason:
            return _WHY_PASSED.get(reason, "")


def _about(event: Posted) -> str:
    if event.news_text:
        return f"on “{event.news_text}”"
    return f"it {swap_in_words(event.swap)}" if event.swap else f"topic: {event.topic}"


def _why_noticed(event: Noticed) -> str:
    if not event.is_news:
        return event.text or f"it felt {event.mood_before}, and an event moved it"
    told = "strangers say so" if event.is_external else "its operator says so"
    moved = f"feels {event.mood_after}" if event.mood_after != event.mood_before else ""
    return "; ".join(part for part in (told, moved, event.link) if part)


def _why_so_said(grounds: Grounds) -> tuple[str, ...]:
    remembered = [f"remembers “{memory.text}”" for memory in grounds.memories]
    unread = [f"what was said before could not be read: {grounds.unread}"] if grounds.unread else []
    return (*remembered, *_felt(grounds), _words_of(grounds), *unread)


def _words_of(grounds: Grounds) -> str:
    return "edited by a person" if grounds.is_edited else chosen(grounds.writing)


def _felt(grounds: Grounds) -> tuple[str, ...]:
    return (f"feels {grounds.mood}",) if grounds.mood else ()


def _model(writing: Writing) -> str:
    name = "/".join(part for part in (writing.provider, writing.model) if part) or "the model"
    return f"{name} {writing.provider_note}".rstrip()


def _objections(writing: Writing) -> str:
    found: list[Objection] = [*writing.objections]
    for item in writing.candidates:
        found += item.objections
    words = list(dict.fromkeys(objection.description for objection in found))
    return "; ".join(words[:_MAX_OBJECTIONS]) or "nothing was written"
