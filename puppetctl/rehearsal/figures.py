"""What a rehearsal shows of a character, in numbers. Pure: a recorded life in, figures out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import median
from typing import Any

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.rehearsal.own_clock import OwnClock
from puppetctl.rehearsal.pace import due_time
from puppetctl.rehearsal.recording import Life
from puppetctl.rehearsal.style import bare, broken_rules
from services.agents.domain.hours import is_asleep, is_peak

_MAX_COMPARED = 400
_SHINGLE = 3
_ALIKE = 0.5
_OPENING_WORDS = 2
_SENTENCE_END = re.compile(r"[.!?\u2026]+(?=\s|$)")
_WORDS = re.compile(r"[\w'\u2019]+")


@dataclass(frozen=True, slots=True)
class Fallen:
    """A candidate that could not be published, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a character published; `day` counts from 1, `clock` is what its own clock showed in its zone."""

    day: int
    clock: datetime
    text: str
    about: str
    """The topic of a post, and what a reply answers."""
    to: str
    memory: str
    mood: str
    score: float | None
    is_in_peak: bool
    is_in_quiet: bool
    late_hours: float | None
    """How much later than planned it came, in its own hours; None of what wasn't planned."""
    fallen: Sequence[Fallen] = ()
    broken: Sequence[str] = ()
    """The rules of the character's style that it breaks all the same, in words."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A time in which words were written, and none of them could be published."""

    about: str
    fallen: Sequence[Fallen]


@dataclass(frozen=True, slots=True)
class Alike:
    """Two texts that are nearly the same: 0 to 1."""

    first: str
    second: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Bond:
    """What a character thought of somebody at the beginning and at the end; the beginning of a new one is all 0."""

    name: str
    before: tuple[float, float, float]
    """Sentiment, familiarity, trust."""
    after: tuple[float, float, float]
    exchanges: int


@dataclass(frozen=True, slots=True)
class Style:
    """How posts look: characters of the shortest, the one in the middle and the longest."""

    shortest: int
    middle: int
    longest: int
    words: float
    """Of the one in the middle."""
    sentences: float
    """How many a post has, on average."""
    openings: Sequence[tuple[str, int]]
    """The beginnings that come more than once, the most frequent first."""
    distinct: float
    """How many different words there are for each word, in the first 500."""
    borrowed: int
    """How many are nearly an example of the persona."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the guard thought of what the model wrote."""

    written: int
    refused: int
    by_rule: Sequence[tuple[str, int, str]]
    """Rule, how often, and an example in words: the most frequent first."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is shown of one character."""

    life: Life
    posts: Sequence[Said]
    replies: Sequence[Said]
    hours: Sequence[int]
    """Posts by hour of its day."""
    silences: Sequence[tuple[str, int, str]]
    """Why it kept silent, how often, and an example in words."""
    failures: Sequence[tuple[str, int, str]]
    verdicts: Verdicts
    alike: Sequence[Alike]
    style: Style | None
    """None without a post."""
    bonds: Sequence[Bond]
    conclusions: Sequence[str]
    prompt_tokens: int
    completion_tokens: int
    unsaid: Sequence[Unsaid]
    mentions: int
    """How many mentions it dealt with: those that it answered, and those about which it kept silent or failed."""

    @property
    def peak_share(self) -> float | None:
        """Which part of its posts came in its peak hours; None where there are none of either."""
        if not (self.life.behavior.peak_posting_hours and self.posts):
            return None
        return sum(one.is_in_peak for one in self.posts) / len(self.posts)

    @property
    def in_quiet(self) -> int:
        """How much it said in its sleep."""
        return sum(one.is_in_quiet for one in (*self.posts, *self.replies))

    @property
    def kept(self) -> int:
        """How many of its texts keep every hard rule of its style guide."""
        return sum(not one.broken for one in (*self.posts, *self.replies))

    @property
    def late_hours(self) -> float | None:
        """How late its posts came, in its own hours, half of them; None without a planned one."""
        late = [one.late_hours for one in self.posts if one.late_hours is not None]
        return median(late) if late else None


def figures(life: Life, clock: OwnClock, names: dict[str, str]) -> Figures:
    """Return what a life shows; `names` says what counterparts are called."""
    latency = _latency(life.activities)
    posts = [_said(life, clock, one, latency) for one in life.activities if one.kind == log_pb.ACTIVITY_KIND_POST]
    replies = [_said(life, clock, one, latency) for one in life.activities if one.kind == log_pb.ACTIVITY_KIND_REPLY]
    passed = [one for one in life.activities if one.kind == log_pb.ACTIVITY_KIND_PASS]
    failed = [one for one in life.activities if one.kind == log_pb.ACTIVITY_KIND_FAILURE]
    hours = Counter(one.clock.hour for one in posts)
    writings = [one.writing for one in life.activities if one.HasField("writing")]
    texts = [one.text for one in posts]
    return Figures(
        life=life,
        posts=posts,
        replies=replies,
        hours=[hours[hour] for hour in range(24)],
        silences=_counted((_silence(one), one.reason or one.summary) for one in passed),
        failures=_counted((one.failure.cause or one.failure.reason, one.summary) for one in failed),
        verdicts=_verdicts(writings),
        alike=near_duplicates(texts),
        style=_style(texts, _examples(life.persona)),
        bonds=_bonds(life, names),
        conclusions=[
            c.text for one in life.activities if one.HasField("reflection") for c in one.reflection.conclusions
        ],
        prompt_tokens=sum(one.prompt_tokens for one in writings),
        completion_tokens=sum(one.completion_tokens for one in writings),
        unsaid=[Unsaid(one.passed.about, _fallen(one.writing)) for one in passed if _has_words(one)],
        mentions=sum(one.trigger == log_pb.ACTIVITY_TRIGGER_MENTION for one in life.activities),
    )


def near_duplicates(texts: Sequence[str]) -> list[Alike]:
    """Return the pairs of texts that share at least half of their runs of letters, the most alike first."""
    runs = [(text, _shingles(text)) for text in texts[-_MAX_COMPARED:]]
    found = []
    for (first, one), (second, other) in combinations(runs, 2):
        likeness = _likeness(one, other)
        if likeness >= _ALIKE:
            found.append(Alike(first, second, likeness))
    return sorted(found, key=lambda pair: -pair.likeness)


def _said(life: Life, clock: OwnClock, activity: log_pb.Activity, latency: timedelta) -> Said:
    made, due = activity.create_time.ToDatetime(tzinfo=UTC), due_time(activity)
    # When it had been begun: what the model takes after that is our time, and no hours of the character's.
    begun = due if due is not None and due >= clock.begin else max(clock.begin, made - latency)
    speed, local = clock.speed_at(begun), clock.at(begun).astimezone(life.behavior.timezone)
    chosen = [one.score for one in activity.writing.candidates if one.is_chosen and one.HasField("score")]
    is_reply = activity.HasField("reply")
    text = activity.reply.text if is_reply else activity.post.text
    return Said(
        day=clock.day(begun, life.behavior.timezone),
        clock=local,
        text=text,
        about=activity.reply.mention_text if is_reply else activity.post.topic,
        to=(activity.reply.to_name or activity.reply.to_handle) if is_reply else activity.post.addressed_handle,
        memory=activity.memories[0].text if activity.memories else "",
        mood=activity.mood,
        score=chosen[0] if chosen else None,
        is_in_peak=is_peak(life.behavior, begun, speed),
        is_in_quiet=is_asleep(life.behavior, begun, speed),
        late_hours=(made - due).total_seconds() * speed / 3600 if due is not None else None,
        fallen=_fallen(activity.writing),
        broken=broken_rules(text, life.persona),
    )


def _fallen(writing: log_pb.Writing) -> list[Fallen]:
    return [
        Fallen(one.text, "; ".join(f"{held.rule}: {held.description}" for held in one.objections))
        for one in writing.candidates
        if one.objections
    ]


def _has_words(activity: log_pb.Activity) -> bool:
    return activity.passed.reason == log_pb.PASS_REASON_NO_CANDIDATE and bool(activity.writing.candidates)


def _examples(persona: Mapping[str, Any]) -> list[str]:
    """Return the posts that a persona shows as examples, in whichever shape its file has them."""
    given = persona.get("post_examples")
    found = [one.get("post") if isinstance(one, Mapping) else one for one in (given if isinstance(given, list) else [])]
    return [one for one in found if isinstance(one, str)]


def _latency(activities: Iterable[log_pb.Activity]) -> timedelta:
    """Return how long it takes until something that was begun is there, as the log shows it."""
    known = [
        (one.create_time.ToDatetime(tzinfo=UTC) - due).total_seconds()
        for one in activities
        if one.kind == log_pb.ACTIVITY_KIND_POST and (due := due_time(one)) is not None
    ]
    return timedelta(seconds=median(known) if known else 0)


def _silence(activity: log_pb.Activity) -> str:
    reason = log_pb.PassReason.Name(activity.passed.reason).removeprefix("PASS_REASON_").lower().replace("_", " ")
    return f"{activity.behaviour}: {reason}" if activity.behaviour else reason


def _counted(reasons: Iterable[tuple[str, str]]) -> list[tuple[str, int, str]]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for reason, words in reasons:
        counts[reason] += 1
        examples.setdefault(reason, words)
    return [(reason, count, examples[reason]) for reason, count in counts.most_common()]


def _verdicts(writings: Sequence[log_pb.Writing]) -> Verdicts:
    candidates = [one for writing in writings for one in writing.candidates]
    held = [objection for one in candidates for objection in one.objections]
    held += [objection for writing in writings for objection in writing.objections]
    return Verdicts(
        written=len(candidates),
        refused=sum(bool(one.objections) for one in candidates),
        by_rule=_counted((one.rule, one.description) for one in held),
    )


def _style(texts: Sequence[str], examples: Sequence[str]) -> Style | None:
    if not texts:
        return None
    lengths = [len(text) for text in texts]
    worded = [[word.lower() for word in _WORDS.findall(bare(text))] for text in texts]
    openings = Counter(" ".join(words[:_OPENING_WORDS]) for words in worded if len(words) >= _OPENING_WORDS)
    first = [word for words in worded for word in words][:500]
    shown = [_shingles(example) for example in examples]
    return Style(
        shortest=min(lengths),
        middle=round(median(lengths)),
        longest=max(lengths),
        words=median(len(words) for words in worded),
        sentences=sum(max(1, len(_SENTENCE_END.findall(text))) for text in texts) / len(texts),
        openings=[(words, count) for words, count in openings.most_common(5) if count > 1],
        distinct=len(set(first)) / max(1, len(first)),
        borrowed=sum(any(_likeness(one, _shingles(text)) >= _ALIKE for one in shown) for text in texts),
    )


def _bonds(life: Life, names: dict[str, str]) -> list[Bond]:
    found = []
    for counterpart, after in life.after.items():
        before = life.before.get(counterpart)
        was = (before.sentiment, before.familiarity, before.trust) if before else (0.0, 0.0, 0.0)
        exchanges = after.interaction_count - (before.interaction_count if before else 0)
        now = (after.sentiment, after.familiarity, after.trust)
        found.append(Bond(names.get(counterpart, counterpart), was, now, exchanges))
    return sorted(found, key=lambda bond: -bond.exchanges)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _shingles(text: str) -> frozenset[str]:
    letters = " ".join(_WORDS.findall(bare(text).lower()))
    return frozenset(letters[place : place + _SHINGLE] for place in range(max(1, len(letters) - _SHINGLE + 1)))
