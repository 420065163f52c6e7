"""Evidence recall: how much of what answers a question is among the first results."""

import itertools
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory.conversations import KINDS, Conversation, Question
from benchmarks.memory.kinds import SHORT_TURNS, make_kinds
from benchmarks.memory.peers import Bm25, Like, Peer, Vector
from benchmarks.memory.service import BATCH, Service, serving
from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.words import query_terms

DEPTHS = (5, 10, 20)
SERVICE = "service"

_SEED = 20
_RARE = 0.01

Ranking = Sequence[int]
"""The numbers of the turns that a search returned, best first."""


@dataclass(frozen=True, slots=True)
class Recall:
    """The means over all questions of a kind, for each depth."""

    questions: int
    at: Mapping[int, float]


Found = Mapping[str, Recall]
"""The recall of each method, by its name."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The recall of each method by kind of text, and by kind of question about short turns; what was asked of what."""

    turns: int
    questions: int
    sharing: float
    """The share of the questions that have a rare word in common with their evidence."""
    by_text: Mapping[str, Found]
    by_question: Mapping[str, Found]

    @property
    def mean_gain(self) -> float:
        """How many times the best other method's recall the service has, in the mean over the kinds of text."""
        return statistics.mean(map(gain, self.by_text.values()))


async def measure_recall(conversations: int) -> Evaluation:
    """Ask every question about this many conversations of each kind, of the service and of each peer."""
    kinds = make_kinds(conversations, _SEED)
    made = [conversation for of_kind in kinds.values() for conversation in of_kind]
    rankings: dict[str, list[Ranking]] = {}
    with tempfile.TemporaryDirectory() as folder:
        peers: dict[str, Peer] = {"LIKE": Like(Path(folder) / "like.db"), "BM25 only": Bm25(), "vector only": Vector()}
        for name, peer in peers.items():
            rankings[name] = await _ask_all(made, _peer_asking(peer))
        async with serving(Path(folder)) as service:
            rankings[SERVICE] = await _ask_all(made, _service_asking(service))
    kind_of = [kind for kind, of_kind in kinds.items() for each in of_kind for _ in each.questions]
    questions = [question for conversation in made for question in conversation.questions]

    def found(is_meant: Iterable[bool]) -> Found:
        meant = list(is_meant)
        return {
            name: _mean(list(itertools.compress(zip(questions, ranked, strict=True), meant)))
            for name, ranked in rankings.items()
        }

    return Evaluation(
        turns=sum(len(conversation.turns) for conversation in made),
        questions=len(questions),
        sharing=sharing(kinds[SHORT_TURNS]),
        by_text={name: found(kind == name for kind in kind_of) for name in kinds},
        by_question={name: found(question.kind == name for question in questions) for name in KINDS},
    )


def gain(found: Found) -> float:
    """Return how many times the recall of the best other method the service has among the first ten."""
    return found[SERVICE].at[10] / max(found[name].at[10] for name in found if name != SERVICE)


def recall(evidence: frozenset[int], ranking: Ranking, depth: int) -> float:
    """Return the share of the evidence among the first `depth` results."""
    return len(evidence & set(ranking[:depth])) / len(evidence)


def sharing(conversations: Iterable[Conversation]) -> float:
    """Return the share of questions with a word of their evidence that at most one in a hundred turns has."""
    shared = []
    for conversation in conversations:
        of_turn = [set(query_terms(turn.text)) for turn in conversation.turns]
        limit = _RARE * len(of_turn)
        for question in conversation.questions:
            common = set(query_terms(question.text)) & set().union(*(of_turn[number] for number in question.evidence))
            shared.append(any(sum(word in turn for turn in of_turn) <= limit for word in common))
    return sum(shared) / len(shared)


_Search = Callable[[str], Awaitable[Ranking]]
_Asking = Callable[[str, Conversation], Awaitable[_Search]]
"""Stores a conversation for an agent, and returns what searches it."""


async def _ask_all(conversations: Iterable[Conversation], asking: _Asking) -> list[Ranking]:
    rankings = []
    for number, conversation in enumerate(conversations):
        search = await asking(f"agent-{number}", conversation)
        rankings += [await search(question.text) for question in conversation.questions]
    return rankings


def _peer_asking(peer: Peer) -> _Asking:
    async def ask(agent_id: str, conversation: Conversation) -> _Search:
        turns = _by_id(peer.add(agent_id, [turn.text for turn in conversation.turns]))

        async def search(query: str) -> Ranking:
            return [turns[found] for found in peer.search(agent_id, query, max(DEPTHS))]

        return search

    return ask


def _service_asking(service: Service) -> _Asking:
    async def ask(agent_id: str, conversation: Conversation) -> _Search:
        memories = _memories(conversation)
        ids = []
        for start in range(0, len(memories), BATCH):
            ids += await service.add_memories(agent_id, memories[start : start + BATCH])
        turns = _by_id(ids)

        async def search(query: str) -> Ranking:
            return [turns[found] for found in await service.search(agent_id, query, max(DEPTHS))]

        return search

    return ask


def _memories(conversation: Conversation) -> list[pb.Memory]:
    memories = []
    for turn in conversation.turns:
        memory = pb.Memory(
            text=turn.text,
            kind=pb.MEMORY_KIND_INTERACTION,
            provenance=pb.PROVENANCE_EXTERNAL,
            author=turn.speaker,
            subject=turn.speaker,
            conversation_id=f"session-{turn.session}",
        )
        memory.occur_time.FromDatetime(turn.time)
        memories.append(memory)
    return memories


def _by_id(ids: Sequence[str]) -> dict[str, int]:
    """Return the turn of each id; of a remark that is made twice, which the service stores once, the first."""
    return {found: number for number, found in reversed(list(enumerate(ids)))}


def _mean(asked: Sequence[tuple[Question, Ranking]]) -> Recall:
    sums = {depth: sum(recall(question.evidence, ranking, depth) for question, ranking in asked) for depth in DEPTHS}
    return Recall(len(asked), {depth: total / max(1, len(asked)) for depth, total in sums.items()})
