"""Texts of other kinds than short turns, and questions about them; the same seed makes the same ones.

Facts are those of the conversations: they are told in long messages to an assistant that answers at length, posted,
noted about others, or told in other languages.
"""

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.memory.conversations import (
    TALK,
    TOPICS,
    Conversation,
    Question,
    Turn,
    fill,
    make_conversations,
    with_article,
)

SHORT_TURNS = "short turns"

_FOLDER = Path(__file__).parent
_ASSISTANT = tomllib.loads((_FOLDER / "assistant.toml").read_text(encoding="utf-8"))
_LANGUAGES = tomllib.loads((_FOLDER / "languages.toml").read_text(encoding="utf-8"))["language"]
_TOLD_BY_ONESELF = [topic for topic in TOPICS if not topic.get("third_person")]

_TOWNS = ("Ghent", "Aarhus", "Porto", "Graz", "Turku", "Lviv", "Bologna", "Cork", "Tartu", "Brno")
_SENTENCES, _OWN_SENTENCES = (8, 26), (2, 5)
"""How many sentences an assistant's reply has, and how many a user adds to what is told."""
_POSTERS, _NOTED = 3, 12
"""How many people's posts, and facts about how many, one agent has."""
_SMALL_POSTS = 220
_ASKED = 40
"""How many questions are asked about one agent's texts, at most."""

_REPORTED = (
    (r"\bI'm\b", "{name} is"), (r"\bI've\b", "{name} has"), (r"\bI'd\b", "{name} had"), (r"\bI\b", "{name}"),
    (r"\b[Mm]y\b", "{name}'s"), (r"\bme\b", "{name}"), (r"\bWe\b", "{name} and the others"), (r"\bus\b", "them"),
)  # fmt: skip
"""How somebody else tells what was told in the first person."""


def make_kinds(count: int, seed: int) -> dict[str, list[Conversation]]:
    """Return so many conversations, or what is like them, of each kind."""
    makers = {"long turns": _long_turns, "posts": _posts, "facts": _facts}
    made = {SHORT_TURNS: make_conversations(count, seed)}
    for kind, make in makers.items():
        made[kind] = [make(random.Random(f"{seed}/{kind}/{number}")) for number in range(count)]
    for language in _LANGUAGES:
        kind = language["name"]
        made[kind] = [_in_language(random.Random(f"{seed}/{kind}/{number}"), language) for number in range(count // 2)]
    return made


@dataclass(slots=True)
class _Told:
    """What somebody tells of a topic."""

    topic: dict[str, Any]
    slots: dict[str, str]

    @classmethod
    def of(cls, rng: random.Random, topic: dict[str, Any], name: str) -> "_Told":
        thing = rng.choice(sorted(topic["things"]))
        slots = {"name": name, "thing": thing, "a_thing": with_article(thing), "looser": topic["things"][thing]}
        slots |= {"place": rng.choice(topic.get("places", [""])), "when": rng.choice(TALK["when"])}
        slots |= {"kin": rng.choice(TALK["kin"]), "friend": rng.choice(TALK["friends"])}
        return cls(topic, slots)

    def told(self, rng: random.Random) -> str:
        """Return the fact in one of its wordings."""
        return fill(rng.choice(self.topic["told"]), self.slots)

    def asked(self, rng: random.Random) -> str:
        """Return a question about it, in its own words or in others, or for its time."""
        return fill(rng.choice(self.topic[rng.choice(("single", "paraphrase", "dated"))]), self.slots)


@dataclass(slots=True)
class _Writing:
    """Texts in their order, an hour apart, and what is asked about them."""

    turns: list[Turn] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def add(self, speaker: str, text: str, *questions: str, kind: str, session: int | None = None) -> None:
        """Add a text that is the only one to answer these questions; without a session it is in one of its own."""
        number = len(self.turns)
        time = datetime(2023, 3, 1, tzinfo=UTC) + timedelta(hours=number)
        self.turns.append(Turn(number if session is None else session, time, speaker, text))
        self.questions += [Question(kind, question, frozenset((number,))) for question in questions]

    def done(self, rng: random.Random) -> Conversation:
        """Return all of it, with some of the questions."""
        return Conversation(tuple(self.turns), tuple(rng.sample(self.questions, min(_ASKED, len(self.questions)))))


def _long_turns(rng: random.Random) -> Conversation:
    """Let a user tell an assistant something in each session, and have it answer at length."""
    writing = _Writing()
    for session, topic in enumerate(rng.sample(TOPICS, len(TOPICS)) * 2):
        told = _Told.of(rng, topic, "the user")
        # The second time a topic comes up, nothing is told of it: it only comes close.
        is_exported = session < len(TOPICS)
        more = [*topic["context"], *topic["detail"], *rng.choice(TALK["small"])]
        own = rng.sample(more, rng.randint(*_OWN_SENTENCES))
        own.insert(rng.randrange(len(own) + 1), rng.choice(topic["told" if is_exported else "aside"]))
        message = fill(" ".join([*own, rng.choice(_ASSISTANT["asks"])]), told.slots | _small_slots(rng))
        tip = _tip(rng, told)
        follow = [*rng.choice(topic["follow"])[1:2], rng.choice(topic["context"]), rng.choice(_ASSISTANT["asks"])]
        for speaker, text, asked in (
            ("user", message, told.asked(rng)),
            ("assistant", _reply(rng, told, tip[0] if is_exported else ""), tip[1]),
            ("user", " ".join(follow), ""),
            ("assistant", _reply(rng, told, ""), ""),
        ):
            writing.add(speaker, text, *([asked] if asked and is_exported else []), kind="long turns", session=session)
    return writing.done(rng)


def _tip(rng: random.Random, told: _Told) -> tuple[str, str]:
    """Return something that only one reply says, and a question about it."""
    tip = rng.choice(_ASSISTANT["tip"])
    slots = told.slots | {"person": rng.choice(TALK["friends"]), "town": rng.choice(_TOWNS)}
    slots |= {"day": rng.choice(("Monday", "Thursday", "Saturday")), "number": str(10 * rng.randint(5, 90))}
    return fill(tip["told"], slots), fill(rng.choice(tip["asked"]), slots)


def _reply(rng: random.Random, told: _Told, tip: str) -> str:
    """Return what an assistant says at length."""
    sentences = rng.sample(_ASSISTANT["sentences"], rng.randint(*_SENTENCES))
    sentences.insert(rng.randrange(len(sentences)), tip)
    texts = [rng.choice(_ASSISTANT["openings"]), *filter(None, sentences), rng.choice(_ASSISTANT["closings"])]
    return fill(" ".join(texts), told.slots)


def _posts(rng: random.Random) -> Conversation:
    """Let few people post what happens to them, and much else."""
    texts: list[tuple[str, str, list[str]]] = []
    for name in rng.sample(TALK["speakers"], _POSTERS):
        for topic in _TOLD_BY_ONESELF:
            told = _Told.of(rng, topic, name)
            tag = f" #{told.slots['looser'].replace(' ', '')}" if rng.random() < 0.3 else ""
            posted = f"{told.told(rng)} {fill(rng.choice([*topic['context'], *topic['detail']]), told.slots)}{tag}"
            texts.append((name, posted, [told.asked(rng)]))
            aside = rng.choice([*topic["aside"], *TALK["mentions"]])
            texts.append((name, fill(aside, _Told.of(rng, topic, name).slots), []))
        small = (rng.choice(TALK["small"]) for _ in range(_SMALL_POSTS // _POSTERS))
        texts += [(name, fill(" ".join(text), _small_slots(rng)), []) for text in small]
    return _shuffled(rng, texts, "posts")


def _facts(rng: random.Random) -> Conversation:
    """Note a sentence of each topic about each of many people: they are much alike."""
    texts: list[tuple[str, str, list[str]]] = []
    for name in rng.sample(TALK["speakers"], _NOTED):
        for topic in _TOLD_BY_ONESELF:
            told = _Told.of(rng, topic, name)
            texts.append((name, _reported(told.told(rng), name), [told.asked(rng)]))
    return _shuffled(rng, texts, "facts")


def _in_language(rng: random.Random, language: dict[str, Any]) -> Conversation:
    """Let people tell three things of each topic in their language, with small talk between."""
    texts: list[tuple[str, str, list[str]]] = []
    for name in language["names"]:
        for topic in language["topic"]:
            for thing, asked, looser in topic["things"]:
                slots = {"name": name, "thing": thing, "asked": asked, "looser": looser}
                slots["place"] = rng.choice(language["places"])
                question = rng.choice(topic[rng.choice(("exact", "loose"))]).format_map(slots)
                texts.append((name, rng.choice(topic["told"]).format_map(slots), [question]))
            texts.append((name, " ".join(rng.sample(language["small"], 2)), []))
    return _shuffled(rng, texts, language["name"])


def _shuffled(rng: random.Random, texts: Sequence[tuple[str, str, list[str]]], kind: str) -> Conversation:
    writing = _Writing()
    for name, text, questions in rng.sample(texts, len(texts)):
        writing.add(name, text, *questions, kind=kind)
    return writing.done(rng)


def _small_slots(rng: random.Random) -> dict[str, str]:
    return {name: rng.choice(TALK[name]) for name in ("weather", "chore", "meal", "mood", "errand")}


def _reported(text: str, name: str) -> str:
    """Return a fact as somebody else tells it."""
    for said, reported in _REPORTED:
        text = re.sub(said, reported.format(name=name), text)
    return text if name in text else f"{name}: {text}"
