"""Makes conversations of which it is known where the answer to a question stands; the same seed makes the same ones.

Each conversation is written from facts. A fact is told in one of several ways, taken up by a listener, mixed with
others' similar facts and with small talk, and asked for in its own words, in other words, or by its time.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

KINDS = ("single fact", "when", "paraphrase", "needs context", "two evidences", "named person")

_FOLDER = Path(__file__).parent
TALK = tomllib.loads((_FOLDER / "talk.toml").read_text(encoding="utf-8"))
TOPICS = tomllib.loads((_FOLDER / "topics.toml").read_text(encoding="utf-8"))["topic"]

_QUESTIONS = dict(zip(KINDS, (10, 8, 10, 9, 6, 9), strict=True))
"""How many of each kind a conversation has at most."""

_WHO = 0.4
"""How often a question asks who it is, instead of naming the speaker."""

_SMALL_SLOTS = ("weather", "chore", "meal", "mood", "errand")

_COLLOQUIAL = (
    (" going to ", " gonna "),
    (" because ", " cause "),
    ("I have to ", "I gotta "),
    (" and ", " n "),
    ("!", "!!"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said at one time; `session` counts from 0."""

    session: int
    time: datetime
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the numbers of the turns that answer it."""

    kind: str
    text: str
    evidence: frozenset[int]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in their order, and what is asked about them."""

    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


@dataclass(slots=True)
class _Fact:
    """What a speaker tells; `told` and `answered` are the numbers of its turns once they are written."""

    topic: dict[str, Any]
    speaker: str
    slots: dict[str, str]
    told: int = -1
    follow: list[str] = field(default_factory=list)
    answered: int = -1


@dataclass(frozen=True, slots=True)
class _Line:
    """A turn before it has its place; `tells` or `answers` is the fact of which it is evidence."""

    speaker: str
    text: str
    tells: _Fact | None = None
    answers: _Fact | None = None


def make_conversations(count: int, seed: int) -> list[Conversation]:
    """Return conversations of two or three speakers in 10 to 20 sessions, with about 300 to 500 turns each."""
    return [_Writer(random.Random(f"{seed}/{number}")).write() for number in range(count)]


class _Writer:
    """Writes one conversation."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._speakers: list[str] = rng.sample(TALK["speakers"], rng.choice((2, 2, 3)))
        friends = iter(rng.sample(TALK["friends"], len(TALK["friends"])))
        self._circles = {
            speaker: [(kin, next(friends)) for kin in rng.sample(TALK["kin"], 6)] for speaker in self._speakers
        }
        # By topic: one speaker tells one or two facts, or two of them tell a similar one each.
        self._facts = [self._facts_of(topic) for topic in TOPICS]

    def write(self) -> Conversation:
        """Return the conversation."""
        turns = self._turns()
        return Conversation(tuple(turns), tuple(self._questions()))

    def _facts_of(self, topic: dict[str, Any]) -> list[_Fact]:
        rng = self._rng
        pattern = rng.choices(("alone", "twice", "twins"), (30, 35, 35))[0]
        speakers = rng.sample(self._speakers, 2)
        if pattern == "twice":
            speakers = speakers[:1] * 2
        things = self._unlike(topic["things"])
        places = rng.sample(topic.get("places", ["", ""]), 2)
        if pattern == "twins" and rng.random() < 0.5:
            things[1] = things[0]
        elif pattern == "twins":
            places[1] = places[0]
        facts = []
        for speaker, thing, place in zip(speakers, things, places, strict=True):
            slots = {"name": speaker, "thing": thing, "a_thing": with_article(thing), "place": place}
            slots |= {"looser": topic["things"][thing], "when": rng.choice(TALK["when"])}
            slots["kin"], slots["friend"] = rng.choice(self._circles[speaker])
            facts.append(_Fact(topic, speaker, slots))
        if topic.get("third_person") and facts[0].slots["friend"] == facts[1].slots["friend"]:
            pattern = "alone"
        follows = rng.sample(topic["follow"], 2)
        for fact, follow in zip(facts, follows, strict=True):
            fact.follow = follow if rng.random() < 0.55 else []
        return facts[:1] if pattern == "alone" else facts

    def _unlike(self, things: dict[str, str]) -> list[str]:
        """Return two things for which there are different looser words."""
        first = self._rng.choice(sorted(things))
        return [first, self._rng.choice(sorted(thing for thing in things if things[thing] != things[first]))]

    def _turns(self) -> list[Turn]:
        rng = self._rng
        sessions: list[list[list[_Line]]] = [[] for _ in range(rng.randint(10, 20))]
        for fact in (fact for facts in self._facts for fact in facts):
            rng.choice(sessions).append(list(self._exchange(fact)))
            if rng.random() < 0.5:
                rng.choice(sessions).append(self._distraction(fact))
        least = rng.randint(300, 500) // len(sessions)
        turns: list[Turn] = []
        time = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(500))
        for number, blocks in enumerate(sessions):
            while sum(map(len, blocks)) < least - 4:
                blocks.append(self._small_talk())
            rng.shuffle(blocks)
            time += timedelta(days=rng.randint(2, 20), minutes=rng.randrange(600))
            for line in self._session(blocks):
                time += timedelta(seconds=rng.randint(15, 120))
                if line.tells:
                    line.tells.told = len(turns)
                if line.answers:
                    line.answers.answered = len(turns)
                turns.append(Turn(number, time, line.speaker, self._colloquial(line.text)))
        return turns

    def _session(self, blocks: Sequence[Sequence[_Line]]) -> Iterator[_Line]:
        (remark, _), (one, other) = self._small_talk(), self._rng.sample(self._speakers, 2)
        greeting = self._addressed(self._rng.choice(TALK["greetings"]), other, 0.6)
        yield _Line(one, f"{greeting} {remark.text}")
        yield self._said(other, "replies")
        for block in blocks:
            yield from block
        yield self._said(other, "goodbyes")

    def _exchange(self, fact: _Fact) -> Iterator[_Line]:
        """Tell a fact, and talk about it."""
        rng, topic, slots = self._rng, fact.topic, fact.slots
        listener = self._somebody_else(fact.speaker)
        if rng.random() < 0.35:
            yield self._said(listener, "openers")
        told = rng.choice(topic["told"])
        if rng.random() < 0.4:
            told = rng.choice(TALK["prefixes"]) + (told if told.startswith("I") else told[0].lower() + told[1:])
        for more, share in (("context", 0.6), ("detail", 0.4)):
            if rng.random() < share:
                told += " " + rng.choice(topic[more])
        yield _Line(fact.speaker, fill(told, slots), tells=fact)
        if rng.random() < 0.65:
            yield _Line(listener, self._addressed(fill(rng.choice(topic["echo"]), slots), fact.speaker, 0.15))
        else:
            yield self._reaction(listener)
        if fact.follow:
            asked, answer, _ = fact.follow
            yield _Line(listener, asked)
            yield _Line(fact.speaker, answer, answers=fact)
        if rng.random() < 0.3:
            yield _Line(self._somebody_else(fact.speaker), fill(rng.choice(topic["aside"]), slots))
            yield self._reaction(fact.speaker)
        elif rng.random() < 0.3:
            yield self._said(fact.speaker, "closings")

    def _distraction(self, fact: _Fact) -> list[_Line]:
        """Use the words of a fact at another time, for something that answers no question about it."""
        one = self._somebody_else(fact.speaker)
        if fact.topic.get("third_person") and self._rng.random() < 0.6:
            return [self._said(fact.speaker, "news", fact.slots), self._reaction(one)]
        text = self._rng.choice([*fact.topic["aside"], *TALK["mentions"]])
        return [_Line(one, fill(text, fact.slots)), self._reaction(fact.speaker)]

    def _small_talk(self) -> list[_Line]:
        one, other = self._rng.sample(self._speakers, 2)
        slots = {name: self._rng.choice(TALK[name]) for name in _SMALL_SLOTS}
        remark, answer = (fill(text, slots) for text in self._rng.choice(TALK["small"]))
        return [_Line(one, self._addressed(remark, other, 0.1)), _Line(other, self._addressed(answer, one, 0.1))]

    def _reaction(self, speaker: str) -> _Line:
        return _Line(speaker, " ".join(self._rng.sample(TALK["reactions"], self._rng.choice((1, 2, 2)))))

    def _said(self, speaker: str, what: str, slots: Mapping[str, str] = MappingProxyType({})) -> _Line:
        return _Line(speaker, fill(self._rng.choice(TALK[what]), slots))

    def _addressed(self, text: str, name: str, share: float) -> str:
        """Call the listener by name, in this share of the cases."""
        return f"{text[:-1]}, {name}{text[-1]}" if self._rng.random() < share else text

    def _somebody_else(self, speaker: str) -> str:
        return self._rng.choice([one for one in self._speakers if one != speaker])

    def _colloquial(self, text: str) -> str:
        for written, spoken in _COLLOQUIAL:
            if self._rng.random() < 0.1:
                text = text.replace(written, spoken)
        return text.rstrip(".") if self._rng.random() < 0.15 else text

    def _questions(self) -> Iterator[Question]:
        """Choose from all that can be asked."""
        asked = [question for facts in self._facts for question in self._questions_about(facts)]
        for kind, limit in _QUESTIONS.items():
            of_kind = [question for question in asked if question.kind == kind]
            yield from self._rng.sample(of_kind, min(limit, len(of_kind)))

    def _questions_about(self, facts: Sequence[_Fact]) -> Iterator[Question]:
        """Ask in every way about what is told of one topic."""
        topic, twins = facts[0].topic, facts[0].speaker != facts[-1].speaker
        shared = "thing" if facts[0].slots["thing"] == facts[-1].slots["thing"] else "place"
        for fact in facts:
            exact, reworded, kind = topic["single"], topic["paraphrase"], "single fact"
            if topic.get("third_person"):
                kind = "named person"
            elif twins:
                # The words fit both facts: only the name in the question decides.
                exact, kind = [text for text in exact if f"{{{shared}}}" in text] or exact, "named person"
            elif len(facts) == 2:
                # What is said of both facts doesn't tell which one is meant.
                exact = [text for text in exact if "{thing}" in text or "{place}" in text]
            yield self._question(kind, exact, fact.slots, fact.told)
            if topic["who"] and not (twins and shared == "thing") and self._rng.random() < _WHO:
                yield self._question("single fact", topic["who"][:1], fact.slots, fact.told)
                reworded = topic["who"][1:]
            yield self._question("paraphrase", reworded, fact.slots, fact.told)
            yield self._question("when", topic["dated"], fact.slots, fact.told)
            if fact.follow:
                yield self._question("needs context", fact.follow[2:], fact.slots, fact.answered)
        templates = topic["both" if twins else "pair"]
        if len(facts) == 2 and templates:
            slots = {"name": facts[0].speaker, "other": facts[1].speaker}
            yield self._question("two evidences", templates, slots, *(fact.told for fact in facts))

    def _question(self, kind: str, templates: Sequence[str], slots: Mapping[str, str], *evidence: int) -> Question:
        return Question(kind, fill(self._rng.choice(templates), slots), frozenset(evidence))


def fill(template: str, slots: Mapping[str, str]) -> str:
    """Put the slots in, and begin every sentence with a capital."""
    return re.sub(r"(?:^|[.!?] )[a-z]", lambda found: found[0].upper(), template.format_map(slots))


def with_article(thing: str) -> str:
    """Return a thing with its indefinite article."""
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"
